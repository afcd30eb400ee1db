#!/bin/sh
# Installs just and cargo-lambda (with the zig it links by) from PyPI into .tools/python, once, at pinned versions.
set -eu
packages="rust-just==1.59.0 cargo-lambda==1.9.2"
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
venv="$root/.tools/python"
if [ -x "$venv/bin/cargo-lambda" ] && [ "$(cat "$venv/packages" 2>/dev/null)" = "$packages" ]; then
    exit 0
fi
rm -rf "$venv"
python3 -m venv "$venv"
# shellcheck disable=SC2086  # the list is meant to be split
"$venv/bin/pip" install --quiet --disable-pip-version-check $packages
printf '%s\n' "$packages" > "$venv/packages"
echo "installed in .tools/python/bin: just, cargo-lambda (put it on the PATH)"
