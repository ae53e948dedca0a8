//! What every policy promises, whatever it is shown.

use proptest::prelude::*;
use rtx_policies::{
    Action, BoardLoad, Decision, KNOWN, NodeLoad, Place, Snapshot, ThreadState, ThreadView, by_name,
};

prop_compose! {
    fn board(id: u8)(
        slots in 0u32..4, threads in 0u32..4, runnable in 0u32..8, cores in 0u32..5,
        alive in prop::bool::weighted(0.8),
    ) -> BoardLoad {
        BoardLoad { id, name: format!("b{id}"), slots, threads, runnable, cores, alive }
    }
}

prop_compose! {
    fn thread(tid: i32)(
        place in prop_oneof![2 => Just(Place::Home), 1 => (0u8..4).prop_map(Place::Board)],
        state in prop_oneof![3 => Just(ThreadState::Running), 1 => Just(ThreadState::Blocked)],
        cpu_ns in any::<u64>(), faults in any::<u64>(), home_calls in any::<u64>(),
        born_ms in 0u64..5,
        moving in prop::bool::weighted(0.1), pinned in prop::bool::weighted(0.1),
    ) -> ThreadView {
        ThreadView {
            tid, is_main: tid == 1, place, state, cpu_ns, run_delay_ns: 0, faults, home_calls,
            born_ms, moving, pinned,
        }
    }
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    let boards = (0u8..4).prop_flat_map(|n| (0..n).map(board).collect::<Vec<_>>());
    let threads = (1i32..12).prop_flat_map(|n| (1..=n).map(thread).collect::<Vec<_>>());
    (boards, threads, 0u32..6, 0u32..12).prop_map(|(boards, threads, cores, runnable)| Snapshot {
        time_ms: 0,
        home: NodeLoad {
            cores,
            runnable,
            load: f64::from(runnable),
        },
        boards,
        threads,
    })
}

/// A run: snapshots in order of time.
fn run() -> impl Strategy<Value = Vec<Snapshot>> {
    prop::collection::vec((snapshot(), 0u64..1500), 1..12).prop_map(|steps| {
        let mut time_ms = 0;
        let timed = steps.into_iter().map(|(mut snapshot, gap)| {
            time_ms += gap;
            snapshot.time_ms = time_ms;
            snapshot
        });
        timed.collect()
    })
}

fn decide_all(policy: &str, run: &[Snapshot]) -> Vec<Vec<Decision>> {
    let mut policy = by_name(policy).expect("known");
    run.iter().map(|snapshot| policy.decide(snapshot)).collect()
}

/// Panics unless every decision can be carried out on what the snapshot shows.
fn assert_sound(policy: &str, snapshot: &Snapshot, decisions: &[Decision]) {
    let mut moved = std::collections::BTreeSet::new();
    let mut boards = snapshot.boards.clone();
    for decision in decisions {
        assert!(
            moved.insert(decision.tid),
            "a thread moves once: {decision:?}"
        );
        assert!(!decision.reason.is_empty(), "no reason: {decision:?}");
        let thread = snapshot.threads.iter().find(|t| t.tid == decision.tid);
        let thread = thread.expect("a thread that exists");
        assert!(!thread.moving, "already on its way: {decision:?}");
        match decision.action {
            Action::Recall => assert_ne!(thread.place, Place::Home, "{decision:?}"),
            Action::Offload { board } => {
                let may = !thread.is_main || policy == "shuffle";
                assert!(may, "main stays at home: {decision:?}");
                assert!(!thread.pinned, "pinned: {decision:?}");
                assert_eq!(thread.place, Place::Home, "{decision:?}");
                let board = boards.iter_mut().find(|b| b.id == board);
                let board = board.expect("a board that exists");
                assert!(board.alive, "dead board: {decision:?}");
                assert!(board.free_slots() > 0, "full board: {decision:?}");
                board.threads += 1;
            }
        }
    }
}

proptest! {
    #[test]
    fn the_same_snapshots_give_the_same_decisions(run in run()) {
        for policy in KNOWN {
            prop_assert_eq!(decide_all(policy, &run), decide_all(policy, &run));
        }
    }

    #[test]
    fn every_decision_can_be_carried_out(run in run()) {
        for policy in KNOWN {
            for (snapshot, decisions) in run.iter().zip(decide_all(policy, &run)) {
                assert_sound(policy, snapshot, &decisions);
            }
        }
    }

    #[test]
    fn never_never_moves(run in run()) {
        prop_assert!(decide_all("never", &run).iter().all(Vec::is_empty));
    }

    #[test]
    fn static_leaves_no_child_at_home_while_a_board_takes_it(now in snapshot()) {
        let decisions = by_name("static").expect("known").decide(&now);
        let leaving = now.threads.iter().filter(|t| t.may_leave()).count();
        let room = now.boards.iter().map(|b| b.free_slots() as usize).sum::<usize>();
        prop_assert_eq!(decisions.len(), leaving.min(room));
    }

    #[test]
    fn congestion_never_moves_more_than_the_imbalance(run in run()) {
        for (now, decisions) in run.iter().zip(decide_all("congestion", &run)) {
            let imbalance = now.home.runnable.abs_diff(now.home.cores) as usize;
            prop_assert!(decisions.len() <= imbalance);
        }
    }
}
