#!/bin/sh
# `docker run image --flag` and `docker run image script.js` mean node's arguments; a known command is run as it is.
set -eu
if [ $# -eq 0 ] || [ "${1#-}" != "$1" ] || [ -z "$(command -v "$1")" ]; then
    set -- node "$@"
fi
exec "$@"
