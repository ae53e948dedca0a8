//! The conformance harness finds what is wrong. (Whether the conformance programs pass is a lane of
//! its own, `make conformance`.)

use rtx_tests::conformance::judge::{Verdict, judge};
use rtx_tests::conformance::mode::Mode;
use rtx_tests::conformance::program::Program;
use rtx_tests::conformance::way::Way;

/// The verdicts on one of `tests/guests/harness` in all modes, with one seed.
fn verdicts(name: &str) -> Vec<(Mode, Verdict)> {
    let root = rtx_tests::checkout::root().join("tests/guests");
    let programs = Program::of(&root, "harness").expect("all say what they must");
    let program = programs.iter().find(|p| p.name == name);
    let modes = Mode::all(&[1]);
    let verdicts = judge(program.expect("it is there"), &modes, &Way::default());
    modes.into_iter().zip(verdicts).collect()
}

/// Fails unless exactly these modes differ; answers what the first says.
fn differing(name: &str, expected: &[Mode]) -> String {
    let mut found: Vec<(Mode, String)> = Vec::new();
    for (mode, verdict) in verdicts(name) {
        if let Err(what) = verdict {
            found.push((mode, what));
        }
    }
    let modes: Vec<Mode> = found.iter().map(|(mode, _)| *mode).collect();
    assert_eq!(modes, expected, "{found:#?}");
    found.swap_remove(0).1
}

#[test]
fn a_sound_program_passes_everywhere() {
    for (mode, verdict) in verdicts("sound") {
        assert_eq!(verdict, Ok(()), "{mode}");
    }
}

#[test]
fn output_that_is_never_the_same_differs() {
    let what = differing("prints_pid", &Mode::all(&[1]));
    assert!(what.starts_with("stdout differs from byte"), "{what}");
}

#[test]
fn a_program_that_notices_differs_under_rtx_run_only() {
    let what = differing("notices", &[Mode::Never, Mode::Static, Mode::Shuffle(1)]);
    assert!(what.starts_with("stdout differs from byte 8 on"), "{what}");
}

#[test]
fn a_call_that_is_named_must_be_made() {
    let what = differing("silent", &[Mode::Static]);
    assert!(
        what.starts_with("mremap was not called from a board"),
        "{what}"
    );
}

#[test]
fn a_recall_that_is_not_allowed_differs() {
    let verdicts = verdicts("shares");
    let of_static = verdicts.iter().find(|(mode, _)| *mode == Mode::Static);
    let what = of_static.expect("a mode").1.clone().expect_err("a recall");
    assert!(what.contains("recalls by unwatched-memory"), "{what}");
}
