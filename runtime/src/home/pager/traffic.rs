//! What travels between home and boards, in numbers.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::coherence::Page;
use crate::home::messages::BoardId;
use crate::node::Content;

/// Pages that are remembered of one board: as many as are in 4 GiB. Of more, all are forgotten.
const REMEMBERED: usize = 1 << 20;
/// Who asks a board's first page after this time has just come there: what was taken until then, by a thread that went home
/// with its work for instance, it fetches for the first time.
const QUIET: Duration = Duration::from_millis(500);

/// Page traffic with boards.
#[derive(Default)]
pub(super) struct Traffic {
    pub zero: u64,
    pub bytes: u64,
    /// Page faults of boards for pages that they had had before, and that somebody else had taken.
    pub again: u64,
    boards: HashMap<BoardId, Lately>,
}

/// One board of late.
struct Lately {
    /// When it asked for a page last.
    asked: Instant,
    /// Pages that were taken from it since it asked for them last.
    taken: HashSet<Page>,
}

impl Traffic {
    /// Takes note that a board must give up a page, or the right to write it.
    pub fn take(&mut self, board: BoardId, page: Page) {
        // Who never asked for a page has none.
        if let Some(Lately { taken, .. }) = self.boards.get_mut(&board) {
            if taken.len() >= REMEMBERED {
                taken.clear();
            }
            taken.insert(page);
        }
    }

    /// Takes note that a board's thread needs a page.
    pub fn fault(&mut self, board: BoardId, page: Page, now: Instant) {
        let lately = self.boards.entry(board).or_insert_with(|| Lately {
            asked: now,
            taken: HashSet::new(),
        });
        if now.duration_since(lately.asked) > QUIET {
            lately.taken.clear();
        }
        lately.asked = now;
        self.again += u64::from(lately.taken.remove(&page));
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
        let (mut traffic, begin) = (Traffic::default(), Instant::now());
        for page in 10..20 {
            traffic.fault(1, page, begin);
        }
        // Of a window that reached into what another one works on.
        (12..15).for_each(|page| traffic.take(1, page));
        assert_eq!(traffic.again, 0);
        for (board, page) in [(1, 11), (2, 12), (1, 12), (1, 12), (1, 14)] {
            traffic.fault(board, page, begin);
        }
        assert_eq!(traffic.again, 2);
        traffic.take(1, 12);
        traffic.fault(1, 12, begin + QUIET);
        assert_eq!(traffic.again, 3);
        // A thread has gone home, and comes back later.
        (10..20).for_each(|page| traffic.take(1, page));
        (10..20).for_each(|page| traffic.fault(1, page, begin + 3 * QUIET));
        assert_eq!(traffic.again, 3);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut traffic = Traffic::default();
        traffic.fault(1, 0, Instant::now());
        (0..=REMEMBERED as Page).for_each(|page| traffic.take(1, page));
        assert_eq!(traffic.boards[&1].taken.len(), 1);
    }
}
