//! Threads, boards and snapshots for tests.

use crate::{Action, BoardLoad, Decision, NodeLoad, ThreadView};

/// A running thread at home; 1 is the main one.
pub fn thread(tid: i32) -> ThreadView {
    ThreadView {
        tid,
        name: format!("t{tid}"),
        is_main: tid == 1,
        born_ms: u64::from(tid.unsigned_abs()),
        ..ThreadView::default()
    }
}

/// An idle board of four cores that takes any number of threads.
pub fn board(id: u8) -> BoardLoad {
    BoardLoad {
        id,
        name: format!("b{id}"),
        alive: true,
        node: NodeLoad {
            cores: 4,
            ..NodeLoad::default()
        },
        ..BoardLoad::default()
    }
}

/// Who moves where.
pub fn moves(decisions: &[Decision]) -> Vec<(i32, Action)> {
    decisions.iter().map(|d| (d.tid, d.action)).collect()
}

/// To a board.
pub fn to(board: u8) -> Action {
    Action::Offload { board }
}
