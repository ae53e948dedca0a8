#!/bin/sh
# Run two examples natively and with their threads on two boards of this machine; show that nobody sees a difference.
# Fails if there is one.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
bin=${RTX_BIN_DIR:-target/release}
guests=target/guest/$(uname -m)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# show FILE: as a quotation
show() {
    sed 's/^/    /' "$1"
}

# compare NAME [ARG...]: one example, both ways
compare() {
    name=$1
    shift
    echo "\$ $guests/$name $*"
    "$guests/$name" "$@" >"$work/native"
    show "$work/native"
    echo "\$ rtx-run --policy static --boards local:2 --summary $guests/$name $*"
    if ! "$bin/rtx-run" --policy static --boards local:2 --summary -- "$guests/$name" "$@" \
        >"$work/offloaded" 2>"$work/summary"; then
        show "$work/summary" >&2
        echo "demo: rtx-run failed; target/release/rtx check tells what this machine lacks" >&2
        exit 1
    fi
    show "$work/offloaded"
    show "$work/summary"
    if ! cmp -s "$work/native" "$work/offloaded"; then
        echo "demo: $name printed something else on boards" >&2
        exit 1
    fi
    echo "The outputs are equal, byte by byte."
    echo
}

compare matmul --threads 4 --size 512
compare pipeline --threads 4 --size 1000
