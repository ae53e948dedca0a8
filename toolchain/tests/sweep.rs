//! A program is frozen at its equivalence points and goes on, from there, on the other instruction set.

mod support;

use support::{Crossings, Numbers, On, Program, directory, source};

/// Every so many points are tried; RTX_SWEEP_STEP=1 tries all.
fn step(points: u64) -> u64 {
    std::env::var("RTX_SWEEP_STEP")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or((points / 60).max(1))
}

#[test]
fn a_program_crosses_at_its_points_in_both_directions() {
    let directory = directory("sweep");
    let program = Program::build(
        &directory,
        "mixed",
        &[&source("tests/programs/mixed.c")],
        &[],
    );
    let whole = program.run(On::X86, &[]);
    assert_eq!(whole.status, Some(0), "{whole:?}");
    assert_eq!(program.run(On::Arm, &[]), whole);
    let points = program.points();
    assert!(points > 500, "{points}");
    for from in [On::X86, On::Arm] {
        for point in (0..points).step_by(step(points) as usize) {
            let crossed = program.cross(from, point, &directory.join("dump"));
            assert_eq!(crossed, whole, "at point {point} from {from:?}");
        }
    }
}

#[test]
fn a_program_crosses_many_times() {
    let directory = directory("chain");
    let program = Program::build(
        &directory,
        "mixed",
        &[&source("tests/programs/mixed.c")],
        &[],
    );
    let whole = program.run(On::X86, &[]);
    let points = program.points();
    let mut numbers = Numbers(1);
    for _ in 0..3 {
        let how = Crossings {
            from: On::X86,
            first: numbers.below(points / 8),
            stride: points / 8,
            what: "mixed.c",
        };
        assert!(program.cross_many(&directory, &how, &mut numbers, &whole.out) > 4);
    }
}

#[test]
fn leaving_and_coming_back_in_place_changes_nothing() {
    let directory = directory("inplace");
    let program = Program::build(
        &directory,
        "mixed",
        &[&source("tests/programs/mixed.c")],
        &[],
    );
    let whole = program.run(On::X86, &[]);
    for on in [On::X86, On::Arm] {
        for every in ["1", "2", "7", "50"] {
            assert_eq!(
                program.run(on, &[("INPLACE", every)]),
                whole,
                "every {every} on {on:?}"
            );
        }
    }
}
