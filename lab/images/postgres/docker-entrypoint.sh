#!/bin/bash
# The official image's interface: flags are arguments of postgres, which runs as the user postgres; an empty PGDATA is
# filled by initialise.sh first.
set -euo pipefail

wants_help() {
    local argument
    for argument; do
        case $argument in -'?' | --help | --describe-config | -V | --version) return 0 ;; esac
    done
    return 1
}

if [[ ${1-} == -* ]]; then
    set -- postgres "$@"
fi

if [[ ${1-} == postgres ]] && ! wants_help "$@"; then
    if [[ $(id -u) == 0 ]]; then
        mkdir -p "$PGDATA"
        chmod 00700 "$PGDATA"
        find "$PGDATA" \! -user postgres -exec chown postgres {} +
        if [[ -n ${POSTGRES_INITDB_WALDIR-} ]]; then
            install -d -m 700 -o postgres "$POSTGRES_INITDB_WALDIR"
        fi
        chown postgres /var/run/postgresql
        exec gosu postgres "$0" "$@"
    fi
    initialise.sh "$@"
    # Only initialising needs these, and a process's environment can be read.
    unset POSTGRES_PASSWORD PGPASSWORD
fi
exec "$@"
