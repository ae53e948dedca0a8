#!/bin/sh
# Build two packages of the distribution by rtx-cc and run their own tests: natively, then with every program under
# rtx-run and an emulated ARM64 machine as the board. Builds what that takes; needs root for a network namespace (sudo
# when not root).
set -eu

cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
[ "$(uname -m)" = x86_64 ] || {
    echo "packages-arm64: rtx-cc runs on x86-64 only" >&2
    exit 1
}
echo "packages-arm64: fetches xz-utils and lbzip2 as source packages, builds them by rtx-cc, runs their tests natively and" \
    "with threads that move between x86-64 and an emulated ARM64 machine; takes half an hour"
tests/deps-arm64.sh
"$cargo" build --release --locked -p rtx-launcher -p rtx-runtime -p rtx-toolchain
target/release/rtx-cc setup
toolchain/packages
"$cargo" build --release --locked -p rtx-tests --bin rtx-arm64-board
toolchain/cargo-arm64 build --release --locked --bins -p rtx-launcher -p rtx-runtime -p rtx-tests
as_root=
[ "$(id -u)" = 0 ] || as_root='sudo --preserve-env=PATH,HOME,CARGO_HOME,RUSTUP_HOME'
# shellcheck disable=SC2086 # a list of words
$as_root env RTX_BIN_DIR=target/release target/release/rtx-arm64-board toolchain/packages -s
