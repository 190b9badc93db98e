#!/usr/bin/env bash
# Makes or updates .venv from requirements.lock. PYTHON=... chooses the interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=${PATH//"$PWD/.venv/bin:"/}  # what make put there is not what .venv is made with

supported() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if supported "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "berth needs Python 3.11 or newer; ${PYTHON:-python3} is $(${PYTHON:-python3} --version 2>&1 || true)." \
        "Install one and name it: make PYTHON=/path/to/python3.11" >&2
    return 1
}

# Debian and Ubuntu ship Python without ensurepip, which venv needs.
ensure_venv_module() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null && return
    local package
    package="$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "$1 cannot make virtual environments: install its venv module (Debian, Ubuntu: sudo apt-get install $package)" >&2
        return 1
    fi
    echo "installing $package"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null
}

if ! supported .venv/bin/python || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    python="$(find_python)"
    ensure_venv_module "$python"
    rm -rf .venv
    "$python" -m venv .venv
fi
echo "installing requirements.lock into .venv (half a minute the first time)"
# Bytecode is compiled when it is first needed: the ansible package has tens of thousands of files that never are.
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --requirement requirements.lock
touch .venv/.stamp
