#!/bin/sh
# The official image's interface: flags and *.conf files are arguments of redis-server, which runs as the user redis.
set -eu

case ${1-} in
    -* | *.conf) set -- redis-server "$@" ;;
esac

if [ "${1-}" = redis-server ]; then
    # The official image is built with protected mode off; with it a server without a password answers loopback only.
    # Said only where neither the arguments nor the configuration file do.
    protected=unsaid
    for argument in "$@"; do
        case $argument in
            --protected-mode) protected=said ;;
            *.conf) grep -qi '^[[:space:]]*protected-mode' "$argument" 2>/dev/null && protected=said ;;
        esac
    done
    [ "$protected" = said ] || set -- "$@" --protected-mode no

    if [ "$(id -u)" = 0 ]; then
        find . \! -user redis -exec chown redis:redis {} +
        set -- gosu redis "$@"
    fi
    # Dumps hold everybody's data.
    if [ "$(umask)" = 0022 ]; then
        umask 0077
    fi
fi
exec "$@"
