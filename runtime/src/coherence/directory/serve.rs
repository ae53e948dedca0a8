//! Serving requests: which copies must go, when the grant is due, who is next.

use super::Directory;
use super::entries::Holding;
use super::transaction::{Active, Busy, Goal, Pending};
use crate::coherence::action::{DirAction, TakeMode};
use crate::coherence::types::{Access, NodeId, NodeSet, Page};

/// Which sharer sends the content: home if it can, else one that differs by page and requester, so that load spreads.
fn source(set: NodeSet, requester: NodeId, page: Page) -> NodeId {
    if set.has(NodeId::HOME) {
        return NodeId::HOME;
    }
    let turn = (page + u64::from(requester.0)) as usize % set.len();
    set.iter().nth(turn).expect("a shared page has sharers")
}

/// What must be taken from whom before `node` can be granted `access`.
fn plan(holding: Holding, node: NodeId, access: Access, page: Page) -> Vec<(NodeId, TakeMode)> {
    if holding.allows(node, access) {
        return Vec::new();
    }
    match (holding, access) {
        (Holding::Modified(owner), Access::Read) => vec![(owner, TakeMode::Share)],
        (Holding::Modified(owner), Access::Write) => vec![(owner, TakeMode::Give)],
        (Holding::Shared(set), Access::Read) => vec![(source(set, node, page), TakeMode::Share)],
        (Holding::Shared(set), Access::Write) => {
            let giver = (!set.has(node)).then(|| source(set, node, page));
            let mode = |n| {
                if Some(n) == giver {
                    TakeMode::Give
                } else {
                    TakeMode::Drop
                }
            };
            set.without(node).iter().map(|n| (n, mode(n))).collect()
        }
    }
}

impl<D: Clone> Directory<D> {
    /// A new goal arrives: served now, confirmed now, or queued.
    pub(super) fn admit(
        &mut self,
        page: Page,
        goal: Goal,
        contended: bool,
        out: &mut Vec<DirAction<D>>,
    ) {
        let (node, access) = goal.grantee();
        let Some(busy) = self.busy.get_mut(&page) else {
            return self.start(page, goal, contended, out);
        };
        // With nothing under way (so the page is pinned), a right that is there already is confirmed out of turn.
        if busy.active.is_none() {
            assert!(
                busy.pins > 0,
                "page {page:#x}: goals wait but nothing goes on"
            );
            if self.entries.get(page).allows(node, access) {
                return self.start(page, goal, contended, out);
            }
        }
        if !busy.will_satisfy(goal) {
            busy.queue.push_back(goal);
        }
    }

    /// A page of a window: only if it is at rest and the right node has it.
    pub(super) fn prefetch(
        &mut self,
        node: NodeId,
        page: Page,
        access: Access,
        out: &mut Vec<DirAction<D>>,
    ) {
        if self.busy.contains_key(&page) {
            return;
        }
        let holding = self.entries.get(page);
        if holding.allows(node, access) {
            return;
        }
        let takes = plan(holding, node, access, page);
        let [(from, mode)] = takes[..] else {
            // More than one copy would have to go.
            return;
        };
        if !node.is_home() && !from.is_home() {
            return;
        }
        let goal = Goal::Prefetch { node, access };
        self.open(page, goal, &[(from, mode)], false, out);
    }

    /// Starts `goal` at a page with no active transaction; it may finish at once.
    pub(super) fn start(
        &mut self,
        page: Page,
        goal: Goal,
        contended: bool,
        out: &mut Vec<DirAction<D>>,
    ) {
        let holding = self.entries.get(page);
        let (node, access) = goal.grantee();
        if !holding.allows(node, access) {
            match access {
                Access::Read => self.counters.read += 1,
                Access::Write if holding.nodes().has(node) => self.counters.upgrade += 1,
                Access::Write => self.counters.write += 1,
            }
        }
        let takes = plan(holding, node, access, page);
        if takes.is_empty() {
            self.finish(page, goal, None, contended, out);
        } else {
            self.open(page, goal, &takes, contended, out);
        }
    }

