//! A board leaves in an orderly way: what only it holds comes home first, so that nothing is lost with it. It
//! asks for nothing any more, but answers to what it asked before may still be on their way.

use std::collections::BTreeSet;

use super::Directory;
use super::entries::Holding;
use crate::coherence::action::DirAction;
use crate::coherence::types::{Access, NodeId, NodeSet, Page};

/// Pages on their way home at a time.
const BATCH: usize = 1024;

/// How far a node that leaves is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Leave {
    node: NodeId,
    /// Pages that home has asked for.
    batch: BTreeSet<Page>,
    /// Pages that home has asked for so far, all in all.
    pages: u64,
}

impl Leave {
    /// `node` (not home) is to leave.
    pub fn new(node: NodeId) -> Self {
        Leave {
            node,
            batch: BTreeSet::new(),
            pages: 0,
        }
    }

    /// Who leaves.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// Pages of which only the node had a copy.
    pub fn pages(&self) -> u64 {
        self.pages
    }
}

impl<D: Clone> Directory<D> {
    /// Brings home what only the node has, a batch at a time. To be called again after each change until it says
    /// true: then [`Directory::node_lost`] loses nothing.
    pub fn leave(&mut self, leave: &mut Leave, out: &mut Vec<DirAction<D>>) -> bool {
        let node = leave.node;
        let only_there = |holding: Holding| holding.nodes() == NodeSet::one(node);
        leave
            .batch
            .retain(|page| only_there(self.entries.get(*page)));
        if !leave.batch.is_empty() {
            return false;
        }
        let tracked = self.entries.tracked(0..Page::MAX);
        let next = tracked.filter(|(_, holding)| only_there(*holding));
        leave.batch = next.map(|(page, _)| page).take(BATCH).collect();
        leave.pages += leave.batch.len() as u64;
        for page in &leave.batch {
            self.request(NodeId::HOME, *page, Access::Read, 1, out);
        }
        leave.batch.is_empty() && !self.concerns(node)
    }

    /// Whether `node` waits for a page, or is waited for.
    fn concerns(&self, node: NodeId) -> bool {
        self.busy.values().any(|busy| {
            let active = busy.active.iter().map(|a| &a.goal);
            let mut goals = active.chain(&busy.queue);
            let mut pending = busy.active.iter().flat_map(|a| &a.pending);
            goals.any(|goal| goal.grantee().0 == node) || pending.any(|p| p.node == node)
        })
    }
}
