//! Prefetch: a sequence of faults at neighbouring pages is a stream; each hit multiplies its window by four.

use std::collections::VecDeque;

use crate::coherence::types::{Access, Page};

/// Streams a node follows at once; the least recently used one makes room.
const STREAMS: usize = 8;
/// Growth of the window when a stream goes on.
const GROWTH: u32 = 4;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Stream {
    access: Access,
    /// Where its next fault is expected: the end of the last window.
    expect: Page,
    window: u32,
}

/// The streams of one node, most recently used first.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Streams {
    streams: VecDeque<Stream>,
    max_window: u32,
}

impl Streams {
    pub(super) fn new(max_window: u32) -> Self {
        Streams {
            streams: VecDeque::with_capacity(STREAMS),
            max_window: max_window.max(1),
        }
    }

    /// A fault at `page`: how many pages to ask for, from `page` on.
    pub(super) fn fault(&mut self, page: Page, access: Access) -> u32 {
        if self.max_window == 1 {
            return 1;
        }
        let mine = |s: &&Stream| s.access == access;
        // Inside the last window: the page is on its way, was refused, or was lost again. Not a new stream.
        let inside = |s: &Stream| (s.expect - u64::from(s.window)..s.expect).contains(&page);
        let expected = |s: &Stream| s.access == access && (s.expect..=s.expect + 1).contains(&page);
        let window = match self.streams.iter().position(expected) {
            Some(at) => {
                let stream = self.streams.remove(at).expect("found");
                stream.window.saturating_mul(GROWTH).min(self.max_window)
            }
            None if self.streams.iter().filter(mine).any(inside) => return 1,
            None => 1,
        };
        self.streams.truncate(STREAMS - 1);
        self.streams.push_front(Stream {
            access,
            expect: page.saturating_add(u64::from(window)),
            window,
        });
        window
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_opens_the_window_to_256() {
        let mut streams = Streams::new(256);
        let mut page = 1000;
        let mut windows = Vec::new();
        for _ in 0..6 {
            let window = streams.fault(page, Access::Read);
            windows.push(window);
            page += u64::from(window);
        }
        assert_eq!(windows, [1, 4, 16, 64, 256, 256]);
    }

    #[test]
    fn one_page_may_be_skipped_and_kinds_do_not_mix() {
        let mut streams = Streams::new(256);
        assert_eq!(streams.fault(10, Access::Read), 1);
        assert_eq!(streams.fault(11, Access::Write), 1);
        assert_eq!(streams.fault(12, Access::Read), 4);
        assert_eq!(
            streams.fault(18, Access::Read),
            1,
            "two pages on is another stream"
        );
    }

    #[test]
    fn faulting_again_on_one_page_is_no_scan() {
        let mut streams = Streams::new(256);
        assert!((0..10).all(|_| streams.fault(7, Access::Write) == 1));
        assert_eq!(streams.streams.len(), 1);
    }

    #[test]
    fn eight_streams_are_followed_the_ninth_evicts_the_oldest() {
        let mut streams = Streams::new(256);
        for stream in 0..9 {
            streams.fault(stream * 1000, Access::Read);
        }
        assert!((1..9).all(|s| streams.fault(s * 1000 + 1, Access::Read) == 4));
        assert_eq!(streams.fault(1, Access::Read), 1);
    }
}
