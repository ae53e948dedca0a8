//! Moving a thread from one instruction set to another, but for the instructions: to a board on this machine that
//! the thread reaches at an equivalence point only.

use super::floor::Place;
use super::measure::{TIMEOUT, in_turn, median};
use super::results::{Sample, Target};
use crate::report::Latencies;
use crate::{Guest, Run};

/// Microseconds that a thread may need to come to a point and to leave its registers there.
const WANTED: f64 = 1000.0;

/// Of the moves of a thread that computes, to and fro, in one run.
fn moves(seed: u32) -> Latencies {
    let policy = format!("shuffle:{seed}");
    let outcome = Run::supervised(Guest::rtx_example("blackscholes").path())
        .flags(["--policy", &policy, "--boards", "local:1"])
        .variable("RTX_ONLY_AT_POINTS", "true")
        .report()
        .args(["--threads", "1", "--size", "65536"])
        .timeout(TIMEOUT)
        .finish();
    outcome.succeeded();
    let latencies = outcome.report().latency_us;
    assert!(
        latencies.to_point.count > 0 && latencies.from_point.count > 0,
        "nobody moved\n{outcome}"
    );
    latencies
}

/// `cross_isa`, `cross_to_point` and `cross_from_point`.
pub fn measure(runs: u32) -> Vec<Sample> {
    let (mut to_point, mut from_point, mut seed) = (Vec::new(), Vec::new(), 0);
    let whole = || {
        seed += 1;
        let latencies = moves(seed);
        to_point.push(latencies.to_point.p50);
        from_point.push(latencies.from_point.p50);
        latencies.cross_isa.p50
    };
    let (whole, round_trip) = in_turn(runs, whole, || Place::LOOPBACK.round_trip_us());
    let (to_point, from_point) = (median(to_point), median(from_point));
    vec![
        Sample::new("cross_isa", whole, round_trip, "us", runs),
        Sample::new("cross_to_point", to_point, WANTED, "us", runs).target(Target::AtMost(1.0)),
        Sample::new("cross_from_point", from_point, round_trip, "us", runs),
    ]
}
