#!/bin/sh
# Find a Python 3.13 by asking each candidate (a pyenv shim may be on the path and lead nowhere), then hand over.
set -eu
cd "$(dirname "$0")/.."
wanted=$(cat .python-version)

is_wanted() {
    [ "$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$wanted" ]
}

for candidate in .venv/bin/python "${PYTHON:-}" "python$wanted" python3 python \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$wanted"*/bin/python3 \
    /usr/local/bin/"python$wanted" /opt/homebrew/bin/"python$wanted" /opt/python"$wanted"/bin/python3; do
    if [ -n "$candidate" ] && is_wanted "$candidate"; then
        exec "$candidate" tools/setup.py
    fi
done

echo "set-up: no Python $wanted on this machine; install it (python.org, pyenv, uv or your package manager)," \
    "or name it: make setup PYTHON=/path/to/python$wanted" >&2
exit 1
