#!/usr/bin/env bash
# The collection as its users get it: built, installed elsewhere, its modules documented, its playbook found by name.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=$PWD/.venv
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

archive=$(scripts/build.sh "$scratch")
mkdir "$scratch/empty"
cd "$scratch/empty"  # neither ansible.cfg nor the checkout's own berth.server
unset ANSIBLE_CONFIG ANSIBLE_VAULT_PASSWORD_FILE
export ANSIBLE_COLLECTIONS_PATH=$scratch/collections ANSIBLE_NOCOLOR=1
"$venv/bin/ansible-galaxy" collection install --no-deps --collections-path "$scratch/collections" "$archive"

installed=$scratch/collections/ansible_collections/berth/server
for module in "$installed"/plugins/modules/*.py; do
    name=berth.server.$(basename "$module" .py)
    # ansible-doc only warns about what it does not find.
    if ! "$venv/bin/ansible-doc" --type module "$name" | grep "MODULE $name ($module)"; then
        echo "$name: ansible-doc does not find it in the installed archive" >&2
        exit 1
    fi
done
"$venv/bin/ansible-playbook" --syntax-check --inventory localhost, berth.server.site
echo "$(basename "$archive"): $(find "$installed" -type f | wc -l) files work from an empty folder"
