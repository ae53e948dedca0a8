//! Prefetch: a sequence of faults at neighbouring pages is a stream; each hit multiplies its window by four.
//!
//! A reading stream whose window is at its largest is asked for one window **ahead**, but for that window's first page,
//! the marker: it stays away until the thread faults on it, which says that the thread goes on reading, and asks for the
//! window after the next. So a window travels while the thread works on the one before, and a thread that stops reading
//! has caused one window too many at most.

use std::collections::VecDeque;
use std::ops::Range;

use crate::coherence::types::{Access, Page};

/// Streams a node follows at once, some for each of its threads; the least recently used one makes room.
const STREAMS: usize = 64;
/// Growth of the window when a stream goes on.
const GROWTH: u32 = 4;
/// Pages that a stream of reads may leave out, each time as many, or one more or less: a column of a matrix whose rows
/// have up to four pages is a stream too.
const SKIP: u64 = 3;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Stream {
    access: Access,
    /// The page of its last fault.
    last: Page,
    /// About every so many pages one is read, if some are left out.
    stride: Option<u64>,
    /// Where its next fault is expected: the end of the last window.
    expect: Page,
    window: u32,
    /// What is on its way beyond `expect`.
    ahead: Range<Page>,
}

impl Stream {
    /// Whether a fault at `page` belongs to it.
    fn goes_on(&self, page: Page, access: Access) -> bool {
        let Some(gap) = page.checked_sub(self.expect).filter(|gap| *gap <= SKIP) else {
            return false;
        };
        self.access == access
            && match (gap, self.stride) {
                (0 | 1, _) => true,
                // What is written is not read ahead of those who write the pages between.
                _ if access == Access::Write || !self.ahead.is_empty() => false,
                (_, Some(stride)) if self.window == 1 => (page - self.last).abs_diff(stride) <= 1,
                (_, Some(stride)) => gap <= stride,
                (_, None) => self.window == 1,
            }
    }

    /// The stride of which a fault at `page`, with which it goes on, is a part.
    fn stride_to(&self, page: Page) -> Option<u64> {
        let leaves_out = || (page > self.expect && self.window == 1).then(|| page - self.last);
        self.stride.or_else(leaves_out)
    }
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
        let exact = |s: &Stream| s.access == access && s.expect == page;
        let near = |s: &Stream| s.goes_on(page, access);
        let hit = self.streams.iter().position(exact);
        let hit = hit.or_else(|| self.streams.iter().position(near));
        let mut stride = None;
        let (asked, expect, window) = match hit {
            Some(at) => {
                let last = self.streams.remove(at).expect("found");
                stride = last.stride_to(page);
                // Two pages near each other are no column yet; the third at the same distance is.
                match page > last.expect + 1 && last.stride.is_none() {
                    true => (Asked::only(1), page.saturating_add(1), 1),
                    false => self.next(&last, page),
                }
            }
            None if self.streams.iter().filter(mine).any(inside) => return Asked::only(1),
            None => (Asked::only(1), page.saturating_add(1), 1),
        };
        self.streams.truncate(STREAMS - 1);
        self.streams.push_front(Stream {
            access,
            last: page,
            stride,
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
        // A marker could be one of the pages that are left out; two are next to each other, or one was there before.
        let dense = last.stride.is_none_or(|stride| stride <= 2);
        let full = last.window == most && last.access == Access::Read && dense;
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
            streams.fault(19, Access::Read).window,
            1,
            "three pages on is another stream"
        );
    }

    #[test]
    fn a_column_of_a_matrix_is_a_stream() {
        // Quarters of pages.
        for row in 5..=4 * (SKIP + 1) {
            let mut streams = Streams::new(256);
            let mut windows = Vec::new();
            let mut there = vec![];
            for page in (0..600).map(|i| 1000 + i * row / 4) {
                if !there
                    .iter()
                    .any(|range: &Range<Page>| range.contains(&page))
                {
                    let Asked { window, ahead } = streams.fault(page, Access::Read);
                    there.extend([page..page + u64::from(window), ahead]);
                    windows.push(window);
                }
            }
            assert!(windows.len() <= 15, "{row}: {windows:?}");
            assert!(windows.contains(&256), "{row}: {windows:?}");
        }
    }

    #[test]
    fn pages_near_each_other_are_no_column() {
        let mut streams = Streams::new(256);
        for page in [10, 14, 26, 29, 34, 38, 50] {
            assert_eq!(streams.fault(page, Access::Read).window, 1, "{page}");
        }
        // Those who write share the pages between.
        let mut streams = Streams::new(256);
        for page in (0..20).map(|i| 10 + i * 3) {
            assert_eq!(streams.fault(page, Access::Write).window, 1);
        }
    }

    #[test]
    fn faulting_again_on_one_page_is_no_scan() {
        let mut streams = Streams::new(256);
        assert!((0..10).all(|_| streams.fault(7, Access::Write).window == 1));
        assert_eq!(streams.streams.len(), 1);
    }

    #[test]
    fn many_streams_are_followed_one_more_evicts_the_oldest() {
        let mut streams = Streams::new(256);
        for stream in 0..=STREAMS as u64 {
            streams.fault(stream * 1000, Access::Read);
        }
        assert!(
            (1..=STREAMS as u64).all(|s| streams.fault(s * 1000 + 1, Access::Read).window == 4)
        );
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
