#!/bin/sh
# A flag or one of Traefik's own commands goes to traefik; anything else is a command to run.
set -eu
case ${1-} in
    -* | healthcheck | version | help | completion) set -- traefik "$@" ;;
    '') set -- traefik ;;
esac
exec "$@"
