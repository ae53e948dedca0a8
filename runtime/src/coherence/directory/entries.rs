//! Who holds each page, compactly: 8.5 bytes a page in regions of 64; a region all at its default is freed.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::coherence::types::{Access, NodeId, NodeSet, Page};

const REGION: u64 = 64;

/// Who holds a page.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Holding {
    /// One node may read and write it.
    Modified(NodeId),
    /// These nodes (at least one) may read it.
    Shared(NodeSet),
}

impl Holding {
    /// A page nobody asked for yet: it is home's.
    pub const DEFAULT: Holding = Holding::Modified(NodeId::HOME);

    /// Every node that has a copy.
    pub fn nodes(self) -> NodeSet {
        match self {
            Holding::Modified(owner) => NodeSet::one(owner),
            Holding::Shared(set) => set,
        }
    }

    /// Whether `node` may do `access` now.
    pub fn allows(self, node: NodeId, access: Access) -> bool {
        match self {
            Holding::Modified(owner) => owner == node,
            Holding::Shared(set) => access == Access::Read && set.has(node),
        }
    }
}

/// 64 pages: the set of holders of each, which of them are held exclusively, which differ from the default.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Region {
    nodes: [u64; REGION as usize],
    exclusive: u64,
    tracked: u64,
}

impl Region {
    fn new() -> Box<Self> {
        let nodes = [NodeSet::one(NodeId::HOME).0; REGION as usize];
        Box::new(Region {
            nodes,
            exclusive: u64::MAX,
            tracked: 0,
        })
    }

    fn get(&self, slot: u64) -> Holding {
        let nodes = NodeSet(self.nodes[slot as usize]);
        if self.exclusive >> slot & 1 == 1 {
            Holding::Modified(NodeId(nodes.0.trailing_zeros() as u8))
        } else {
            Holding::Shared(nodes)
        }
    }
}

/// Page -> [`Holding`].
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Entries {
    regions: BTreeMap<u64, Box<Region>>,
    /// Pages of which home has no copy.
    away: u64,
}

impl Entries {
    pub(super) fn get(&self, page: Page) -> Holding {
        match self.regions.get(&(page / REGION)) {
            Some(region) => region.get(page % REGION),
            None => Holding::DEFAULT,
        }
    }

    /// How many pages home has no copy of.
    pub(super) fn away(&self) -> u64 {
        self.away
    }

    pub(super) fn set(&mut self, page: Page, holding: Holding) {
        let (key, slot) = (page / REGION, page % REGION);
        if holding == Holding::DEFAULT && !self.regions.contains_key(&key) {
            return;
        }
        let nodes = holding.nodes();
        assert!(!nodes.is_empty(), "page {page:#x} would be held by nobody");
        let region = self.regions.entry(key).or_insert_with(Region::new);
        let bit = 1 << slot;
        let was_away = !NodeSet(region.nodes[slot as usize]).has(NodeId::HOME);
        self.away += u64::from(!nodes.has(NodeId::HOME));
        self.away -= u64::from(was_away);
        region.nodes[slot as usize] = nodes.0;
        match holding {
            Holding::Modified(_) => region.exclusive |= bit,
            Holding::Shared(_) => region.exclusive &= !bit,
        }
        match holding == Holding::DEFAULT {
            true => region.tracked &= !bit,
            false => region.tracked |= bit,
        }
        if region.tracked == 0 {
            self.regions.remove(&key);
        }
    }

    /// Puts every page of the range back to the default.
    pub(super) fn reset(&mut self, range: Range<Page>) {
        let pages: Vec<Page> = self.tracked(range).map(|(page, _)| page).collect();
        for page in pages {
            self.set(page, Holding::DEFAULT);
        }
    }

    /// The pages of the range that are not at the default, in order.
    pub(super) fn tracked(&self, range: Range<Page>) -> impl Iterator<Item = (Page, Holding)> + '_ {
        let keys = range.start / REGION..range.end.div_ceil(REGION).max(range.start / REGION);
        self.regions.range(keys).flat_map(move |(key, region)| {
            let range = range.clone();
            (0..REGION)
                .filter(|slot| region.tracked >> slot & 1 == 1)
                .map(move |slot| (key * REGION + slot, region.get(slot)))
                .filter(move |(page, _)| range.contains(page))
        })
    }

    #[cfg(test)]
    pub(super) fn regions(&self) -> usize {
        self.regions.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_never_seen_are_homes() {
        assert_eq!(Entries::default().get(u64::MAX >> 12), Holding::DEFAULT);
    }

    #[test]
    fn a_region_back_at_its_default_is_freed() {
        let mut entries = Entries::default();
        let shared = Holding::Shared(NodeSet::one(NodeId::HOME).with(NodeId(63)));
        entries.set(63, Holding::Modified(NodeId(63)));
        entries.set(64, shared);
        entries.set(65, Holding::DEFAULT);
        assert_eq!(entries.regions(), 2);
        assert_eq!(entries.away(), 1, "home has a copy of 64");
        entries.set(63, Holding::Modified(NodeId(2)));
        entries.set(66, Holding::Shared(NodeSet::one(NodeId(2))));
        assert_eq!(entries.away(), 2);
        entries.set(63, Holding::Modified(NodeId(63)));
        entries.set(66, Holding::DEFAULT);
        let tracked: Vec<_> = entries.tracked(0..1000).collect();
        assert_eq!(tracked, [(63, Holding::Modified(NodeId(63))), (64, shared)]);
        assert_eq!(entries.tracked(64..64).count(), 0);
        assert_eq!(entries.tracked(0..64).count(), 1);
        entries.reset(0..64);
        assert_eq!((entries.regions(), entries.away()), (1, 0));
        entries.set(64, Holding::DEFAULT);
        assert_eq!(entries.regions(), 0);
    }

    #[test]
    fn one_gibibyte_of_pages_costs_at_most_6_mib() {
        let pages = (1u64 << 30) / 4096;
        let per_region = size_of::<Region>() + size_of::<(u64, Box<Region>)>() * 2 + 16;
        assert!(pages / REGION * per_region as u64 <= 6 << 20);
    }
}
