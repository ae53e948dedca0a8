//! Prefetch: a sequence of faults at neighbouring pages is a stream; each hit multiplies its window by four.
//!
//! A reading stream whose window is at its largest is asked for one window **ahead**, but for that window's first page,
//! the marker: it stays away until the thread faults on it, which says that the thread goes on reading, and asks for the
//! window after the next. So a window travels while the thread works on the one before, and a thread that stops reading
//! has caused one window too many at most.

use std::collections::VecDeque;
use std::ops::Range;

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
    /// What is on its way beyond `expect`.
    ahead: Range<Page>,
}

/// What a fault asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Asked {
    /// Pages from the one faulted on.
    pub(super) window: u32,
    /// Pages elsewhere; nobody waits for them. May be empty.
    pub(super) ahead: Range<Page>,
}

impl Asked {
    fn only(window: u32) -> Self {
        Asked {
            window,
            ahead: 0..0,
        }
    }
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

    /// A fault at `page`: what to ask for.
    pub(super) fn fault(&mut self, page: Page, access: Access) -> Asked {
        if self.max_window == 1 {
            return Asked::only(1);
        }
        let mine = |s: &&Stream| s.access == access;
        // Inside the last window: the page is on its way, was refused, or was lost again. Not a new stream.
        let inside = |s: &Stream| {
            (s.expect - u64::from(s.window)..s.expect).contains(&page) || s.ahead.contains(&page)
        };
        let expected = |s: &Stream| s.access == access && (s.expect..=s.expect + 1).contains(&page);
        let (asked, expect, window) = match self.streams.iter().position(expected) {
            Some(at) => {
                let last = self.streams.remove(at).expect("found");
                self.next(&last, page)
            }
            None if self.streams.iter().filter(mine).any(inside) => return Asked::only(1),
            None => (Asked::only(1), page.saturating_add(1), 1),
        };
        self.streams.truncate(STREAMS - 1);
        self.streams.push_front(Stream {
            access,
            expect,
            window,
            ahead: asked.ahead.clone(),
        });
        asked
    }

    /// The stream `last` goes on at `page`: what to ask for, where its next fault is expected, and its window.
    fn next(&self, last: &Stream, page: Page) -> (Asked, Page, u32) {
        let most = self.max_window;
        let window = last.window.saturating_mul(GROWTH).min(most);
        let (window, marker) = if last.ahead.is_empty() {
            (window, page.saturating_add(u64::from(window)))
        } else {
            // The rest of this window is on its way.
            (1, last.ahead.end)
        };
        let full = last.window == most && last.access == Access::Read;
        let ahead = if full {
            marker.saturating_add(1)..marker.saturating_add(u64::from(most))
        } else {
            0..0
        };
        let covers = if full { most } else { window };
        (Asked { window, ahead }, marker, covers)
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
            let window = streams.fault(page, Access::Write).window;
            windows.push(window);
            page += u64::from(window);
        }
        assert_eq!(windows, [1, 4, 16, 64, 256, 256]);
    }

    #[test]
    fn one_page_may_be_skipped_and_kinds_do_not_mix() {
        let mut streams = Streams::new(256);
        assert_eq!(streams.fault(10, Access::Read).window, 1);
        assert_eq!(streams.fault(11, Access::Write).window, 1);
        assert_eq!(streams.fault(12, Access::Read).window, 4);
        assert_eq!(
            streams.fault(18, Access::Read).window,
            1,
            "two pages on is another stream"
        );
    }

    #[test]
    fn faulting_again_on_one_page_is_no_scan() {
        let mut streams = Streams::new(256);
        assert!((0..10).all(|_| streams.fault(7, Access::Write).window == 1));
        assert_eq!(streams.streams.len(), 1);
    }

    #[test]
    fn eight_streams_are_followed_the_ninth_evicts_the_oldest() {
        let mut streams = Streams::new(256);
        for stream in 0..9 {
            streams.fault(stream * 1000, Access::Read);
        }
        assert!((1..9).all(|s| streams.fault(s * 1000 + 1, Access::Read).window == 4));
        assert_eq!(streams.fault(1, Access::Read).window, 1);
    }

    /// A stream whose window is at its largest, and where it expects the next fault.
    fn opened(streams: &mut Streams, access: Access) -> Page {
        let mut page = 0;
        while streams.streams.front().is_none_or(|s| s.window < 256) {
            page += u64::from(streams.fault(page, access).window);
        }
        page
    }

    #[test]
    fn every_page_is_asked_for_once_and_one_window_ahead() {
        let mut streams = Streams::new(256);
        let mut marker = opened(&mut streams, Access::Read);
        let mut asked: Vec<Page> = Vec::new();
        for i in 0..4 {
            let Asked { window, ahead } = streams.fault(marker, Access::Read);
            assert_eq!(window, if i == 0 { 256 } else { 1 });
            asked.extend(marker..marker + u64::from(window));
            asked.extend(ahead.clone());
            assert_eq!(ahead.end - ahead.start, 255);
            marker = ahead.start - 1;
        }
        asked.push(marker);
        asked.sort_unstable();
        let all: Vec<Page> = (asked[0]..asked[0] + asked.len() as u64).collect();
        assert_eq!(asked, all);
    }

    #[test]
    fn a_page_that_is_on_its_way_asks_for_nothing_more() {
        let mut streams = Streams::new(256);
        let page = opened(&mut streams, Access::Read);
        let ahead = streams.fault(page, Access::Read).ahead;
        for page in [page + 7, ahead.start + 1, ahead.end - 1] {
            assert_eq!(streams.fault(page, Access::Read), Asked::only(1));
        }
        assert_eq!(streams.fault(ahead.start - 1, Access::Read).window, 1);
        assert_eq!(streams.streams.len(), 1);
    }

    #[test]
    fn writing_takes_nothing_ahead() {
        let mut streams = Streams::new(256);
        let page = opened(&mut streams, Access::Write);
        assert_eq!(streams.fault(page, Access::Write), Asked::only(256));
    }
}
