#!/bin/sh
# Install the Debian packages that building and testing need, if they are missing. Says which. Uses sudo when not root.
set -eu

fail() {
    echo "deps: $1" >&2
    exit 1
}

need_rust() {
    command -v "${CARGO:-cargo}" >/dev/null ||
        fail "there is no cargo; install the Rust toolchain: https://rustup.rs"
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$(dirname "$0")/../Cargo.toml")
    found=$("${CARGO:-cargo}" --version | cut -d ' ' -f 2)
    oldest=$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -n 1)
    [ "$oldest" = "$wanted" ] ||
        fail "cargo $found is older than $wanted; update the Rust toolchain: rustup update, or https://rustup.rs"
}

# has_file PATTERN...: one of the patterns matches a file
has_file() {
    for file in "$@"; do
        [ ! -e "$file" ] || return 0
    done
    return 1
}

# The packages that are missing, judged by what they would give: it may have come another way.
missing() {
    command -v gcc >/dev/null || echo gcc
    has_file /usr/include/stdio.h || echo libc6-dev
    has_file /usr/include/linux/userfaultfd.h || echo linux-libc-dev
    command -v musl-gcc >/dev/null || echo musl-tools
    # bindgen reads kernel headers with libclang, and finds the compiler's own headers by way of clang.
    has_file /usr/lib/llvm-*/lib/libclang.so /usr/lib/llvm-*/lib/libclang-*.so* /usr/lib/*/libclang-*.so* /usr/lib*/libclang.so ||
        echo libclang-dev
    command -v clang >/dev/null || has_file /usr/bin/clang-[0-9]* || echo clang
    # rtx-cc: LLVM 19, and GCC's helpers for aarch64; its tests run that under qemu, and generate programs.
    command -v clang-19 >/dev/null || echo clang-19
    has_file /usr/lib/llvm-19/lib/libLLVM.so /usr/lib/llvm-19/lib/libLLVM-19.so || echo llvm-19-dev
    command -v llvm-objcopy-19 >/dev/null || echo llvm-19
    command -v ld.lld-19 >/dev/null || echo lld-19
    command -v dpkg-source >/dev/null || echo dpkg-dev
    has_file /usr/lib/gcc-cross/aarch64-linux-gnu/*/libgcc.a || echo libgcc-12-dev-arm64-cross
    command -v qemu-aarch64-static >/dev/null || echo qemu-user-static
    command -v csmith >/dev/null || echo csmith
    has_file /usr/include/csmith/csmith.h || echo libcsmith-dev
    command -v ip >/dev/null || has_file /sbin/ip || echo iproute2
    # rtx top is tested on a screen that can be read.
    command -v tmux >/dev/null || echo tmux
}

need_rust
packages=$(missing | tr '\n' ' ')
[ -n "$packages" ] || exit 0

command -v apt-get >/dev/null ||
    fail "missing: ${packages}(names of Debian packages); install them with this system's package manager"
as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "missing: ${packages}; install them as root: apt-get install $packages"
    as_root=sudo
fi
echo "deps: installing $packages"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # lists of words
{
    $as_root apt-get update -qq
    $as_root apt-get install -y -qq --no-install-recommends $packages >/dev/null
}
left=$(missing | tr '\n' ' ')
[ -z "$left" ] || fail "still missing after the installation: $left"
