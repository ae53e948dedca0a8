//! What `energy` does in situations worked out by hand.

use super::*;
use crate::testing::{board, moves, thread, to};
use crate::{Action, NodeLoad, by_name};

/// Home (60 to 180 W, 4 cores) with one busy thread, and a board of 4 cores; as it is at look `n`.
fn look(n: u64, board_w: (f64, f64), speed: f64, place: Place) -> Snapshot {
    let mut child = thread(2);
    child.cpu_ns = n * 100_000_000;
    child.place = place;
    child.born_ms = 0;
    let mut board = board(1);
    board.node.speed = Some(speed);
    board.threads = u32::from(place != Place::Home);
    board.node.power = power(board_w);
    Snapshot {
        time_ms: 10_000 + n * 100,
        measured: true,
        home: NodeLoad {
            cores: 4,
            runnable: 1,
            power: power((60.0, 180.0)),
            ..NodeLoad::default()
        },
        boards: vec![board],
        threads: vec![thread(1), child],
        ..Snapshot::default()
    }
}

fn power((idle_w, busy_w): (f64, f64)) -> Option<Power> {
    (busy_w > 0.0).then_some(Power {
        idle_w,
        busy_w,
        joules: None,
    })
}

fn after_looks(spec: &str, board_w: (f64, f64), speed: f64) -> Vec<(i32, Action)> {
    let mut policy = by_name(spec).expect("known");
    let looks = (0..4).map(|n| look(n, board_w, speed, Place::Home));
    let all: Vec<_> = looks.flat_map(|now| policy.decide(&now)).collect();
    moves(&all)
}

#[test]
fn an_efficient_board_is_preferred_and_a_hungry_one_is_not() {
    assert_eq!(after_looks("energy", (3.0, 9.0), 0.7), [(2, to(1))]);
    assert_eq!(after_looks("energy", (60.0, 180.0), 0.7), []);
    assert_eq!(after_looks("energy", (100.0, 400.0), 1.0), []);
}

#[test]
fn the_bound_on_slowdown_is_kept() {
    assert_eq!(after_looks("energy:slowdown=2", (3.0, 9.0), 0.4), []);
    assert_eq!(after_looks("energy:slowdown=3", (3.0, 9.0), 0.4).len(), 1);
}

#[test]
fn idle_watts_count_if_they_are_the_programs_own() {
    assert_eq!(after_looks("energy:idle=own", (100.0, 110.0), 0.7), []);
    assert_eq!(
        after_looks("energy:idle=shared", (100.0, 110.0), 0.7).len(),
        1
    );
}

#[test]
fn machines_that_tell_nothing_are_left_out_unless_the_user_tells() {
    assert_eq!(after_looks("energy", (0.0, 0.0), 0.7), []);
    assert_eq!(after_looks("energy:watts=b1@3-9", (0.0, 0.0), 0.7).len(), 1);
    let mut policy = by_name("energy").expect("known");
    let mut now = look(0, (3.0, 9.0), 1.0, Place::Home);
    now.home.power = None;
    policy.decide(&now);
    assert!(
        policy
            .complaint()
            .is_some_and(|c| c.contains("does not know what home takes"))
    );
    assert_eq!(policy.complaint(), None);
}

#[test]
fn watts_are_two_numbers_the_second_not_less() {
    for wrong in ["60", "60-", "180-60", "a-b", "-1-5", "0-0", "inf-inf"] {
        assert_eq!(parse_watts(wrong), None, "{wrong}");
    }
    assert_eq!(parse_watts("2.5-10").map(|p| p.core_w(3)), Some(2.5));
}
