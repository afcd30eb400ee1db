# `just` alone lists the recipes. Plain `cargo run` and `cargo test` need none of them.

functions := "inbound dispatch reply deliver inbox erasure retention exports channels mail attachments documents alerts"
export PATH := justfile_directory() / ".tools/python/bin:" + env("PATH")

[private]
default:
    @just --list --unsorted

# Everything that CI checks
check:
    .ci/run

# All tests; arguments go to cargo test
test *arguments:
    cargo test --workspace {{ arguments }}

# 100,000 messages exported, and again with the worker killed at three places: memory, seconds, the same bytes
large-export:
    cargo test -p usher-tests --test e2e -- --ignored --nocapture a_large_export

# The table of permissions, and each statement taken away for real
permissions:
    cargo test -p usher-tests --test e2e -- --nocapture --include-ignored p_sec_03_every_statement every_statement_is_missed

# A thousand messages through every kind of fault and kill; minutes. The seed draws the plan
storm seed="1" messages="1000":
    USHER_STORM_SEED={{ seed }} USHER_STORM_MESSAGES={{ messages }} cargo test -p usher-tests --test e2e -- --ignored --nocapture no_message_of_a_thousand

# Ten thousand messages on all channels, each brought one to eight times and out of order, through the same
flood seed="1" messages="10000":
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
    CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=false USHER_STORM_SEED={{ seed }} USHER_STORM_MESSAGES={{ messages }} cargo test --release --workspace --test e2e -- --ignored --nocapture no_message_of_ten_thousand
# Every parser of what strangers send, for so many seconds each, on the nightly toolchain
fuzz seconds="60" *targets:
    scripts/fuzz {{ seconds }} {{ targets }}

# How well questions are answered: recall, wrong answers and hand-overs on three businesses, beside plain search
retrieval:
    cargo test -p usher-shared --lib -- --nocapture three_businesses

# Formatting, lints, template, dependencies
lint:
    .ci/run fmt clippy template deny

# What the running local stack would be billed since its start or the last `just meter-reset`
meter *arguments:
    cargo run -q -- meter {{ arguments }}

# Sets the meter of the running local stack to zero
meter-reset:
    cargo run -q -- meter --reset

# Known vulnerabilities in dependencies; needs the network
advisories:
    scripts/install-cargo-deny.sh
    .tools/cargo-deny/bin/cargo-deny check advisories

# Release binaries for Lambda (arm64), one build per function so that none links another's features
package: tools
    for function in {{ functions }}; do cargo lambda build --release --arm64 --locked -p "$function"; done

# Deploy with the settings of samconfig.toml; arguments go to sam deploy
deploy *arguments: package
    sam deploy --template-file template.yaml {{ arguments }}

# Install just and cargo-lambda into .tools
tools:
    scripts/install-tools.sh
