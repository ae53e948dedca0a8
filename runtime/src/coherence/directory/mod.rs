//! The directory: home's table of who holds each page, and the transactions that move pages between nodes.
//!
//! A page is Modified at one node or Shared by a set ([`Holding`], kept in `entries`). A request that needs other
//! nodes' copies taken away becomes the page's one active transaction (`transaction`); others queue behind it, first
//! come first served. `serve` starts and finishes transactions, `mapping` follows munmap, MADV_DONTNEED and mremap,
//! `loss` removes a dead board, `leave` prepares one to be removed without loss.

mod entries;
mod leave;
mod loss;
mod mapping;
mod serve;
#[cfg(test)]
mod tests;
mod transaction;

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::ops::Range;

use super::action::{DirAction, Taken, Violation};
use super::types::{Access, NodeId, Page};
use entries::Entries;
pub use entries::Holding;
pub use leave::Leave;
pub use loss::Lost;
use transaction::{Busy, Goal};

/// The largest window of one request, pages.
pub const MAX_WINDOW: u32 = 256;

/// What the directory has done since it began.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counters {
    /// Pages fetched for reading.
    pub read: u64,
    /// Pages fetched for writing.
    pub write: u64,
    /// Shared pages made writable.
    pub upgrade: u64,
    /// Copies taken away from nodes.
    pub invalidated: u64,
    /// Pages granted because a window covered them.
    pub prefetched: u64,
}

/// Home's table of all pages of a job. See the module and [`super`] for the rules of calling it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Directory<D> {
    entries: Entries,
    busy: BTreeMap<Page, Busy<D>>,
    /// The page (by its present number) each unanswered take belongs to.
    tags: BTreeMap<u64, Page>,
    next_tag: u64,
    counters: Counters,
}

impl<D: Clone> Default for Directory<D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<D: Clone> Directory<D> {
    /// A directory in which every page is Modified at home.
    pub fn new() -> Self {
        Directory {
            entries: Entries::default(),
            busy: BTreeMap::new(),
            tags: BTreeMap::new(),
            next_tag: 1,
            counters: Counters::default(),
        }
    }

    /// `node` wants `page`, and would like the pages up to `page + window` (window >= 1, at most [`MAX_WINDOW`]).
    ///
    /// The window is served from pages at rest: those home holds or, when home asks, those a board holds. The holder
    /// may refuse these.
    pub fn request(
        &mut self,
        node: NodeId,
        page: Page,
        access: Access,
        window: u32,
        out: &mut Vec<DirAction<D>>,
    ) {
        assert!(node.0 < NodeId::LIMIT, "node {} out of range", node.0);
        self.admit(page, Goal::Fetch { node, access }, false, out);
        for ahead in 1..u64::from(window.min(MAX_WINDOW)) {
            self.prefetch(node, page.saturating_add(ahead), access, out);
        }
    }

    /// `node` answers the take `tag`. An unknown tag is one that a mapping change cancelled: ignored.
    pub fn taken(
        &mut self,
        node: NodeId,
        tag: u64,
        taken: Taken<D>,
        out: &mut Vec<DirAction<D>>,
    ) -> Result<(), Violation> {
        let Some(&page) = self.tags.get(&tag) else {
            return Ok(());
        };
        let busy = self.busy.get_mut(&page).expect("a tag names a busy page");
        let active = busy
            .active
            .as_mut()
            .expect("a tag names an active transaction");
        let index = active
            .pending
            .iter()
            .position(|p| p.tag == tag)
            .expect("a tag names a pending take");
        let pending = active.pending[index];
        if pending.node != node {
            return Err(Violation::WrongNode {
                asked: pending.node,
                answered: node,
            });
        }
        let may_refuse = matches!(active.goal, Goal::Prefetch { .. } | Goal::Remap { .. });
        if taken.refused && !may_refuse {
            return Err(Violation::Refused { page });
        }
        if !taken.refused && pending.mode.sends_data() && taken.data.is_none() {
            return Err(Violation::NoData { page });
        }
        self.tags.remove(&tag);
        active.pending.remove(index);
        active.contended |= taken.deferred;
        if taken.refused && matches!(active.goal, Goal::Prefetch { .. }) {
            busy.active = None;
            self.pump(page, out);
            return Ok(());
        }
        if !taken.refused && pending.mode.sends_data() && active.data.is_none() {
            active.data = taken.data;
        }
        if active.pending.is_empty() {
            self.finish_active(page, out);
        }
        Ok(())
    }

