#!/bin/sh
# Builds cargo-fuzz into .tools/cargo-fuzz, once. It drives libFuzzer, which wants the nightly toolchain.
set -eu
version=0.13.1
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
home="$root/.tools/cargo-fuzz"
if ! rustup toolchain list | grep -q '^nightly'; then
    rustup toolchain install nightly --profile minimal
fi
if [ -x "$home/bin/cargo-fuzz" ] && [ "$(cat "$home/version" 2>/dev/null)" = "$version" ]; then
    exit 0
fi
rm -rf "$home"
CARGO_TARGET_DIR="$home/build" cargo install cargo-fuzz --quiet --locked --version "$version" --root "$home"
rm -rf "$home/build"
printf '%s\n' "$version" > "$home/version"
