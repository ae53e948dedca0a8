//! A board leaves in the middle of a job: the pages of which only it has a copy come home
//! ([`crate::coherence::directory::Leave`]), then it hears goodbye. No thread goes there any more.

use super::run::Pager;
use super::{PagerError, Staged};
use crate::coherence::Leave;
use crate::coherence::NodeId;
use crate::home::messages::{BoardId, ToSupervisor};
use crate::wire::message::Bye;

impl Pager {
    /// Begins.
    pub(super) fn release(&mut self, board: BoardId) {
        self.leaving.push(Leave::new(NodeId(board)));
    }

    /// Moves what is under way a step on.
    pub(super) fn leave_step(&mut self) -> Result<(), PagerError> {
        for mut leave in std::mem::take(&mut self.leaving) {
            let home = match &mut self.share {
                Some(share) => {
                    let home = share.directory.leave(&mut leave, &mut share.scratch);
                    share.actions.extend(share.scratch.drain(..));
                    home
                }
                None => true,
            };
            match home {
                true => self.part(&leave)?,
                false => self.leaving.push(leave),
            }
        }
        Ok(())
    }

    /// A board has nothing any more that is not at home too.
    fn part(&mut self, leave: &Leave) -> Result<(), PagerError> {
        let board = leave.node().0;
        let index = usize::from(board) - 1;
        let bye = Bye {
            reason: String::new(),
        };
        self.stage(board, Staged::Other(bye.into()));
        self.send_staged();
        if !self.boards[index].alive {
            // It was lost before, and that has been told.
            return Ok(());
        }
        self.boards[index].alive = false;
        self.traffic.gone(board);
        if let Some(share) = &mut self.share {
            let lost = share
                .directory
                .node_lost(leave.node(), &mut share.scratch)
                .modified;
            share.actions.extend(share.scratch.drain(..));
            if !lost.is_empty() {
                let pages = lost.len();
                return Err(PagerError::Other(format!(
                    "board {board} has left with {pages} pages"
                )));
            }
        }
        let pages = leave.pages();
        self.notify(ToSupervisor::Left { board, pages });
        self.on_barrier(board, None)
    }
}
