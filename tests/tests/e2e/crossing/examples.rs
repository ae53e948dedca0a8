//! Programs of rtx-cc do the same while their threads change place at equivalence points, as between two
//! instruction sets. The boards are of this machine's: all but the instructions is as on others
//! (`only_at_points`). `tests/tests/arm64/crossing.rs` has real ones.

use rtx_tests::compare::same;
use rtx_tests::{Guest, Outcome, Report, Run, examples};

/// Moves of threads in this test before it is content.
const ENOUGH: u64 = 1000;

/// Rounds over all examples after which it gives up. Each brings some hundred moves.
const ROUNDS: u64 = 30;

/// Under a policy, with threads that move at equivalence points only.
fn crossing(guest: &Guest, policy: &str, args: &[&str]) -> Run {
    Run::supervised(guest.path())
        .flags(["--policy", policy, "--boards", "local:2"])
        .variable("RTX_ONLY_AT_POINTS", "true")
        .args(args.iter().copied())
        .report()
}

/// Fails unless a run does what the native one did; returns its report.
#[track_caller]
fn unnoticed(native: &Outcome, run: Run) -> Report {
    let outcome = run.finish();
    same(native, &outcome);
    outcome.report()
}

fn natively(guest: &Guest, args: &[&str]) -> Outcome {
    let native = Run::native(guest.path())
        .args(args.iter().copied())
        .finish();
    native.succeeded();
    native
}

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