    /// Sends the takes and remembers what they are for.
    fn open(
        &mut self,
        page: Page,
        goal: Goal,
        takes: &[(NodeId, TakeMode)],
        contended: bool,
        out: &mut Vec<DirAction<D>>,
    ) {
        let optional = matches!(goal, Goal::Prefetch { .. });
        let pending = takes
            .iter()
            .map(|&(node, mode)| self.send_take(page, page, node, mode, optional, out));
        let pending = pending.collect();
        let busy = self.busy.entry(page).or_insert_with(Busy::new);
        assert!(
            busy.active.is_none() && busy.pins == 0,
            "page {page:#x} is not free"
        );
        busy.active = Some(Active {
            goal,
            pending,
            data: None,
            contended,
        });
    }

    /// Sends one take for `page`, which its holder knows as `known_as`.
    pub(super) fn send_take(
        &mut self,
        page: Page,
        known_as: Page,
        node: NodeId,
        mode: TakeMode,
        optional: bool,
        out: &mut Vec<DirAction<D>>,
    ) -> Pending {
        let tag = self.next_tag;
        self.next_tag += 1;
        self.tags.insert(tag, page);
        if mode != TakeMode::Share {
            self.counters.invalidated += 1;
        }
        out.push(DirAction::Take {
            node,
            page: known_as,
            tag,
            mode,
            optional,
        });
        Pending {
            tag,
            node,
            mode,
            optional,
        }
    }

    /// Every holder has answered: grants, and goes on with the queue.
    pub(super) fn finish_active(&mut self, page: Page, out: &mut Vec<DirAction<D>>) {
        let busy = self.busy.get_mut(&page).expect("the page is busy");
        let active = busy.active.take().expect("a transaction is active");
        assert!(
            active.pending.is_empty(),
            "page {page:#x}: granted before every answer"
        );
        self.finish(page, active.goal, active.data, active.contended, out);
        self.pump(page, out);
    }

    fn finish(
        &mut self,
        page: Page,
        goal: Goal,
        data: Option<D>,
        contended: bool,
        out: &mut Vec<DirAction<D>>,
    ) {
        let (node, access) = goal.grantee();
        let before = self.entries.get(page);
        let after = match (access, before) {
            (Access::Write, _) => Holding::Modified(node),
            // Home asked in place of a dead board and took from itself: it kept a read-only copy.
            (Access::Read, Holding::Modified(owner)) if owner == node && data.is_some() => {
                Holding::Shared(NodeSet::one(node))
            }
            (Access::Read, Holding::Modified(owner)) if owner == node => before,
            (Access::Read, Holding::Modified(_) | Holding::Shared(_)) => {
                Holding::Shared(before.nodes().with(node))
            }
        };
        self.entries.set(page, after);
        let prefetched = matches!(goal, Goal::Prefetch { .. });
        self.counters.prefetched += u64::from(prefetched);
        if goal != Goal::Pin || before != after || data.is_some() {
            out.push(DirAction::Grant {
                node,
                page,
                access,
                data,
                prefetched,
                contended,
            });
        }
        if goal == Goal::Pin {
            let busy = self.busy.entry(page).or_insert_with(Busy::new);
            // Pins that wait are complete too: one holder of pins must never wait for another.
            let pins = 1 + busy.take_waiting_pins();
            busy.pins += pins;
            out.extend((0..pins).map(|_| DirAction::Pinned { page }));
        }
    }

    /// Serves the queue of a page until something is under way; forgets the page if nothing is left.
    pub(super) fn pump(&mut self, page: Page, out: &mut Vec<DirAction<D>>) {
        while let Some(busy) = self.busy.get_mut(&page) {
            if busy.active.is_some() || busy.pins > 0 {
                return;
            }
            match busy.queue.pop_front() {
                Some(goal) => self.start(page, goal, true, out),
                None => {
                    assert!(busy.is_idle());
                    self.busy.remove(&page);
                }
            }
        }
    }
}
