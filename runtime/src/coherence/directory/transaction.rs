//! The pages on which something is going on: one active transaction, a queue behind it, pins.

use std::collections::VecDeque;

use crate::coherence::action::TakeMode;
use crate::coherence::types::{Access, NodeId};

/// What a transaction is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Goal {
    /// A thread at `node` waits for the page.
    Fetch { node: NodeId, access: Access },
    /// The page came into a window; its one take is optional.
    Prefetch { node: NodeId, access: Access },
    /// Home needs it writable, and kept so.
    Pin,
    /// It moved to another address and comes home. `home_has`: home surely keeps a copy.
    Remap { home_has: bool },
}

impl Goal {
    /// Who gets which right in the end.
    pub(super) fn grantee(self) -> (NodeId, Access) {
        match self {
            Goal::Fetch { node, access } | Goal::Prefetch { node, access } => (node, access),
            Goal::Pin | Goal::Remap { .. } => (NodeId::HOME, Access::Write),
        }
    }

    /// The same goal, after its node died: home gets the page.
    pub(super) fn for_home(self) -> Goal {
        let home = NodeId::HOME;
        match self {
            Goal::Fetch { access, .. } => Goal::Fetch { node: home, access },
            Goal::Prefetch { access, .. } => Goal::Prefetch { node: home, access },
            other => other,
        }
    }
}

/// A Take that has not been answered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Pending {
    pub(super) tag: u64,
    pub(super) node: NodeId,
    pub(super) mode: TakeMode,
    pub(super) optional: bool,
}

/// A transaction under way: it ends with a grant when `pending` is empty.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Active<D> {
    pub(super) goal: Goal,
    pub(super) pending: Vec<Pending>,
    pub(super) data: Option<D>,
    pub(super) contended: bool,
}

impl<D> Active<D> {
    /// Whether the content is here or on its way.
    pub(super) fn data_assured(&self) -> bool {
        self.data.is_some() || self.pending.iter().any(|p| p.mode.sends_data())
    }
}

/// All that goes on at one page. At most one goal a node and access in the queue, so it is bounded.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Busy<D> {
    pub(super) active: Option<Active<D>>,
    pub(super) queue: VecDeque<Goal>,
    /// Pins held; while there are any, no transaction starts.
    pub(super) pins: u32,
}

impl<D> Busy<D> {
    pub(super) fn new() -> Self {
        Busy {
            active: None,
            queue: VecDeque::new(),
            pins: 0,
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.active.is_none() && self.queue.is_empty() && self.pins == 0
    }

    /// Whether a goal that waits (or is under way) already brings what `goal` asks for.
    pub(super) fn will_satisfy(&self, goal: Goal) -> bool {
        let Goal::Fetch { node, access } = goal else {
            return false;
        };
        let brings =
            |g: &Goal| matches!(*g, Goal::Fetch { node: n, access: a } if n == node && a >= access);
        self.active.as_ref().is_some_and(|a| brings(&a.goal)) || self.queue.iter().any(brings)
    }

    /// Removes the pins that wait, and says how many there were.
    pub(super) fn take_waiting_pins(&mut self) -> u32 {
        let before = self.queue.len();
        self.queue.retain(|goal| *goal != Goal::Pin);
        (before - self.queue.len()) as u32
    }
}
