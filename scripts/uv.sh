#!/bin/sh
# Prints the path of a uv that works. Where the machine has none, it is installed into .venv-uv/ from the
# package index that pip is set up for, so that nothing outside this folder is touched.
set -eu
cd "$(dirname "$0")/.."

own=.venv-uv

# A name on PATH proves little: version managers put stubs there that fail when they are called.
works() { "$@" >/dev/null 2>&1; }

find_uv() {
    for uv in uv "$own/bin/uv" "$own/venv/bin/uv" "${HOME:-/nowhere}/.local/bin/uv" "${HOME:-/nowhere}/.cargo/bin/uv"; do
        if works "$uv" --version; then
            command -v "$uv"
            return 0
        fi
    done
    return 1
}

pythons() {
    for python in python3 python3.14 python3.13 python3.12 /usr/bin/python3 /usr/local/bin/python3 python; do
        if works "$python" -c 'import sys; sys.exit(sys.version_info < (3, 7))'; then
            echo "$python"
        fi
    done
}

# --target goes past Debian's "externally managed" mark, since it installs beside the system and not into it.
install_uv() {
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    for python in $(pythons); do
        rm -rf "$own"
        if works "$python" -m venv "$own/venv" && "$own/venv/bin/python" -m pip install --quiet uv >>"$log" 2>&1; then
            return 0
        fi
        rm -rf "$own"
        if works "$python" -m pip --version && "$python" -m pip install --quiet --target "$own" uv >>"$log" 2>&1; then
            return 0
        fi
    done
    rm -rf "$own"
    cat "$log" >&2
    return 1
}

find_uv && exit 0
echo "Installing uv into $own/ …" >&2
install_uv && find_uv && exit 0
cat >&2 <<'MESSAGE'
Neither uv nor a Python 3 with a working pip was found, or the package index could not be reached.
Install one of them, then run make again:
  - uv, as its documentation describes, or
  - pip for the Python that is here (Debian and Ubuntu: apt-get install python3-pip python3-venv).
MESSAGE
exit 1
