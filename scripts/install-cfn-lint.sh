#!/bin/sh
# Installs cfn-lint from PyPI into .tools/cfn-lint, once. A pinned version, so that a new rule there
# does not fail a build here; raise it on purpose.
set -eu
version=1.58.0
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
venv="$root/.tools/cfn-lint"
if [ -x "$venv/bin/cfn-lint" ] && [ "$(cat "$venv/version" 2>/dev/null)" = "$version" ]; then
    exit 0
fi
rm -rf "$venv"
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check "cfn-lint==$version"
printf '%s\n' "$version" > "$venv/version"
