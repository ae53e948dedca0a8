//! Moving one thread: how long it takes, and what the thread does after it.

use super::floor::Place;
use super::measure::{TIMEOUT, in_turn, median};
use super::results::{Sample, Target};
use crate::{Guest, Outcome, Run};

/// What the busy thread works on, in MiB.
const WORK: &str = "64";

fn offloaded(mib: &str) -> Outcome {
    let outcome = Run::supervised(Guest::test("bench_resident").path())
        .flags(["--policy", "static", "--boards", "local:1"])
        .report()
        .args([mib, WORK])
        .timeout(TIMEOUT)
        .finish();
    outcome.succeeded();
    assert_eq!(
        outcome.report().offloads(),
        1,
        "one thread moves once\n{outcome}"
    );
    outcome
}

/// Freeze and offload, in microseconds.
fn move_us(outcome: &Outcome) -> f64 {
    let latency = outcome.report().latency_us;
    latency.freeze.p50 + latency.offload.p50
}

fn native_speed(mib: &str) -> f64 {
    let run = Run::native(Guest::test("bench_resident").path()).args([mib, WORK]);
    run.finish().succeeded().number("mb_per_s")
}

/// `offload_64m`, `offload_1g` and `offload_1g_work`.
pub fn measure(runs: u32) -> Vec<Sample> {
    let (mut speeds, mut natives) = (Vec::new(), Vec::new());
    let small = || move_us(&offloaded("64"));
    let large = || {
        natives.push(native_speed("1024"));
        let outcome = offloaded("1024");
        speeds.push(outcome.number("mb_per_s"));
        move_us(&outcome)
    };
    let (small, large) = in_turn(runs, small, large);
    // Less than the time of one page there and back no move can take.
    let round_trip = median((0..runs).map(|_| Place::LOOPBACK.round_trip_us()).collect());
    vec![
        Sample::new("offload_64m", small, round_trip, "us", runs),
        Sample::new("offload_1g", large, small, "us", runs).target(Target::AtMost(1.2)),
        Sample::new(
            "offload_1g_work",
            median(speeds),
            median(natives),
            "MB/s",
            runs,
        )
        .target(Target::AtLeast(0.95)),
    ]
}
