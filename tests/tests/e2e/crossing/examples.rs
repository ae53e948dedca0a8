//! The examples, on boards and under random moves.

use rtx_tests::compare::{natively, same, unnoticed};
use rtx_tests::{Guest, Outcome, examples};

use super::crossing;

/// Moves of threads in this test before it is content.
const ENOUGH: u64 = 1000;

/// Rounds over all examples after which it gives up. Each brings some hundred moves.
const ROUNDS: u64 = 30;

#[test]
fn examples_compute_on_boards_that_they_reach_at_points() {
    for example in examples::ALL {
        let guest = Guest::rtx_example(example.name);
        assert!(guest.other_path().is_file(), "{}", example.name);
        let native = natively(&guest, example.short);
        same(
            &natively(&Guest::example(example.name), example.short),
            &native,
        );
        let report = unnoticed(&native, crossing(&guest, "static", example.short));
        let threads = report.children();
        assert_eq!(threads.len(), 4, "{threads:?}");
        // A thread can be over before it comes to a point.
        assert!(report.crossings > 0, "{}: {report:?}", example.name);
        assert!(report.latency_us.cross_isa.count > 0, "{report:?}");
        assert!(report.isa_s[std::env::consts::ARCH] > 0.0, "{report:?}");
    }
}

#[test]
fn examples_cross_a_thousand_times() {
    let programs: Vec<(Guest, Outcome, &[&str])> = examples::ALL
        .into_iter()
        .map(|example| {
            let guest = Guest::rtx_example(example.name);
            let native = natively(&guest, example.long);
            (guest, native, example.long)
        })
        .collect();
    let mut crossings = 0;
    for seed in 1..=ROUNDS {
        for (guest, native, args) in &programs {
            let policy = format!("shuffle:{seed}");
            crossings += unnoticed(native, crossing(guest, &policy, args)).crossings;
        }
        if crossings >= ENOUGH {
            return;
        }
    }
    panic!("threads moved only {crossings} times in {ROUNDS} rounds");
}
