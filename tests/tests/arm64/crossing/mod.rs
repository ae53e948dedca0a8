//! Programs of rtx-cc whose threads move between this machine and the emulated one: between x86-64 and
//! aarch64, with home on either side. What they print and how they end is the same as natively.

mod conformance;
mod from_here;
mod from_there;

use std::sync::OnceLock;

use rtx_tests::arm64::{Machine, machine::ADDRESS};
use rtx_tests::{Guest, Report};

use crate::programs::EXAMPLES;

/// Where the machine's board listens, and this machine's in the same network.
const PORT: u16 = 7070;

/// Moves between instruction sets in all before a test is content.
const ENOUGH: u64 = 1000;

/// Programs besides the examples: pthreads that synchronise, handlers of signals.
const OTHERS: [(&str, &[&str]); 2] = [
    ("tests/guests/futexes.c", &["4", "20"]),
    ("toolchain/tests/programs/handlers.c", &["50"]),
];

/// The machine's board, started when it is first asked for.
pub fn board() -> &'static str {
    static ADDRESS_OF_BOARD: OnceLock<String> = OnceLock::new();
    ADDRESS_OF_BOARD.get_or_init(|| {
        let machine = Machine::shared();
        let listen = format!("0.0.0.0:{PORT}");
        let argv = [
            "rtx-board",
            "--listen",
            &listen,
            "--name",
            "pi",
            "--insecure",
        ];
        machine.start(&argv, "/tmp/board.log");
        machine.await_port(PORT);
        format!("{ADDRESS}:{PORT}")
    })
}

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
