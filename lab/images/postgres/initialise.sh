#!/bin/bash
# Fills an empty PGDATA as POSTGRES_* and /docker-entrypoint-initdb.d say; does nothing where a database is.
#
# All is done in a subdirectory of PGDATA and moved up at the end, PG_VERSION last. So a start that was interrupted at any
# moment is either taken up again or begun anew, and half a database is never served.
set -euo pipefail

new=$PGDATA/.initialising
done_mark=$new/.done

fail() {
    printf 'postgres: %s\n' "$*" >&2
    exit 1
}

# $1: variable that may be given as itself or as the name of a file in ${1}_FILE; $2: default.
from_file() {
    local name=$1 file_name=${1}_FILE
    if [[ -n ${!name-} && -n ${!file_name-} ]]; then
        fail "$name and $file_name are both set; expected one."
    fi
    if [[ -n ${!file_name-} ]]; then
        export "$name"="$(< "${!file_name}")"
    else
        export "$name"="${!name-${2-}}"
    fi
}

check_settings() {
    if [[ -z $POSTGRES_PASSWORD && ${POSTGRES_HOST_AUTH_METHOD-} != trust ]]; then
        fail "the database is not initialised and has no password for its superuser; set POSTGRES_PASSWORD or" \
            "POSTGRES_PASSWORD_FILE (or POSTGRES_HOST_AUTH_METHOD=trust, which lets anyone in)."
    fi
}

check_directory() {
    local found
    found=$(find "$PGDATA" -mindepth 1 -maxdepth 1 ! -name lost+found ! -path "$new" -printf '%f ')
    if [[ -n $found && ! -e $done_mark ]]; then
        fail "$PGDATA holds no database (no PG_VERSION) but is not empty: $found- expected an empty directory."
    fi
}

create_cluster() {
    local arguments=()
    if [[ -n ${POSTGRES_INITDB_WALDIR-} ]]; then
        arguments+=(--waldir "$POSTGRES_INITDB_WALDIR")
    fi
    # Words are separated here on purpose: the variable holds a command line.
    eval "initdb --pgdata \"\$new\" --username \"\$POSTGRES_USER\" --pwfile <(printf '%s\n' \"\$POSTGRES_PASSWORD\")" \
        '"${arguments[@]}"' "$POSTGRES_INITDB_ARGS"
    local method=${POSTGRES_HOST_AUTH_METHOD:-$(postgres -D "$new" -C password_encryption)}
    printf '\nhost all all all %s\n' "$method" >> "$new/pg_hba.conf"
}

# As in the official image: on the socket alone, so that nobody outside sees a server that will go away again.
temporary_server() {
    local options=''
    [[ $# -eq 0 ]] || options=$(printf '%q ' "$@")
    PGPASSWORD=$POSTGRES_PASSWORD pg_ctl -D "$new" -w -o "$options -c listen_addresses='' -p 5432" start
}

as_superuser() {
    PGHOST='' PGHOSTADDR='' PGPASSWORD=$POSTGRES_PASSWORD \
        psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --no-password --no-psqlrc "$@"
}

query() {
    as_superuser --dbname "$POSTGRES_DB" "$@"
}

create_database() {
    local exists
    exists=$(as_superuser --dbname postgres --set name="$POSTGRES_DB" --tuples-only --no-align \
        <<< "SELECT 1 FROM pg_database WHERE datname = :'name'")
    if [[ -z $exists ]]; then
        as_superuser --dbname postgres --set name="$POSTGRES_DB" <<< 'CREATE DATABASE :"name"'
    fi
}

run_files() {
    local file
    for file; do
        printf 'postgres: initialising with %s\n' "$file"
        case $file in
            *.sh)
                if [[ -x $file ]]; then
                    "$file"
                else
                    # shellcheck disable=SC1090
                    . "$file"
                fi
                ;;
            *.sql) query --file "$file" ;;
            *.sql.gz) gunzip --stdout "$file" | query ;;
            *.sql.xz) xz --decompress --stdout "$file" | query ;;
            *.sql.zst) zstd --decompress --stdout "$file" | query ;;
            *) printf 'postgres: ignored %s\n' "$file" ;;
        esac
    done
}

move_up() {
    local entry
    while IFS= read -r entry; do
        mv --no-target-directory "$entry" "$PGDATA/${entry##*/}"
    done < <(find "$new" -mindepth 1 -maxdepth 1 ! -name PG_VERSION ! -name .done)
    mv "$new/PG_VERSION" "$PGDATA/PG_VERSION"
    rm -rf "$new"
}

if [[ -s $PGDATA/PG_VERSION ]]; then
    rm -rf "$new"
    exit 0
fi
check_directory
if [[ ! -e $done_mark ]]; then
    rm -rf "$new"
    if [[ -n ${POSTGRES_INITDB_WALDIR-} ]]; then
        find "$POSTGRES_INITDB_WALDIR" -mindepth 1 -delete
    fi
    from_file POSTGRES_PASSWORD
    from_file POSTGRES_USER postgres
    from_file POSTGRES_DB "$POSTGRES_USER"
    from_file POSTGRES_INITDB_ARGS
    check_settings
    create_cluster
    # What the files run must find the database where it is now.
    permanent=$PGDATA
    export PGDATA=$new
    temporary_server "${@:2}"
    create_database
    shopt -s nullglob
    run_files /docker-entrypoint-initdb.d/*
    pg_ctl -D "$new" -m fast -w stop
    export PGDATA=$permanent
    touch "$done_mark"
    printf 'postgres: initialised, ready to start\n'
fi
move_up
