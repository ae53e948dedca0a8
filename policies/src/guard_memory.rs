//! `guard-memory`: boards that are short of memory get no threads, or lose those they have.
//!
//! For the front of a chain. Boards that do not tell what they have are left alone.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::spec::Values;
use crate::{BoardLoad, Decision, Policy, Snapshot};

/// Guards boards' memory.
#[derive(Debug, Clone)]
pub struct GuardMemory {
    tick: Duration,
    free: u64,
    recall: u64,
    /// Boards that are closed; they open once they have an eighth more than they need.
    closed: BTreeSet<u8>,
}

impl GuardMemory {
    pub(crate) fn new(values: &Values) -> Self {
        Self {
            tick: Duration::from_millis(values.ms("tick")),
            free: values.bytes("free"),
            recall: values.bytes("recall"),
            closed: BTreeSet::new(),
        }
    }

    fn look(&mut self, board: &BoardLoad) {
        let Some(free) = board.node.memory_free else {
            self.closed.remove(&board.id);
            return;
        };
        if free < self.free.max(self.recall) {
            self.closed.insert(board.id);
        } else if free >= self.free.max(self.recall).saturating_add(self.free / 8) {
            self.closed.remove(&board.id);
        }
    }
}

impl Policy for GuardMemory {
    fn name(&self) -> &str {
        "guard-memory"
    }

    fn decide(&mut self, snapshot: &Snapshot) -> Vec<Decision> {
        for board in &snapshot.boards {
            self.look(board);
        }
        let short = |board: &BoardLoad| board.node.memory_free.is_some_and(|f| f < self.recall);
        let leaves = |thread: &crate::ThreadView| {
            let board = snapshot.board(thread.may_return()?)?;
            short(board).then(|| {
                let free = board.node.memory_free.unwrap_or_default() >> 20;
                let reason = format!("{} has {free} MiB of memory left", board.name);
                Decision::recall(thread.tid, reason)
            })
        };
        snapshot.threads.iter().filter_map(leaves).collect()
    }

    fn closes(&mut self, _: &Snapshot) -> Vec<u8> {
        self.closed.iter().copied().collect()
    }

    fn wants_ticks(&self) -> Option<Duration> {
        Some(self.tick)
    }

    fn can_offload(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{board, moves, thread, to};
    use crate::{Action, Place, by_name};

    fn with_free(mib: &[Option<u64>]) -> Snapshot {
        let mut snapshot = Snapshot {
            measured: true,
            boards: vec![board(1), board(2)],
            threads: (1..=3).map(thread).collect(),
            ..Snapshot::default()
        };
        for (board, mib) in snapshot.boards.iter_mut().zip(mib) {
            board.node.memory_free = mib.map(|m| m << 20);
        }
        snapshot
    }

    #[test]
    fn a_board_short_of_memory_is_passed_over() {
        let mut chain = by_name("guard-memory+static").expect("known");
        let decisions = chain.decide(&with_free(&[Some(100), Some(1000)]));
        assert_eq!(moves(&decisions), [(2, to(2)), (3, to(2))]);
        let mut chain = by_name("guard-memory+static").expect("known");
        let decisions = chain.decide(&with_free(&[None, Some(1000)]));
        assert_eq!(moves(&decisions), [(2, to(1)), (3, to(2))], "not told");
    }

    #[test]
    fn a_board_that_runs_out_loses_its_threads() {
        let mut chain = by_name("guard-memory+static").expect("known");
        let mut now = with_free(&[Some(63), Some(10)]);
        now.threads[1].place = Place::Board(1);
        let decisions = chain.decide(&now);
        assert_eq!(moves(&decisions), [(2, Action::Recall)]);
        assert_eq!(decisions[0].reason, "b1 has 63 MiB of memory left");
    }

    #[test]
    fn a_board_opens_when_it_has_more_than_it_needs() {
        let mut guard = by_name("guard-memory").expect("known");
        for (mib, closed) in [
            (255, true),
            (270, true),
            (288, false),
            (256, false),
            (255, true),
        ] {
            let now = with_free(&[Some(mib), None]);
            guard.decide(&now);
            assert_eq!(guard.closes(&now) == [1], closed, "{mib}");
        }
    }
}
