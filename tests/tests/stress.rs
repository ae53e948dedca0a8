//! The stress lane: every example again and again on two local boards, without a difference, a hang
//! or a leak. `RTX_STRESS_RUNS` says how often, `RTX_STRESS_ONLY` which examples (comma-separated).

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rtx_tests::compare::same;
use rtx_tests::examples::{ALL, Example};
use rtx_tests::{Guest, Run, leaks};

/// How often when nobody says: enough for a plain `cargo test`.
const FEW: u32 = 2;

/// After so many failures an example has shown what it can.
const ENOUGH: u32 = 5;

/// How long a run of well under a second may take before it counts as hanging.
const LIMIT: Duration = Duration::from_secs(60);

fn runs() -> u32 {
    let wanted = std::env::var("RTX_STRESS_RUNS").ok();
    wanted.map_or(FEW, |number| {
        number.parse().expect("RTX_STRESS_RUNS is a number")
    })
}

fn chosen() -> Vec<Example> {
    let only = std::env::var("RTX_STRESS_ONLY").unwrap_or_default();
    let is_chosen =
        |example: &Example| only.is_empty() || only.split(',').any(|n| n == example.name);
    ALL.into_iter().filter(is_chosen).collect()
}

/// What must be the same before and after everything.
fn machine() -> (Vec<String>, Vec<String>, usize) {
    let own = rtx_tests::procfs::Process::find(nix::unistd::getpid().as_raw());
    let files = own.expect("it runs").open_files().len();
    (leaks::network_namespaces(), leaks::interfaces(), files)
}

/// Straight to the terminal: the test harness would keep it back.
fn announce(text: &str) {
    let _ = writeln!(std::io::stderr(), "stress: {text}");
}

/// Runs an example again and again; how often it failed. Each failure tells itself on stderr.
fn stress(example: Example, runs: u32) -> u32 {
    let guest = Guest::example(example.name);
    let short = || example.short.iter().copied();
    let native = Run::native(guest.path()).args(short()).finish();
    native.succeeded();
    let begin = Instant::now();
    let (mut done, mut failed, mut slowest) = (0, 0, Duration::ZERO);
    while done < runs && failed < ENOUGH {
        let run = Run::offloaded(guest.path()).args(short()).timeout(LIMIT);
        let result = catch_unwind(AssertUnwindSafe(|| {
            let outcome = run.finish();
            same(&native, &outcome);
            outcome.wall()
        }));
        done += 1;
        match result {
            Ok(wall) => slowest = slowest.max(wall),
            Err(_) => failed += 1,
        }
        if done % 10 == 0 && done < runs {
            announce(&format!("{} {done}/{runs}", example.name));
        }
    }
    let took = begin.elapsed();
    let name = example.name;
    announce(&format!(
        "{name}: {failed} of {done} runs failed, {took:.1?} in all, slowest {slowest:.2?}"
    ));
    failed
}

#[test]
fn every_example_again_and_again() {
    let before = machine();
    let runs = runs();
    let examples = chosen();
    announce(&format!("{} examples, {runs} runs each", examples.len()));
    let failed: u32 = examples
        .into_iter()
        .map(|example| stress(example, runs))
        .sum();
    assert_eq!(failed, 0, "runs failed");
    assert_eq!(
        machine(),
        before,
        "namespaces, interfaces or files were left behind"
    );
}
