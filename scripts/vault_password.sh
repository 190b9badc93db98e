#!/usr/bin/env bash
# Makes the demo's vault password once. The demo and the tests share it; it never leaves this machine.
set -euo pipefail
cd "$(dirname "$0")/.."

file=inventories/demo/.vault-password
if [ ! -s "$file" ]; then
    umask 077
    .venv/bin/python -c 'import secrets; print(secrets.token_urlsafe(32))' > "$file"
fi
