//! What `congestion` does in situations worked out by hand.

use super::*;
use crate::Place;

fn thread(tid: i32, place: Place) -> ThreadView {
    ThreadView {
        tid,
        is_main: tid == 1,
        place,
        state: ThreadState::Running,
        cpu_ns: 1000 * tid as u64,
        run_delay_ns: 0,
        faults: 0,
        home_calls: 0,
        born_ms: 0,
        moving: false,
        pinned: false,
    }
}

/// Home with `cores` cores and threads 1 (main) to `threads`, all running, and two empty boards.
fn crowded(time_ms: u64, cores: u32, threads: i32) -> Snapshot {
    let board = |id| BoardLoad {
        id,
        name: format!("b{id}"),
        cores: 4,
        alive: true,
        ..BoardLoad::default()
    };
    Snapshot {
        time_ms,
        home: NodeLoad {
            cores,
            runnable: threads as u32,
            load: 0.0,
        },
        boards: vec![board(0), board(1)],
        threads: (1..=threads).map(|t| thread(t, Place::Home)).collect(),
    }
}

fn moves(decisions: &[Decision]) -> Vec<(i32, Action)> {
    decisions.iter().map(|d| (d.tid, d.action)).collect()
}

#[test]
fn an_excess_must_last_two_snapshots() {
    let mut policy = Congestion::default();
    assert_eq!(policy.decide(&crowded(0, 4, 6)), []);
    assert_eq!(policy.decide(&crowded(100, 4, 4)), []);
    assert_eq!(policy.decide(&crowded(200, 4, 6)), []);
    let decisions = policy.decide(&crowded(300, 4, 6));
    let expected = [
        (6, Action::Offload { board: 0 }),
        (5, Action::Offload { board: 1 }),
    ];
    assert_eq!(
        moves(&decisions),
        expected,
        "longest-running first, one per excess thread"
    );
    assert_eq!(
        decisions[0].reason,
        "6 runnable threads on 4 cores at home; b0 has 0 on 4"
    );
}

#[test]
fn a_move_is_followed_by_a_fresh_look() {
    let mut policy = Congestion::default();
    policy.decide(&crowded(0, 1, 3));
    assert_eq!(policy.decide(&crowded(100, 1, 3)).len(), 2);
    assert_eq!(policy.decide(&crowded(200, 1, 3)), []);
    assert_eq!(policy.decide(&crowded(300, 1, 3)).len(), 2);
}

#[test]
fn snapshots_of_one_moment_count_once() {
    let mut policy = Congestion::default();
    assert_eq!(policy.decide(&crowded(0, 1, 3)), []);
    assert_eq!(policy.decide(&crowded(1, 1, 3)), []);
    assert_eq!(policy.decide(&crowded(2, 1, 3)), []);
}

#[test]
fn blocked_pinned_and_moving_threads_stay() {
    let mut policy = Congestion::default();
    let mut now = crowded(0, 1, 5);
    now.threads[2].state = ThreadState::Blocked;
    now.threads[3].pinned = true;
    now.threads[4].moving = true;
    policy.decide(&now);
    now.time_ms = 100;
    assert_eq!(
        moves(&policy.decide(&now)),
        [(2, Action::Offload { board: 0 })]
    );
}

#[test]
fn a_board_that_is_full_or_busier_than_home_takes_nothing() {
    let mut policy = Congestion::default();
    let mut now = crowded(0, 4, 6);
    now.boards[0].slots = 1;
    now.boards[0].threads = 1;
    now.boards[1].runnable = 6;
    policy.decide(&now);
    now.time_ms = 100;
    assert_eq!(policy.decide(&now), []);
}

#[test]
fn idle_cores_call_threads_home_after_a_while() {
    let mut policy = Congestion::default();
    let mut now = crowded(0, 4, 3);
    now.threads
        .extend([4, 5].map(|t| thread(t, Place::Board(0))));
    now.threads[4].home_calls = 7;
    assert_eq!(policy.decide(&now), []);
    now.time_ms = 900;
    assert_eq!(policy.decide(&now), []);
    now.time_ms = 1000;
    let decisions = policy.decide(&now);
    assert_eq!(
        moves(&decisions),
        [(5, Action::Recall)],
        "one core, the talkative one"
    );
    assert_eq!(decisions[0].reason, "home has had 1 idle cores for 1000 ms");
}

#[test]
fn a_busy_moment_starts_the_while_anew() {
    let mut policy = Congestion::default();
    let mut idle = crowded(0, 4, 3);
    idle.threads.push(thread(4, Place::Board(0)));
    policy.decide(&idle);
    policy.decide(&crowded(500, 4, 4));
    idle.time_ms = 1100;
    assert_eq!(policy.decide(&idle), []);
    idle.time_ms = 2100;
    assert_eq!(policy.decide(&idle).len(), 1);
}
