#!/usr/bin/env bash
# Builds the collection's archive into a folder (default: dist) and prints its path.
# Built from a copy of what git knows or would add, so that nothing ignored (secrets, caches) can end up in it.
set -euo pipefail
cd "$(dirname "$0")/.."

destination=$(mkdir -p "${1:-dist}" && cd "${1:-dist}" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

git ls-files --cached --others --exclude-standard -z |
    while IFS= read -r -d '' file; do
        if [ -e "$file" ]; then printf '%s\0' "$file"; fi  # deleted, but not yet in the index
    done |
    tar --create --null --no-recursion --files-from - | tar --extract --directory "$scratch"
.venv/bin/ansible-galaxy collection build --force --output-path "$destination" "$scratch" >&2
ls -t "$destination"/berth-server-*.tar.gz | head -1
