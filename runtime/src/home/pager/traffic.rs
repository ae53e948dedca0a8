//! What travels between home and boards, in numbers.

use std::collections::{HashMap, HashSet};

use crate::coherence::Page;
use crate::guest::ptrace::Tid;
use crate::home::messages::BoardId;
use crate::node::Content;

/// Pages that are remembered of one board: as many as are in 512 MiB. Of more, all are forgotten.
const REMEMBERED: usize = 1 << 17;

/// Page traffic with boards.
#[derive(Default)]
pub(super) struct Traffic {
    pub zero: u64,
    pub bytes: u64,
    /// Page faults of boards for pages that they had had before, and that somebody else had taken.
    pub again: u64,
    boards: HashMap<BoardId, Lately>,
}

/// One board, since a thread came there and there was no other.
#[derive(Default)]
struct Lately {
    threads: HashSet<Tid>,
    /// Pages that were taken from it, and that have not come back.
    taken: HashSet<Page>,
}

impl Traffic {
    /// Takes note that a thread is there. What was taken from the board while nobody was there, by a thread that went home
    /// with its work for instance, the first one fetches for the first time.
    pub fn arrives(&mut self, board: BoardId, tid: Tid) {
        let lately = self.boards.entry(board).or_default();
        if lately.threads.is_empty() {
            lately.taken = HashSet::new();
        }
        lately.threads.insert(tid);
    }

    /// Takes note that a thread is not there any more.
    pub fn leaves(&mut self, board: BoardId, tid: Tid) {
        if let Some(lately) = self.boards.get_mut(&board) {
            lately.threads.remove(&tid);
        }
    }

    /// Takes note that a board is gone.
    pub fn gone(&mut self, board: BoardId) {
        self.boards.remove(&board);
    }

    /// Takes note that a board must give up a page, or the right to write it.
    pub fn take(&mut self, board: BoardId, page: Page) {
        if let Some(Lately { taken, .. }) = self.boards.get_mut(&board) {
            if taken.len() >= REMEMBERED {
                *taken = HashSet::new();
            }
            taken.insert(page);
        }
    }

    /// Takes note that a board's thread needs a page.
    pub fn fault(&mut self, board: BoardId, page: Page) {
        self.again += u64::from(self.comes(board, page));
    }

    /// Takes note that a page comes to a board, also ahead of its threads. True: it had been taken from there.
    pub fn comes(&mut self, board: BoardId, page: Page) -> bool {
        let lately = self.boards.get_mut(&board);
        lately.is_some_and(|lately| lately.taken.remove(&page))
    }

    /// Takes note of a page's content that travels.
    pub fn count(&mut self, content: Option<&Content>) {
        match content {
            Some(Content::Zero) => self.zero += 1,
            Some(Content::Bytes(b)) => self.bytes += b.len() as u64,
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_taken_is_needed_again() {
        let mut traffic = Traffic::default();
        traffic.arrives(1, 7);
        traffic.arrives(2, 8);
        (10..20).for_each(|page| traffic.fault(1, page));
        // Of a window that reached into what another one works on.
        (12..16).for_each(|page| traffic.take(1, page));
        assert_eq!(traffic.again, 0);
        for (board, page) in [(1, 11), (2, 12), (1, 12), (1, 12), (1, 14)] {
            traffic.fault(board, page);
        }
        assert_eq!(traffic.again, 2);
        // The rest of the window has come along.
        assert!(traffic.comes(1, 15));
        traffic.fault(1, 15);
        assert_eq!(traffic.again, 2);
    }

    #[test]
    fn who_comes_to_an_empty_board_needs_all_for_the_first_time() {
        let mut traffic = Traffic::default();
        let again = |traffic: &mut Traffic, come: bool| {
            let before = traffic.again;
            traffic.take(1, 10);
            if come {
                traffic.arrives(1, 7);
            }
            traffic.fault(1, 10);
            traffic.again - before
        };
        traffic.arrives(1, 7);
        assert_eq!(again(&mut traffic, false), 1);
        traffic.leaves(1, 7);
        assert_eq!(again(&mut traffic, true), 0);
        // Not if there is another one.
        traffic.arrives(1, 8);
        traffic.leaves(1, 7);
        assert_eq!(again(&mut traffic, true), 1);
        traffic.gone(1);
        assert_eq!(again(&mut traffic, false), 0);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut traffic = Traffic::default();
        traffic.arrives(1, 7);
        (0..=REMEMBERED as Page).for_each(|page| traffic.take(1, page));
        assert_eq!(traffic.boards[&1].taken.len(), 1);
    }
}
