#!/bin/sh
# Show a program whose threads start on x86-64 and finish on ARM64, an emulated machine. Builds what that takes;
# needs root for a network namespace (sudo when not root).
set -eu

cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
[ "$(uname -m)" = x86_64 ] || {
    echo "demo-arm64: rtx-cc runs on x86-64 only; on this machine see make demo" >&2
    exit 1
}
tests/deps-arm64.sh
"$cargo" build --release --locked -p rtx-launcher -p rtx-runtime -p rtx-toolchain
target/release/rtx-cc setup
toolchain/build-guests --rtx-cc
"$cargo" build --release --locked -p rtx-tests --bin rtx-demo-arm64
toolchain/cargo-arm64 build --release --locked --bins -p rtx-launcher -p rtx-runtime -p rtx-tests
as_root=
[ "$(id -u)" = 0 ] || as_root='sudo --preserve-env=PATH,HOME,CARGO_HOME,RUSTUP_HOME'
# RTX_CC: it is ready, nothing is to be built.
# shellcheck disable=SC2086 # a list of words
$as_root env RTX_BIN_DIR=target/release RTX_CC="$PWD/target/release/rtx-cc" target/release/rtx-demo-arm64
