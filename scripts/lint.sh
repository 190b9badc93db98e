#!/usr/bin/env bash
# Every linter, all findings: one that fails does not hide the next.
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH=$PWD/.venv/bin:$PATH

failed=()
check() {
    echo "--- $*"
    "$@" || failed+=("$1")
}

check ruff check --output-format concise
check ruff format --check --output-format concise
# Plugins are checked under the name that they are imported by.
check mypy .ansible/collections/ansible_collections/berth/server/plugins/module_utils lab scripts
check yamllint --strict .
check ansible-lint
check python scripts/check_versions.py

if [ ${#failed[@]} -gt 0 ]; then
    echo "failed: ${failed[*]}"
    exit 1
fi
