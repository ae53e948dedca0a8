//! What `shuffle` does with its parameters and with a program.

use super::*;
use crate::{ThreadState, by_name, testing};

fn shuffle(parameters: &str) -> Box<dyn Policy> {
    by_name(&format!("shuffle:{parameters}")).expect("understood")
}

/// Four threads, the first of them the main one, and two boards.
fn program(place: Place, state: ThreadState) -> Snapshot {
    let thread = |tid| ThreadView {
        place,
        state,
        ..testing::thread(tid)
    };
    Snapshot {
        boards: vec![testing::board(1), testing::board(2)],
        threads: (1..=4).map(thread).collect(),
        ..Snapshot::default()
    }
}

fn run(policy: &mut Box<dyn Policy>, snapshot: &Snapshot, looks: usize) -> Vec<Decision> {
    (0..looks).flat_map(|_| policy.decide(snapshot)).collect()
}

#[test]
fn every_thread_goes_to_every_board_and_back() {
    for state in [ThreadState::Running, ThreadState::Blocked] {
        let leaving = run(&mut shuffle("1"), &program(Place::Home, state), 100);
        for tid in 1..=4 {
            for board in [1, 2] {
                let action = Action::Offload { board };
                assert!(leaving.iter().any(|d| d.tid == tid && d.action == action));
            }
        }
        let returning = run(&mut shuffle("1"), &program(Place::Board(1), state), 100);
        for tid in 1..=4 {
            let action = Action::Recall;
            assert!(returning.iter().any(|d| d.tid == tid && d.action == action));
        }
    }
}

#[test]
fn the_mean_is_about_that_long() {
    let away = program(Place::Board(1), ThreadState::Running);
    for (parameters, expected) in [("3:20", 400), ("3:200", 40)] {
        // 1000 looks at four threads, 2 ms each.
        let moves = run(&mut shuffle(parameters), &away, 1000).len();
        assert!(
            moves.abs_diff(expected) <= expected / 3,
            "{moves} {expected}"
        );
    }
}

#[test]
fn seeds_differ_and_repeat() {
    let home = program(Place::Home, ThreadState::Running);
    let of = |seed| run(&mut shuffle(seed), &home, 50);
    let moves = |seed| {
        of(seed)
            .iter()
            .map(|d| (d.tid, d.action))
            .collect::<Vec<_>>()
    };
    assert_eq!(of("5"), of("5"));
    assert_ne!(moves("5"), moves("6"));
}
