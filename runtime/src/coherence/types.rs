//! The small words of the protocol: pages, nodes, sets of nodes, kinds of access.

/// A page number: address >> [`PAGE_SHIFT`].
pub type Page = u64;

/// log2 of [`PAGE_SIZE`].
pub const PAGE_SHIFT: u32 = 12;

/// Bytes in a page; the unit of coherence.
pub const PAGE_SIZE: usize = 1 << PAGE_SHIFT;

/// A machine that takes part in a job: home, or a board.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId(pub u8);

impl NodeId {
    /// The machine on which the program was started.
    pub const HOME: NodeId = NodeId(0);
    /// The largest number of nodes, home included.
    pub const LIMIT: u8 = 64;

    /// Whether this is home.
    pub fn is_home(self) -> bool {
        self == NodeId::HOME
    }
}

/// What a thread wants to do with a page; `Read < Write`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Access {
    /// Read it: many nodes at once.
    Read,
    /// Write (and read) it: one node alone.
    Write,
}

/// A set of nodes, one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct NodeSet(pub u64);

impl NodeSet {
    /// The set of one node.
    pub fn one(node: NodeId) -> Self {
        assert!(node.0 < NodeId::LIMIT, "node {} out of range", node.0);
        NodeSet(1 << node.0)
    }

    /// Whether `node` is in the set.
    pub fn has(self, node: NodeId) -> bool {
        self.0 & NodeSet::one(node).0 != 0
    }

    /// The set with `node` in it.
    #[must_use]
    pub fn with(self, node: NodeId) -> Self {
        NodeSet(self.0 | NodeSet::one(node).0)
    }

    /// The set without `node`.
    #[must_use]
    pub fn without(self, node: NodeId) -> Self {
        NodeSet(self.0 & !NodeSet::one(node).0)
    }

    /// Whether nobody is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many nodes are in the set.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The nodes, lowest number first.
    pub fn iter(self) -> impl Iterator<Item = NodeId> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let bit = rest.trailing_zeros();
            (bit < 64).then(|| {
                rest &= rest - 1;
                NodeId(bit as u8)
            })
        })
    }
}

impl std::fmt::Debug for NodeSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter().map(|n| n.0)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_the_first_and_the_last_node() {
        let set = NodeSet::one(NodeId::HOME).with(NodeId(63));
        assert_eq!(set.iter().map(|n| n.0).collect::<Vec<_>>(), [0, 63]);
        assert!(set.has(NodeId(63)) && !set.has(NodeId(62)));
        assert_eq!(set.without(NodeId(63)), NodeSet::one(NodeId::HOME));
        assert!(Access::Read < Access::Write);
    }

    #[test]
    #[should_panic(expected = "out of range")]
    fn node_64_does_not_exist() {
        let _ = NodeSet::one(NodeId(64));
    }
}
