#!/bin/bash
# All tests, lane by lane, with totals at the end. RTX_STRESS_RUNS: how often the stress lane runs each example;
# RTX_BOUNDS_SECONDS: how long the bounds lane watches.
set -euo pipefail

cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
export RTX_STRESS_RUNS=${RTX_STRESS_RUNS:-50}
export RTX_BOUNDS_SECONDS=${RTX_BOUNDS_SECONDS:-30}
log=$(mktemp)
ahead=
trap cleanup EXIT
begin=$SECONDS

cleanup() {
    rm -f "$log"
    # Only if it still runs: its number may be another's by then.
    if [ -n "$ahead" ] && jobs -pr | grep -qx "$ahead"; then
        kill "$ahead"
    fi
}

# step TITLE COMMAND...: announced, timed, logged; if it fails, there is nothing to test
step() {
    run "$@" || finish
}

# lane TITLE COMMAND...: as a step, but the other lanes run even if it fails
lane() {
    run "$@" || true
}

failed=()
ends=()
run() {
    local title=$1 start=$SECONDS before
    shift
    echo "== $title"
    before=$(wc -l <"$log")
    if ! "$@" 2>&1 | tee -a "$log"; then
        echo "== FAILED: $title" >&2
        failed+=("$title")
        ends+=("$(tail -n +$((before + 1)) "$log" | grep -E '^(---|error|thread .* panicked)|FAILED|DIFFERS' | tail -n 30)")
        return 1
    fi
    echo "== $title: $((SECONDS - start)) s"
}

finish() {
    totals
    [ ${#failed[@]} = 0 ] && exit 0
    for i in "${!failed[@]}"; do
        # What it said of that, again: much else may have been written since.
        printf '== FAILED: %s\n%s\n' "${failed[i]}" "${ends[i]}" >&2
    done
    exit 1
}

conformance() {
    "$cargo" build --release --locked -p rtx-tests --bin rtx-conformance &&
        RTX_BIN_DIR=target/release target/release/rtx-conformance --settled --seeds 1
}

as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo --preserve-env=PATH,HOME,CARGO_HOME,RUSTUP_HOME)

arm64_deps() {
    tests/deps-arm64.sh && "$cargo" build --release --locked -p rtx-tests --bin rtx-arm64-board
}

# Lanes that mostly wait leave time for what the ARM64 lane has to have built. It builds itself what is not there then, and
# shows what does not build. By `timeout` all processes of it can be ended at once.
arm64_build_ahead() {
    nice -n 19 timeout 3600 target/release/rtx-arm64-board --build >/dev/null 2>&1 &
    ahead=$!
}

# Needs root for a network namespace.
arm64() {
    "${as_root[@]}" "$cargo" test --release --locked -p rtx-tests --test arm64 -- --nocapture --test-threads 1
}

browser() {
    tests/deps-browser.sh &&
        "$cargo" test --release --locked -p rtx-tests --test browser
}

ssh_lane() {
    tests/deps-ssh.sh &&
        "$cargo" test --release --locked -p rtx-tests --test ssh -- --nocapture
}

# Needs root for its daemons.
slurm() {
    tests/deps-slurm.sh &&
        "${as_root[@]}" "$cargo" test --release --locked -p rtx-tests --test slurm -- --nocapture
}

# The compiler and its C library, built for both instruction sets the first time.
compiler() {
    "$cargo" build --release --locked -p rtx-toolchain && target/release/rtx-cc setup
}

totals() {
    awk -v seconds="$((SECONDS - begin))" '
        /^test result:/ {
            passed += $4
            failed += $6
            ignored += $8
        }
        END { printf "== totals: %d passed, %d failed, %d ignored in %d s\n", passed, failed, ignored, seconds }
    ' "$log"
}

step "build" "$cargo" build --release --locked -p rtx-launcher -p rtx-runtime
step "rtx-cc" compiler
step "examples" toolchain/build-guests
step "examples by rtx-cc" toolchain/build-guests --rtx-cc
# With assertions and overflow checks.
lane "unit and property tests" "$cargo" test --no-fail-fast --workspace --exclude rtx-tests --exclude rtx-toolchain --locked
lane "toolchain: programs that cross between the instruction sets" "$cargo" test --release --locked -p rtx-toolchain
# The whole state space takes an optimised build.
lane "coherence: model checker and simulator" \
    "$cargo" test --release --locked -p rtx-runtime --test coherence_model --test coherence_sim
lane "testbed tests" "$cargo" test --release --locked -p rtx-tests --lib
lane "end-to-end tests" "$cargo" test --release --locked -p rtx-tests --test e2e
lane "conformance: small programs natively, supervised, offloaded and moved at random" conformance
lane "bounds: memory and descriptors while 256 threads move for $RTX_BOUNDS_SECONDS s" \
    "$cargo" test --release --locked -p rtx-tests --test bounds -- --nocapture
lane "stress lane: every example $RTX_STRESS_RUNS times on two boards" \
    "$cargo" test --release --locked -p rtx-tests --test stress -- --nocapture
run "ARM64: packages, and a build that goes on beside the next lanes" arm64_deps && arm64_build_ahead || true
lane "browser: the page of a report, as it is drawn" browser
lane "ssh: agents that it starts, over a real server" ssh_lane
lane "Slurm: job scripts on a cluster of one machine" slurm
lane "ARM64: the same on an emulated machine, slow" arm64
finish
