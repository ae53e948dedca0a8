//! Programs of rtx-cc whose threads move between this machine and the emulated one: between x86-64 and
//! aarch64, with home on either side. What they print and how they end is the same as natively.

mod conformance;
mod from_here;
mod from_there;

use rtx_tests::{Guest, Report};

use crate::programs::EXAMPLES;

/// Moves between instruction sets in all before a test is content.
const ENOUGH: u64 = 1000;

/// Programs besides the examples: pthreads that synchronise, handlers of signals and of faults, cancellation.
const OTHERS: [(&str, &[&str]); 7] = [
    ("tests/guests/futexes.c", &["4", "20"]),
    ("toolchain/tests/programs/handlers.c", &["50"]),
    ("tests/guests/crossing/cancels.c", &["1"]),
    ("tests/guests/crossing/faults.c", &[]),
    ("tests/guests/crossing/jumps.c", &["4"]),
    ("tests/guests/crossing/signals.c", &[]),
    ("tests/guests/crossing/ticks.c", &["20"]),
];

/// The examples, small.
fn examples() -> impl Iterator<Item = (Guest, &'static [&'static str])> {
    EXAMPLES
        .into_iter()
        .map(|(name, args)| (Guest::rtx_example(name), args))
}

fn others() -> impl Iterator<Item = (Guest, &'static [&'static str])> {
    OTHERS
        .into_iter()
        .map(|(source, args)| (Guest::rtx(source), args))
}

/// Fails unless threads computed on both instruction sets in these runs.
#[track_caller]
fn on_both(reports: &[Report]) {
    for isa in ["x86_64", "aarch64"] {
        let times = reports.iter().filter_map(|report| report.isa_s.get(isa));
        assert!(
            times.sum::<f64>() > 0.0,
            "nothing ran on {isa}: {reports:?}"
        );
    }
}
