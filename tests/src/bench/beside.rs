//! A thread at home works while another thread is away: with memory that no board ever saw, and
//! dropping what it frees, as allocators do.

use super::measure::in_turn;
use super::results::Sample;
use crate::{Guest, Run};

/// `home_fresh`.
pub fn fresh(runs: u32) -> Vec<Sample> {
    measure("home_fresh", "bench_fresh", "mb_per_s", "MB/s", runs)
}

/// `home_drops`.
pub fn drops(runs: u32) -> Vec<Sample> {
    measure("home_drops", "bench_drops", "us_per_round", "us", runs)
}

/// What `guest` says of itself as `figure`, while its child is away, against native.
fn measure(
    bench: &'static str,
    guest: &str,
    figure: &str,
    unit: &'static str,
    runs: u32,
) -> Vec<Sample> {
    let guest = Guest::test(guest);
    let offloaded = || {
        let run =
            Run::supervised(guest.path()).flags(["--policy", "static", "--boards", "local:1"]);
        let outcome = run.report().finish();
        outcome.succeeded();
        assert_eq!(
            outcome.report().offloads(),
            1,
            "the child is away\n{outcome}"
        );
        outcome.number(figure)
    };
    let native = || {
        Run::native(guest.path())
            .finish()
            .succeeded()
            .number(figure)
    };
    let (ours, floor) = in_turn(runs, offloaded, native);
    vec![Sample::new(bench, ours, floor, unit, runs)]
}
