#!/bin/sh
# Makes .venv/ with everything that running and testing need, from the hash-locked requirements-dev.txt.
# A stamp records what was installed, so that a second call returns at once. A .venv/ without a stamp was
# interrupted half way: a package in it may be there by name and not in full, so it is made afresh.
set -eu
cd "$(dirname "$0")/.."

venv=.venv
stamp=$venv/.installed
wanted=$(cat .python-version)

# The folder is part of the state, because the commands in .venv/bin name it: a moved copy is made afresh.
state() { cksum requirements-dev.txt .python-version && pwd; }
current() { [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(state)" ]; }
same_base() { [ -f "$stamp" ] && [ "$(tail -n 2 "$stamp")" = "$(state | tail -n 2)" ]; }
usable() { "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; }

current && usable && exit 0

log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

make_with_uv() {
    uv=$(sh scripts/uv.sh) || return 1
    if ! usable || ! same_base; then
        rm -rf "$venv"
        echo "Making $venv with Python $wanted …"
        if ! "$uv" venv --quiet --python "$wanted" "$venv" 2>"$log"; then
            echo "Python $wanted was neither found nor fetched: taking any Python from 3.12."
            "$uv" venv --quiet --python '>=3.12' "$venv" || { cat "$log" >&2; return 1; }
        fi
    fi
    rm -f "$stamp"
    echo "Installing the locked packages …"
    "$uv" pip sync --quiet --require-hashes --python "$venv/bin/python" requirements-dev.txt
}

# pip knows mirrors and certificates that uv does not read (pip.conf), and may be there where uv cannot be had.
make_with_pip() {
    for python in "python$wanted" python3.14 python3.12 python3 /usr/bin/python3 python; do
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1 || continue
        rm -rf "$venv"
        echo "Trying again with pip …"
        "$python" -m venv "$venv" >/dev/null 2>&1 || continue
        "$venv/bin/python" -m pip install --quiet --require-hashes -r requirements-dev.txt && return 0
    done
    return 1
}

if ! make_with_uv && ! make_with_pip; then
    echo "The set-up did not succeed: see the messages above. It needs Python 3.12 or newer (or a network from" >&2
    echo "which uv can fetch one) and a package index. Run it again when that is there; it starts afresh." >&2
    exit 1
fi
state >"$stamp"
