//! Mapping changes: removed (munmap), emptied (MADV_DONTNEED), moved (mremap).

use std::collections::BTreeSet;
use std::ops::Range;

use super::Directory;
use super::entries::Holding;
use super::transaction::{Active, Busy, Goal, Pending};
use crate::coherence::action::{DirAction, TakeMode};
use crate::coherence::types::{Access, NodeId, Page};

/// The pages of `count` from `first`, shortened at the end of the number space.
fn span(first: Page, count: u64) -> Range<Page> {
    first..first.saturating_add(count)
}

impl<D: Clone> Directory<D> {
    /// The mapping of `count` pages is gone: holders, transactions, queued requests and pins with it.
    pub fn forget(&mut self, first: Page, count: u64, out: &mut Vec<DirAction<D>>) {
        for page in self.busy_in(span(first, count)) {
            let busy = self.busy.remove(&page).expect("listed");
            self.drop_pins(page, &busy, out);
            self.cancel(busy.active.as_ref());
        }
        self.entries.reset(span(first, count));
    }

    /// The content of `count` pages is gone, the mapping stays: all home's again, requests start anew in their order.
    /// Pins stay.
    pub fn discard(&mut self, first: Page, count: u64, out: &mut Vec<DirAction<D>>) {
        self.entries.reset(span(first, count));
        for page in self.busy_in(span(first, count)) {
            let mut busy = self.busy.remove(&page).expect("listed");
            self.cancel(busy.active.as_ref());
            let first = busy.active.take().and_then(|active| match active.goal {
                Goal::Prefetch { .. } => None,
                Goal::Remap { .. } => Some(Goal::Fetch {
                    node: NodeId::HOME,
                    access: Access::Write,
                }),
                goal => Some(goal),
            });
            let queue = std::mem::take(&mut busy.queue);
            if !busy.is_idle() {
                self.busy.insert(page, busy);
            }
            for goal in first.into_iter().chain(queue) {
                self.admit(page, goal, true, out);
            }
        }
    }

    /// `count` pages moved from `from` to `to`: what was at `to` is gone, requests and pins at `from` too. Pages that
    /// home lacks are fetched under their old number and granted to home under the new one.
    pub fn remap(&mut self, from: Page, to: Page, count: u64, out: &mut Vec<DirAction<D>>) {
        assert!(
            from.abs_diff(to) >= count,
            "mremap never overlaps: {from:#x} -> {to:#x}, {count} pages"
        );
        self.forget(to, count, out);
        let mut pages: BTreeSet<Page> = self.busy_in(span(from, count)).into_iter().collect();
        pages.extend(
            self.entries
                .tracked(span(from, count))
                .map(|(page, _)| page),
        );
        for old in pages {
            let holding = self.entries.get(old);
            self.entries.set(old, Holding::DEFAULT);
            let active = self.busy.remove(&old).and_then(|busy| {
                self.drop_pins(old, &busy, out);
                busy.active
            });
            self.move_page(old, old - from + to, holding, active, out);
        }
    }

    /// Gives one page its new number; every copy but home's is taken, answers still to come are kept.
    fn move_page(
        &mut self,
        old: Page,
        new: Page,
        holding: Holding,
        active: Option<Active<D>>,
        out: &mut Vec<DirAction<D>>,
    ) {
        let goal = active.as_ref().map(|a| a.goal);
        // In a transaction for writing, every holder but the requester has been asked to drop its copy already.
        let asked =
            |node| goal.is_some_and(|g| g.grantee().1 == Access::Write && g.grantee().0 != node);
        let home_has = holding.nodes().has(NodeId::HOME) && !asked(NodeId::HOME);
        let mut active = active.unwrap_or(Active {
            goal: Goal::Pin,
            pending: Vec::new(),
            data: None,
            contended: false,
        });
        for pending in &active.pending {
            self.tags.insert(pending.tag, new);
        }
        if !matches!(goal, Some(Goal::Remap { .. })) {
            active.goal = Goal::Remap { home_has };
            let mut assured =
                home_has || active.data.is_some() || active.pending.iter().any(sure_to_send);
            for node in holding.nodes().without(NodeId::HOME).iter() {
                let optional = active.pending.iter().any(|p| p.node == node && p.optional);
                if asked(node) && !optional {
                    continue;
                }
                let mode = if assured {
                    TakeMode::Drop
                } else {
                    TakeMode::Give
                };
                assured = true;
                let take = self.send_take(new, old, node, mode, false, out);
                active.pending.push(take);
            }
        }
        self.entries.set(new, holding);
        if active.pending.is_empty() && holding == Holding::DEFAULT {
            return;
        }
        let done = active.pending.is_empty();
        let mut busy = Busy::new();
        busy.active = Some(active);
        self.busy.insert(new, busy);
        if done {
            self.finish_active(new, out);
        }
    }

    fn busy_in(&self, range: Range<Page>) -> Vec<Page> {
        if range.is_empty() {
            return Vec::new();
        }
        self.busy.range(range).map(|(page, _)| *page).collect()
    }

    /// Answers to these takes will be ignored.
    pub(super) fn cancel(&mut self, active: Option<&Active<D>>) {
        for pending in active.iter().flat_map(|a| &a.pending) {
            self.tags.remove(&pending.tag);
        }
    }

    fn drop_pins(&self, page: Page, busy: &Busy<D>, out: &mut Vec<DirAction<D>>) {
        let active = busy.active.iter().map(|a| &a.goal);
        let waiting = active
            .chain(&busy.queue)
            .filter(|goal| **goal == Goal::Pin)
            .count();
        out.extend((0..busy.pins as usize + waiting).map(|_| DirAction::PinDropped { page }));
    }
}

/// Whether a take brings the content in any case. Home may refuse: then it still has the page itself.
fn sure_to_send(pending: &Pending) -> bool {
    pending.mode.sends_data() && (!pending.optional || pending.node.is_home())
}
