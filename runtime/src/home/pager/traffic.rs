//! What travels between home and boards, in numbers.

use crate::coherence::Page;
use crate::home::messages::BoardId;
use crate::node::Content;

/// Page traffic with boards.
#[derive(Default)]
pub(super) struct Traffic {
    pub zero: u64,
    pub bytes: u64,
    /// Pages that boards had to give up, those that follow each other counted once.
    pub taken: u64,
    /// The last of them.
    last_taken: (BoardId, Page),
}

impl Traffic {
    /// Takes note that a board must give up a page.
    pub fn take(&mut self, board: BoardId, page: Page) {
        let (from, last) = self.last_taken;
        self.taken += u64::from((from, last + 1) != (board, page));
        self.last_taken = (board, page);
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
    fn pages_that_follow_each_other_are_taken_once() {
        let mut traffic = Traffic::default();
        let taken = [
            (1, 10),
            (1, 11),
            (1, 12),
            (2, 13),
            (2, 20),
            (2, 21),
            (1, 22),
        ];
        for (board, page) in taken {
            traffic.take(board, page);
        }
        assert_eq!(traffic.taken, 4);
    }
}
