//! An interval map over addresses: which half-open range has which value. Pure.
//!
//! Ranges never overlap and never are empty; touching ranges with equal values are one range.

use std::collections::BTreeMap;
use std::ops::Range;

/// Disjoint ranges of addresses, each with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressMap<V> {
    /// start -> (end, value)
    ranges: BTreeMap<u64, (u64, V)>,
}

impl<V> Default for AddressMap<V> {
    fn default() -> Self {
        Self {
            ranges: BTreeMap::new(),
        }
    }
}

impl<V: Clone + Eq> AddressMap<V> {
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives `range` the value, whatever stood there. An empty range changes nothing.
    pub fn insert(&mut self, range: Range<u64>, value: V) {
        if range.is_empty() {
            return;
        }
        self.remove(range.clone());
        let (mut start, mut end) = (range.start, range.end);
        match self.ranges.range(..start).next_back() {
            Some((&before, (before_end, v))) if *before_end == start && *v == value => {
                start = before;
            }
            _ => {}
        }
        match self.ranges.get(&end) {
            Some(&(after_end, ref v)) if *v == value => {
                self.ranges.remove(&end);
                end = after_end;
            }
            _ => {}
        }
        self.ranges.insert(start, (end, value));
    }

    /// Empties `range`, splitting what reaches over its edges. Returns what was removed.
    pub fn remove(&mut self, range: Range<u64>) -> Vec<(Range<u64>, V)> {
        let removed: Vec<_> = self
            .overlaps(range.clone())
            .map(|(r, v)| (r, v.clone()))
            .collect();
        for (piece, value) in &removed {
            let first = self.first_at_or_before(piece.start);
            let (end, _) = self
                .ranges
                .remove(&first)
                .expect("an overlap lies in a range");
            if first < piece.start {
                self.ranges.insert(first, (piece.start, value.clone()));
            }
            if piece.end < end {
                self.ranges.insert(piece.end, (end, value.clone()));
            }
        }
        removed
    }

    pub fn get(&self, addr: u64) -> Option<&V> {
        self.get_range(addr).map(|(_, value)| value)
    }

    /// The whole range around `addr`, with its value.
    pub fn get_range(&self, addr: u64) -> Option<(Range<u64>, &V)> {
        let (&start, (end, value)) = self.ranges.range(..=addr).next_back()?;
        (addr < *end).then_some((start..*end, value))
    }

    /// All ranges in order.
    pub fn iter(&self) -> impl Iterator<Item = (Range<u64>, &V)> {
        self.ranges
            .iter()
            .map(|(&start, (end, value))| (start..*end, value))
    }

    /// What lies within `range`, clipped to it, in order.
    pub fn overlaps(&self, range: Range<u64>) -> impl Iterator<Item = (Range<u64>, &V)> {
        let first = self.first_at_or_before(range.start);
        // An empty or reversed range overlaps nothing; BTreeMap would panic on it.
        let last = range.end.max(first);
        self.ranges
            .range(first..last)
            .filter_map(move |(&start, (end, value))| {
                let clipped = start.max(range.start)..(*end).min(range.end);
                (!clipped.is_empty()).then_some((clipped, value))
            })
    }

    /// The pieces of `range` that have no value, in order.
    pub fn gaps(&self, range: Range<u64>) -> Vec<Range<u64>> {
        let mut gaps = Vec::new();
        let mut at = range.start;
        for (piece, _) in self.overlaps(range.clone()) {
            if at < piece.start {
                gaps.push(at..piece.start);
            }
            at = piece.end;
        }
        if at < range.end {
            gaps.push(at..range.end);
        }
        gaps
    }

    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The sum of all ranges' lengths.
    pub fn bytes(&self) -> u64 {
        self.iter().map(|(range, _)| range.end - range.start).sum()
    }

    fn first_at_or_before(&self, addr: u64) -> u64 {
        self.ranges
            .range(..=addr)
            .next_back()
            .map_or(addr, |(&start, _)| start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UNITS: u64 = 40;

    #[derive(Clone, Debug)]
    enum Op {
        Insert(u64, u64, u8),
        Remove(u64, u64),
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            (0..UNITS, 0..UNITS, 0..3u8).prop_map(|(a, b, v)| Op::Insert(a.min(b), a.max(b), v)),
            (0..UNITS, 0..UNITS).prop_map(|(a, b)| Op::Remove(a.min(b), a.max(b))),
        ]
    }

    /// The pieces of a plain array, values equal and adjacent joined.
    fn pieces(
        model: &[Option<u8>],
        within: Range<u64>,
        want: fn(&Option<u8>) -> bool,
    ) -> Vec<(Range<u64>, Option<u8>)> {
        let mut out: Vec<(Range<u64>, Option<u8>)> = Vec::new();
        for at in within {
            let value = model[at as usize];
            match out.last_mut() {
                _ if !want(&value) => {}
                Some((range, v)) if range.end == at && *v == value => range.end = at + 1,
                _ => out.push((at..at + 1, value)),
            }
        }
        out
    }

    proptest! {
        #[test]
        fn behaves_as_an_array(
            ops in prop::collection::vec(op(), 0..40), a in 0..UNITS, b in 0..UNITS,
        ) {
            let mut map = AddressMap::new();
            let mut model = vec![None; UNITS as usize];
            for op in ops {
                match op {
                    Op::Insert(a, b, v) => {
                        map.insert(a..b, v);
                        model[a as usize..b as usize].fill(Some(v));
                    }
                    Op::Remove(a, b) => {
                        let expected = pieces(&model, a..b, Option::is_some);
                        let removed: Vec<_> =
                            map.remove(a..b).into_iter().map(|(r, v)| (r, Some(v))).collect();
                        prop_assert_eq!(removed, expected);
                        model[a as usize..b as usize].fill(None);
                    }
                }
            }
            let window = a.min(b)..a.max(b);
            let own = |(r, v): (Range<u64>, &u8)| (r, Some(*v));
            prop_assert_eq!(map.iter().map(own).collect::<Vec<_>>(),
                pieces(&model, 0..UNITS, Option::is_some));
            prop_assert_eq!(map.overlaps(window.clone()).map(own).collect::<Vec<_>>(),
                pieces(&model, window.clone(), Option::is_some));
            prop_assert_eq!(map.gaps(window.clone()),
                pieces(&model, window, Option::is_none)
                    .into_iter().map(|(r, _)| r).collect::<Vec<_>>());
            for at in 0..UNITS {
                prop_assert_eq!(map.get(at).copied(), model[at as usize]);
            }
            prop_assert_eq!(map.bytes(), model.iter().flatten().count() as u64);
        }
    }

    #[test]
    fn a_reversed_range_overlaps_nothing() {
        let mut map = AddressMap::new();
        map.insert(10..20, ());
        let reversed = Range { start: 18, end: 12 };
        assert_eq!(map.overlaps(reversed).count(), 0);
    }
}