    /// Home needs `page` present and writable; [`DirAction::Pinned`] says when. Pins count: one unpin each.
    pub fn pin(&mut self, page: Page, out: &mut Vec<DirAction<D>>) {
        self.admit(page, Goal::Pin, false, out);
    }

    /// Takes back one complete pin. A page with no pin (its mapping went, see [`DirAction::PinDropped`]) is ignored.
    pub fn unpin(&mut self, page: Page, out: &mut Vec<DirAction<D>>) {
        let Some(busy) = self.busy.get_mut(&page).filter(|busy| busy.pins > 0) else {
            return;
        };
        busy.pins -= 1;
        self.pump(page, out);
    }

    /// Who holds `page`. While a transaction is under way: as it was before.
    pub fn state(&self, page: Page) -> Holding {
        self.entries.get(page)
    }

    /// The one node that may write `page`, if there is one.
    pub fn holder(&self, page: Page) -> Option<NodeId> {
        match self.state(page) {
            Holding::Modified(owner) => Some(owner),
            Holding::Shared(_) => None,
        }
    }

    /// How many pages home has no copy of.
    pub fn away(&self) -> u64 {
        self.entries.away()
    }

    /// Whether a transaction is under way at `page`, waits there, or a pin is held.
    pub fn is_busy(&self, page: Page) -> bool {
        self.busy.contains_key(&page)
    }

    /// Pages with something going on.
    pub fn busy_pages(&self) -> impl Iterator<Item = Page> + '_ {
        self.busy.keys().copied()
    }

    /// Pages of the range that are not simply home's, in order.
    pub fn tracked(&self, range: Range<Page>) -> impl Iterator<Item = (Page, Holding)> + '_ {
        self.entries.tracked(range)
    }

    /// Pages of the range that home cannot read now or may be about to lose; a request or pin brings each home.
    pub fn missing_at_home(&self, range: Range<Page>) -> Vec<Page> {
        let away = self.entries.tracked(range.clone());
        let mut pages: Vec<Page> = away
            .filter(|(_, holding)| !holding.nodes().has(NodeId::HOME))
            .map(|(page, _)| page)
            .collect();
        let leaving = self.busy.range(range).filter(|(_, busy)| {
            let lists = busy.active.iter().flat_map(|a| &a.pending);
            let goal = busy.active.as_ref().map(|a| a.goal.grantee());
            lists.count() > 0
                && goal.is_some_and(|(node, access)| access == Access::Write && !node.is_home())
        });
        pages.extend(leaving.map(|(page, _)| *page));
        pages.sort_unstable();
        pages.dedup();
        pages
    }

    /// Whether a board waits for a page that it may write: home will lose it.
    pub fn promised(&self) -> bool {
        self.busy.values().any(|busy| {
            let active = busy.active.iter().map(|a| &a.goal);
            active
                .chain(&busy.queue)
                .map(|goal| goal.grantee())
                .any(|(node, access)| access == Access::Write && !node.is_home())
        })
    }

    /// Takes that have not been answered: the page, the tag, who is to answer.
    pub fn unanswered(&self) -> impl Iterator<Item = (Page, u64, NodeId)> + '_ {
        self.busy.iter().flat_map(|(page, busy)| {
            let pending = busy.active.iter().flat_map(|active| &active.pending);
            pending.map(|p| (*page, p.tag, p.node))
        })
    }

    /// What goes on at a page, in words.
    pub fn describe(&self, page: Page) -> String {
        let Some(busy) = self.busy.get(&page) else {
            return format!("page {page:#x}: at rest");
        };
        let under_way = match &busy.active {
            Some(active) => format!("{:?}, awaits {:?}", active.goal, active.pending),
            None => "nothing under way".to_owned(),
        };
        let (holding, pins, queue) = (self.entries.get(page), busy.pins, &busy.queue);
        format!("page {page:#x}: {holding:?}, {pins} pins, {under_way}, then {queue:?}")
    }

    /// What was done so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The page (by its present number) that waits for the answer to `tag`; None if no answer is wanted any more.
    pub fn awaits(&self, tag: u64) -> Option<Page> {
        self.tags.get(&tag).copied()
    }
}

/// Equal behaviour, equal hash (for the model checker): counters are left out, tags are only names.
impl<D: Hash> Hash for Directory<D> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.entries.hash(state);
        for (page, busy) in &self.busy {
            (page, busy.pins, &busy.queue).hash(state);
            if let Some(active) = &busy.active {
                (active.goal, &active.data, active.contended).hash(state);
                for p in &active.pending {
                    (p.node, p.mode, p.optional).hash(state);
                }
            }
        }
    }
}
