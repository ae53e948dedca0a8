//! What supervision costs a program that stays at home: whole-process time.

use super::measure::{TIMEOUT, in_turn};
use super::results::Sample;
use crate::{Guest, Run};

fn compare(name: &'static str, guest: &Guest, arguments: &[&str], runs: u32) -> Sample {
    let seconds = |run: Run| {
        let outcome = run
            .args(arguments.iter().copied())
            .timeout(TIMEOUT)
            .finish();
        outcome.succeeded().wall().as_secs_f64()
    };
    let supervised = || seconds(Run::never(guest.path()));
    let native = || seconds(Run::native(guest.path()));
    let (ours, floor) = in_turn(runs, supervised, native);
    Sample::new(name, ours, floor, "s", runs)
}

/// `supervise_matmul` and `supervise_malloc`.
pub fn measure(runs: u32) -> Vec<Sample> {
    let matmul = ["--threads", "2", "--size", "1024"];
    vec![
        compare("supervise_matmul", &Guest::example("matmul"), &matmul, runs),
        compare("supervise_malloc", &Guest::test("bench_malloc"), &[], runs),
    ]
}
