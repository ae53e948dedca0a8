//! A thread at home uses memory that no board ever saw, while another thread is away.

use super::measure::in_turn;
use super::results::Sample;
use crate::{Guest, Run};

/// `home_fresh`.
pub fn measure(runs: u32) -> Vec<Sample> {
    let guest = Guest::test("bench_fresh");
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
        outcome.number("mb_per_s")
    };
    let native = || {
        Run::native(guest.path())
            .finish()
            .succeeded()
            .number("mb_per_s")
    };
    let (ours, floor) = in_turn(runs, offloaded, native);
    vec![Sample::new("home_fresh", ours, floor, "MB/s", runs)]
}
