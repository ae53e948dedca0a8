//! Programs by other compilers for threads that change their instruction set.

use std::path::Path;

use rtx_tests::compare::same;
use rtx_tests::scratch::Scratch;
use rtx_tests::{Guest, Run};

/// Who made the program, by the report of a run; and that it ran as natively.
fn origin(program: &Path, run: Run) -> Option<String> {
    let outcome = run.report().finish();
    same(&Run::native(program).finish(), &outcome);
    outcome.report().origin
}

#[test]
fn a_program_of_popcorn_runs_on_boards_of_its_own_isa() {
    let guest = Guest::test("popcorn");
    let outcome = Run::offloaded(guest.path()).report().finish();
    same(&Run::native(guest.path()).finish(), &outcome);
    let report = outcome.report();
    assert_eq!(report.origin.as_deref(), Some("popcorn"));
    assert!(report.offloads() >= 4, "{report:?}");
}

#[test]
fn the_report_names_popcorn_wherever_the_program_runs() {
    let guest = Guest::test("popcorn");
    let never = origin(guest.path(), Run::never(guest.path()));
    assert_eq!(never.as_deref(), Some("popcorn"));
    // Its sections are enough.
    let scratch = Scratch::new();
    let program = scratch.program(guest.path(), "stripped");
    let mut strip = std::process::Command::new("strip");
    assert!(strip.arg(&program).status().expect("strip").success());
    let stripped = origin(&program, Run::never(&program));
    assert_eq!(stripped.as_deref(), Some("popcorn"));
}

#[test]
fn the_report_names_nobody_else() {
    let guest = Guest::test("exits");
    let outcome = Run::never(guest.path())
        .args(["return", "0"])
        .report()
        .finish();
    assert_eq!(outcome.succeeded().report().origin, None);
    let text = std::fs::read_to_string(outcome.report_path()).expect("a report");
    assert!(!text.contains("\"origin\""), "{text}");
}
