//! A board leaves in the middle of a job: the pages of which only it has a copy come home, then it hears
//! goodbye. No thread goes there any more.

use std::collections::BTreeSet;

use super::run::Pager;
use super::{PagerError, Share, Staged};
use crate::coherence::directory::Holding;
use crate::coherence::{Access, NodeId, NodeSet, Page};
use crate::home::messages::{BoardId, ToSupervisor};
use crate::wire::message::Bye;

/// Pages on their way home at a time.
const FETCHES: usize = 1024;

/// A board that leaves.
pub(super) struct Leaving {
    board: BoardId,
    /// Pages that are asked for.
    batch: BTreeSet<Page>,
    /// Pages that were asked for in all.
    pages: u64,
}

impl Pager {
    /// Begins.
    pub(super) fn release(&mut self, board: BoardId) {
        self.leaving.push(Leaving {
            board,
            batch: BTreeSet::new(),
            pages: 0,
        });
    }

    /// Moves what is under way a step on.
    pub(super) fn leave_step(&mut self) -> Result<(), PagerError> {
        let mut still = Vec::new();
        for mut leaving in std::mem::take(&mut self.leaving) {
            let home = match &mut self.share {
                Some(share) => share.bring_home(&mut leaving),
                None => true,
            };
            match home {
                true => self.part(leaving)?,
                false => still.push(leaving),
            }
        }
        self.leaving.extend(still);
        Ok(())
    }

    /// A board has nothing any more that is not at home too.
    fn part(&mut self, leaving: Leaving) -> Result<(), PagerError> {
        let Leaving { board, pages, .. } = leaving;
        let index = usize::from(board) - 1;
        if !self.boards[index].alive {
            // It is lost, and that has been told.
            return Ok(());
        }
        let bye = Bye {
            reason: String::new(),
        };
        self.stage(board, Staged::Other(bye.into()));
        self.send_staged();
        if !self.boards[index].alive {
            return Ok(());
        }
        self.boards[index].alive = false;
        if let Some(share) = &mut self.share {
            let lost = share.directory.node_lost(NodeId(board), &mut share.scratch);
            if !lost.modified.is_empty() {
                return Err(PagerError::Other(format!(
                    "board {board} has left with {} pages",
                    lost.modified.len()
                )));
            }
            share.actions.extend(share.scratch.drain(..));
        }
        self.notify(ToSupervisor::Left { board, pages });
        self.on_barrier(board, None)
    }
}

impl Share {
    /// Asks for pages that only this board has. True: there are none, and none is on its way there.
    fn bring_home(&mut self, leaving: &mut Leaving) -> bool {
        let node = NodeId(leaving.board);
        let only_there = |holding: Holding| holding.nodes() == NodeSet::one(node);
        let directory = &mut self.directory;
        leaving
            .batch
            .retain(|page| only_there(directory.state(*page)));
        if !leaving.batch.is_empty() {
            return false;
        }
        let tracked = directory.tracked(0..Page::MAX);
        let next = tracked.filter(|(_, holding)| only_there(*holding));
        leaving.batch = next.map(|(page, _)| page).take(FETCHES).collect();
        leaving.pages += leaving.batch.len() as u64;
        for page in &leaving.batch {
            directory.request(NodeId::HOME, *page, Access::Read, 1, &mut self.scratch);
        }
        self.actions.extend(self.scratch.drain(..));
        leaving.batch.is_empty() && !directory.concerns(node)
    }
}
