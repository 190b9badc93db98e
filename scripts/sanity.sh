#!/usr/bin/env bash
# ansible-test sanity on what ships: the built archive, unpacked where ansible-test wants a collection.
# Arguments are passed on: scripts/sanity.sh --test validate-modules
set -euo pipefail
cd "$(dirname "$0")/.."

venv=$PWD/.venv
# ansible-test keeps one environment per test below $HOME. It gets a home of its own, with a short path: longer than
# 127 characters, the first line of the scripts in there would not work.
home=${XDG_CACHE_HOME:-$HOME/.cache}/berth
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

collection=$scratch/ansible_collections/berth/server
mkdir -p "$collection/tests" "$home/.ansible/test/cache"
tar --extract --gzip --file "$(scripts/build.sh "$scratch")" --directory "$collection"
cp -r tests/config.yml "$collection/tests/"
if [ -d tests/sanity ]; then cp -r tests/sanity "$collection/tests/"; fi
git -C "$collection" init --quiet
git -C "$collection" add --all

# It would download pip's bootstrap script; Python brings pip along, so this works behind any proxy and offline.
pip_version=$("$venv/bin/python" - <<'PYTHON'
from types import SimpleNamespace
from ansible_test._internal.python_requirements import get_venv_packages
print(get_venv_packages(SimpleNamespace(version=None))["pip"])
PYTHON
)
cp scripts/get_pip.py "$home/.ansible/test/cache/get_pip_${pip_version//./_}.py"

cd "$collection"
export XDG_CONFIG_HOME=${XDG_CONFIG_HOME:-$HOME/.config} XDG_CACHE_HOME=${XDG_CACHE_HOME:-$HOME/.cache}
HOME=$home "$venv/bin/ansible-test" sanity \
    --python "$("$venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')" "$@"
