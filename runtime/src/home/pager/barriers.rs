//! Barriers of the program (membarrier(2)): every board that holds threads makes one too before the call
//! is made at home. What boards were told before, they have done before.

use std::collections::BTreeSet;

use super::run::Pager;
use super::{PagerError, Staged};
use crate::calls::Barrier;
use crate::home::intercept::Forwarded;
use crate::home::messages::BoardId;
use crate::wire::message::Barrier as Ask;

/// Calls that wait for boards' barriers.
#[derive(Default)]
pub(super) struct Barriers {
    last: u64,
    waiting: Vec<(u64, Forwarded, BTreeSet<BoardId>)>,
}

impl Barriers {
    /// A board has made a barrier, or is gone (no token: all of its).
    fn made(&mut self, board: BoardId, token: Option<u64>) {
        for (asked, _, boards) in &mut self.waiting {
            if token.is_none_or(|token| token == *asked) {
                boards.remove(&board);
            }
        }
    }

    /// The next call for which nobody is awaited any more.
    fn ready(&mut self) -> Option<Forwarded> {
        let at = self.waiting.iter().position(|w| w.2.is_empty())?;
        Some(self.waiting.remove(at).1)
    }
}

impl Pager {
    /// Has boards make a barrier; then the call is made.
    pub(super) fn barrier(&mut self, call: &Forwarded, what: Barrier) -> Result<(), PagerError> {
        let boards: BTreeSet<BoardId> = (1..=self.boards.len() as BoardId)
            .filter(|id| {
                let board = &self.boards[usize::from(*id) - 1];
                board.alive && board.prepared
            })
            .collect();
        let Some(share) = &mut self.share else {
            return Ok(());
        };
        share.barriers.last += 1;
        let token = share.barriers.last;
        share.barriers.waiting.push((token, *call, boards.clone()));
        for board in boards {
            let code = what == Barrier::Code;
            self.stage(board, Staged::Other(Ask { token, code }.into()));
        }
        self.barriers_made()
    }

    /// A board has made the barrier it was asked for; without a token: it is gone.
    pub(super) fn on_barrier(
        &mut self,
        board: BoardId,
        token: Option<u64>,
    ) -> Result<(), PagerError> {
        if let Some(share) = &mut self.share {
            share.barriers.made(board, token);
        }
        self.barriers_made()
    }

    fn barriers_made(&mut self) -> Result<(), PagerError> {
        while let Some(share) = &mut self.share
            && let Some(call) = share.barriers.ready()
        {
            self.let_through(&call)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_waits_for_every_board_that_lives() {
        let call = Forwarded {
            id: 1,
            caller: 2,
            pc: 3,
            nr: libc::SYS_membarrier,
            args: [8, 0, 0, 0, 0, 0],
        };
        let mut barriers = Barriers::default();
        barriers.waiting.push((1, call, [1, 2].into()));
        barriers.waiting.push((2, call, [1, 2, 3].into()));
        barriers.made(1, Some(1));
        barriers.made(3, Some(1));
        assert_eq!(barriers.ready(), None);
        barriers.made(2, None);
        assert_eq!(barriers.ready(), Some(call));
        barriers.made(1, Some(2));
        assert_eq!(barriers.ready(), None);
        barriers.made(3, Some(2));
        assert_eq!(barriers.ready(), Some(call));
        assert_eq!(barriers.ready(), None);
    }
}
