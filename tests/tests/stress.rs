//! The stress lane: every example again and again on two local boards, without a difference, a hang
//! or a leak. `RTX_STRESS_RUNS` says how often, `RTX_STRESS_ONLY` which examples (comma-separated).

use std::io::Write;
use std::time::{Duration, Instant};

use rtx_tests::compare::same;
use rtx_tests::examples::{ALL, Example};
use rtx_tests::{Guest, Run, leaks};

/// How often when nobody says: enough for a plain `cargo test`.
const FEW: u32 = 2;

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

fn stress(example: Example, runs: u32) {
    let guest = Guest::example(example.name);
    let short = || example.short.iter().copied();
    let native = Run::native(guest.path()).args(short()).finish();
    native.succeeded();
    let begin = Instant::now();
    let mut slowest = Duration::ZERO;
    for number in 1..=runs {
        let outcome = Run::offloaded(guest.path())
            .args(short())
            .timeout(Duration::from_secs(60))
            .finish();
        same(&native, &outcome);
        slowest = slowest.max(outcome.wall());
        if number % 10 == 0 && number < runs {
            announce(&format!("{} {number}/{runs}", example.name));
        }
    }
    announce(&format!(
        "{}: {runs} runs, no difference, {:.1?} in all, slowest {slowest:.2?}",
        example.name,
        begin.elapsed()
    ));
}

#[test]
fn every_example_again_and_again() {
    let before = machine();
    let runs = runs();
    let examples = chosen();
    announce(&format!("{} examples, {runs} runs each", examples.len()));
    for example in examples {
        stress(example, runs);
    }
    assert_eq!(
        machine(),
        before,
        "namespaces, interfaces or files were left behind"
    );
}
