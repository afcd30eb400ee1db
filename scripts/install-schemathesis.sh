#!/bin/sh
# Installs Schemathesis from PyPI into .tools/schemathesis, once. A pinned version, so that a new check there
# does not fail a run here; raise it on purpose.
set -eu
version=4.32.5
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
venv="$root/.tools/schemathesis"
if [ -x "$venv/bin/schemathesis" ] && [ "$(cat "$venv/version" 2>/dev/null)" = "$version" ]; then
    exit 0
fi
rm -rf "$venv"
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version"
printf '%s\n' "$version" > "$venv/version"
