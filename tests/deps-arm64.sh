#!/bin/sh
# Fetch what the ARM64 testbed needs, if it is missing: an emulator, a kernel, a shell and a C library of that machine.
# The emulator is installed; the rest is only unpacked, below target/arm64/testbed. Says what it does.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
bed=$root/target/arm64/testbed
# Linux 6.10 is the first that can write-protect by userfaultfd on ARM64; newer than the distribution's own.
kernel=linux-image-cloud-arm64

fail() {
    echo "deps-arm64: $1" >&2
    exit 1
}

command -v apt-get >/dev/null || fail "the ARM64 testbed needs Debian's package manager"
"$root/toolchain/deps-arm64"
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
export DEBIAN_FRONTEND=noninteractive
suite=$(. /etc/os-release && echo "$VERSION_CODENAME-backports")
updated=false

update() {
    [ "$updated" = false ] || return 0
    updated=true
    dpkg --print-foreign-architectures | grep -qx arm64 || $as_root dpkg --add-architecture arm64
    apt-cache policy | grep -q "a=$suite\|n=$suite" || add_backports
    $as_root apt-get update -qq || true
}

# The machine's own Debian source, with another suite.
add_backports() {
    echo "deps-arm64: adding $suite to the package sources"
    list=/etc/apt/sources.list.d/$suite
    if [ -e /etc/apt/sources.list.d/debian.sources ]; then
        sed "s/^Suites:.*/Suites: $suite/; /^#/d" /etc/apt/sources.list.d/debian.sources |
            awk 'BEGIN { RS = "" } NR == 1' | $as_root tee "$list.sources" >/dev/null
    else
        sed -n "s/^\(deb .*\) ${suite%-backports} .*/\1 $suite main/p" /etc/apt/sources.list | head -n 1 |
            $as_root tee "$list.list" >/dev/null
    fi
}

# From the newer suite: the plain one's would remove other tools of the same emulator.
if ! command -v qemu-system-aarch64 >/dev/null; then
    update
    echo "deps-arm64: installing qemu-system-arm"
    $as_root apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends -t "$suite" qemu-system-arm >/dev/null
fi
command -v qemu-system-aarch64 >/dev/null || fail "there is still no qemu-system-aarch64"
command -v xz >/dev/null || fail "there is no xz; install the package xz-utils"

# fetch NAME PACKAGE: unpacks the package into $bed/NAME, which appears at once and whole
fetch() {
    [ ! -d "$bed/$1" ] || return 0
    update
    echo "deps-arm64: fetching $2"
    new=$bed/.new.$$
    rm -rf "$new"
    mkdir -p "$new"
    (cd "$new" && apt-get -o APT::Sandbox::User=root download -qq "$2" && dpkg -x ./*.deb tree) || fail "cannot fetch $2"
    mv "$new/tree" "$bed/$1"
    rm -rf "$new"
}

mkdir -p "$bed"
# The package by the plain name only says which kernel is the newest.
if [ ! -d "$bed/kernel" ]; then
    update
    newest=$(apt-cache -t "$suite" depends "$kernel:arm64" 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[^: ]*\).*/\1/p' | head -n 1)
    [ -n "$newest" ] || fail "$suite has no $kernel"
    fetch kernel "$newest:arm64"
fi
fetch busybox busybox-static:arm64
fetch musl musl-dev:arm64

# A compiler for it: gcc with this C library instead of its own.
specs=$bed/musl/usr/lib/aarch64-linux-musl/musl-gcc.specs
[ -e "$specs" ] || fail "musl-dev has no $specs"
cat >"$bed/musl-gcc.new" <<END
#!/bin/sh
# libgcc's own choice of atomics asks for a function that musl does not have.
exec aarch64-linux-gnu-gcc -mno-outline-atomics "\$@" -specs "$bed/musl-gcc.specs"
END
sed "s,/usr/\(include\|lib\)/aarch64-linux-musl,$bed/musl&,g" "$specs" >"$bed/musl-gcc.specs"
chmod +x "$bed/musl-gcc.new"
mv "$bed/musl-gcc.new" "$bed/musl-gcc"
