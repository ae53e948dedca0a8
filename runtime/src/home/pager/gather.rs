//! Holding all pages at home while the kernel copies the program's memory (fork): they come home, and
//! boards get none until it is done. So what the copy has is what the memory was at one moment.

use std::collections::BTreeSet;

use super::run::Pager;
use super::{PagerError, Share};
use crate::coherence::Page;
use crate::home::messages::{BoardId, ToSupervisor};

/// A board's request that waits.
struct Postponed {
    board: BoardId,
    page: Page,
    write: bool,
    window: u32,
}

/// Who gathers, and what waits meanwhile.
#[derive(Default)]
pub(super) struct Gather {
    tokens: BTreeSet<u64>,
    postponed: Vec<Postponed>,
}

impl Pager {
    /// Brings every page home and keeps it there until [`Pager::scatter`].
    pub(super) fn gather(&mut self, token: u64) {
        match &mut self.share {
            Some(share) => {
                share.gather.tokens.insert(token);
                self.fetch_all(token);
            }
            None => self.notify(ToSupervisor::Fetched { token }),
        }
    }

    /// Lets boards have pages again, if nobody else gathers.
    pub(super) fn scatter(&mut self, token: u64) -> Result<(), PagerError> {
        let Some(share) = &mut self.share else {
            return Ok(());
        };
        if !share.gather.tokens.remove(&token) || !share.gather.tokens.is_empty() {
            return Ok(());
        }
        for p in std::mem::take(&mut share.gather.postponed) {
            if self.boards[usize::from(p.board) - 1].alive {
                self.on_request(p.board, p.page, p.write, p.window)?;
            }
        }
        Ok(())
    }
}

impl Share {
    /// Keeps a board's request for later if all pages are to stay at home.
    pub(super) fn postpone(
        &mut self,
        board: BoardId,
        page: Page,
        write: bool,
        window: u32,
    ) -> bool {
        let gathering = !self.gather.tokens.is_empty();
        if gathering {
            self.gather.postponed.push(Postponed {
                board,
                page,
                write,
                window,
            });
        }
        gathering
    }

    /// Boards still get pages that they asked for before all were to stay at home.
    pub(super) fn still_scatters(&self) -> bool {
        !self.gather.tokens.is_empty() && self.directory.promised()
    }
}
