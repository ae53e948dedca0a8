//! A board is gone: what only it held is lost, what it was asked for counts as answered.

use super::Directory;
use super::entries::Holding;
use super::transaction::Goal;
use crate::coherence::action::DirAction;
use crate::coherence::types::{Access, NodeId, Page};

/// What went with a board.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Lost {
    /// Pages whose only copy it had. The directory has put them back to the default, as [`Directory::discard`] does;
    /// the caller must do the same at every node before it carries out the actions.
    pub modified: Vec<Page>,
    /// Requests of the board that were waiting.
    pub requests: usize,
}

/// What becomes of a transaction in which the lost node had a part.
enum Fate {
    GoesOn,
    Finished,
    Restarts(Goal),
    Abandoned,
    PageLost,
}

impl<D: Clone> Directory<D> {
    /// Removes `node` (not home) everywhere. Its stream is closed: no answer of it comes any more.
    pub fn node_lost(&mut self, node: NodeId, out: &mut Vec<DirAction<D>>) -> Lost {
        assert!(!node.is_home(), "home cannot be lost: the job is at home");
        let mut lost = Lost::default();
        for busy in self.busy.values_mut() {
            let before = busy.queue.len();
            busy.queue
                .retain(|goal| !matches!(goal, Goal::Fetch { node: n, .. } if *n == node));
            lost.requests += before - busy.queue.len();
        }
        let held: Vec<(Page, Holding)> = self
            .entries
            .tracked(0..Page::MAX)
            .filter(|(_, holding)| holding.nodes().has(node))
            .collect();
        for (page, holding) in held {
            let rest = holding.nodes().without(node);
            let active = self
                .busy
                .get(&page)
                .is_some_and(|busy| busy.active.is_some());
            match (rest.is_empty(), active) {
                (false, _) => self.entries.set(page, Holding::Shared(rest)),
                (true, false) => lost.modified.push(page),
                (true, true) => {} // the transaction's fate decides
            }
        }
        let pages: Vec<Page> = self.busy.keys().copied().collect();
        for page in pages {
            match self.fate(page, node) {
                Fate::GoesOn => {}
                Fate::Finished => self.finish_active(page, out),
                Fate::PageLost => lost.modified.push(page),
                fate @ (Fate::Restarts(_) | Fate::Abandoned) => {
                    let active = self.busy.get_mut(&page).and_then(|busy| busy.active.take());
                    self.cancel(active.as_ref());
                    if let Fate::Restarts(goal) = fate {
                        self.start(page, goal, true, out);
                    }
                    self.pump(page, out);
                }
            }
        }
        lost.modified.sort_unstable();
        for page in &lost.modified {
            self.discard(*page, 1, out);
        }
        lost
    }

    fn fate(&mut self, page: Page, node: NodeId) -> Fate {
        let others = self.entries.get(page).nodes().without(node);
        let Some(active) = self
            .busy
            .get_mut(&page)
            .and_then(|busy| busy.active.as_mut())
        else {
            return Fate::GoesOn;
        };
        let asked = active.pending.len();
        for gone in active.pending.iter().filter(|p| p.node == node) {
            self.tags.remove(&gone.tag);
        }
        active.pending.retain(|p| p.node != node);
        let asked = asked > active.pending.len();
        let (requester, access) = active.goal.grantee();
        if requester == node {
            // What others are sending must arrive somewhere: at home. An upgrade has nobody who sends.
            active.goal = active.goal.for_home();
            return if active.data_assured() {
                Fate::GoesOn
            } else {
                Fate::PageLost
            };
        }
        if !asked {
            return Fate::GoesOn;
        }
        let keeps = match active.goal {
            Goal::Remap { home_has } => home_has,
            _ => access == Access::Write && others.has(requester),
        };
        match active.goal {
            _ if active.data_assured() || keeps => {
                if active.pending.is_empty() {
                    Fate::Finished
                } else {
                    Fate::GoesOn
                }
            }
            goal @ Goal::Fetch {
                access: Access::Read,
                ..
            } if !others.is_empty() => Fate::Restarts(goal),
            Goal::Prefetch { .. } if !others.is_empty() => Fate::Abandoned,
            _ => Fate::PageLost,
        }
    }
}
