#!/usr/bin/env bash
# Rewrites requirements.lock from pyproject.toml: the newest versions that fit, for every supported Python at once.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"${PYTHON:-python3}" -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet uv
"$scratch/venv/bin/uv" pip compile --quiet --universal --python-version 3.11 --system-certs --upgrade \
    --no-header --no-annotate --group dev --output-file "$scratch/lock"
{
    echo "# Made by 'make lock' from pyproject.toml; do not edit."
    cat "$scratch/lock"
} > requirements.lock
