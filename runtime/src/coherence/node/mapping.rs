//! Mapping changes as one node sees them.
//!
//! Takes that wait in the range are settled first. On a board they are surrendered: for mremap home still wants the
//! content, else it ignores the answer. At home they are refused: the directory has heard of the change before this
//! table, and the memory may already be somebody else's.

use std::ops::Range;

use super::NodeTable;
use crate::coherence::action::NodeAction;
use crate::coherence::types::Page;

fn span(first: Page, count: u64) -> Range<Page> {
    first..first.saturating_add(count)
}

impl NodeTable {
    /// The mapping is gone: threads that wait for its pages are woken to fault again.
    pub fn remove<D>(&mut self, first: Page, count: u64, out: &mut Vec<NodeAction<D>>) {
        self.settle(span(first, count), out);
        self.states.reset(span(first, count));
        self.wake(span(first, count), out);
    }

    /// The content is gone, the mapping stays; requests do too, since home answers them anew.
    pub fn discard<D>(&mut self, first: Page, count: u64, out: &mut Vec<NodeAction<D>>) {
        self.settle(span(first, count), out);
        self.states.reset(span(first, count));
    }

    /// At home only: `count` pages moved. What was at `to` is gone.
    pub fn remap<D>(&mut self, from: Page, to: Page, count: u64, out: &mut Vec<NodeAction<D>>) {
        assert!(
            self.node.is_home(),
            "only home follows mremap; boards get a remove"
        );
        assert!(
            from.abs_diff(to) >= count,
            "mremap never overlaps: {from:#x} -> {to:#x}, {count} pages"
        );
        for first in [to, from] {
            self.settle(span(first, count), out);
            self.wake(span(first, count), out);
        }
        self.states.shift(span(from, count), to);
    }

    fn settle<D>(&mut self, range: Range<Page>, out: &mut Vec<NodeAction<D>>) {
        if range.is_empty() {
            return;
        }
        let pages: Vec<Page> = self
            .deferred
            .range(range.clone())
            .map(|(page, _)| *page)
            .collect();
        for page in pages {
            if self.node.is_home() {
                let takes = self.deferred.remove(&page).unwrap_or_default();
                out.extend(takes.iter().map(|take| NodeAction::Refuse {
                    page,
                    tag: take.tag,
                }));
                self.postponed.remove(&page);
            } else {
                self.surrender_deferred(page, out);
            }
        }
        self.holds.forget(range);
    }

    fn wake<D>(&mut self, range: Range<Page>, out: &mut Vec<NodeAction<D>>) {
        if range.is_empty() {
            return;
        }
        let pages: Vec<Page> = self
            .outstanding
            .range(range)
            .map(|(page, _)| *page)
            .collect();
        for page in pages {
            self.outstanding.remove(&page);
            out.push(NodeAction::Wake { page });
        }
    }
}
