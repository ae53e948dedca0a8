//! The state of every page of one node: two bits a page in words of 64; a word at its default is freed.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::coherence::types::{Access, Page};

const WORD: u64 = 64;

/// What a node may do with a page.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PageState {
    /// Nothing: it has no copy.
    Invalid,
    /// Read it.
    Shared,
    /// Read and write it.
    Modified,
}

impl PageState {
    /// Whether `access` needs no request.
    pub fn allows(self, access: Access) -> bool {
        self >= PageState::from(access)
    }
}

impl From<Access> for PageState {
    /// The state that `access` needs.
    fn from(access: Access) -> Self {
        match access {
            Access::Read => PageState::Shared,
            Access::Write => PageState::Modified,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Word {
    readable: u64,
    writable: u64,
}

/// Page -> [`PageState`], with a default for pages never set.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct States {
    words: BTreeMap<u64, Word>,
    default: Word,
}

impl States {
    pub(super) fn new(default: PageState) -> Self {
        let all = |yes| if yes { u64::MAX } else { 0 };
        let default = Word {
            readable: all(default >= PageState::Shared),
            writable: all(default == PageState::Modified),
        };
        States {
            words: BTreeMap::new(),
            default,
        }
    }

    pub(super) fn get(&self, page: Page) -> PageState {
        let word = self.words.get(&(page / WORD)).unwrap_or(&self.default);
        let bit = 1 << (page % WORD);
        match (word.readable & bit != 0, word.writable & bit != 0) {
            (_, true) => PageState::Modified,
            (true, false) => PageState::Shared,
            (false, false) => PageState::Invalid,
        }
    }

    pub(super) fn set(&mut self, page: Page, state: PageState) {
        let bit = 1 << (page % WORD);
        let put = |word: &mut u64, yes| if yes { *word |= bit } else { *word &= !bit };
        let word = self.words.entry(page / WORD).or_insert(self.default);
        put(&mut word.readable, state >= PageState::Shared);
        put(&mut word.writable, state == PageState::Modified);
        if *word == self.default {
            self.words.remove(&(page / WORD));
        }
    }

    /// Puts the range back to the default.
    pub(super) fn reset(&mut self, range: Range<Page>) {
        let default = States {
            words: BTreeMap::new(),
            default: self.default,
        }
        .get(0);
        for key in self.keys(&range) {
            if range.start <= key * WORD && (key + 1) * WORD <= range.end {
                self.words.remove(&key);
                continue;
            }
            for page in range.start.max(key * WORD)..range.end.min((key + 1) * WORD) {
                self.set(page, default);
            }
        }
    }

    /// Moves the states of a range, the old place goes back to the default. The ranges must not overlap.
    pub(super) fn shift(&mut self, range: Range<Page>, to: Page) {
        self.reset(to..to.saturating_add(range.end - range.start));
        for key in self.keys(&range) {
            for page in range.start.max(key * WORD)..range.end.min((key + 1) * WORD) {
                self.set(page - range.start + to, self.get(page));
            }
        }
        self.reset(range);
    }

    fn keys(&self, range: &Range<Page>) -> Vec<u64> {
        if range.is_empty() {
            return Vec::new();
        }
        self.words
            .range(range.start / WORD..range.end.div_ceil(WORD))
            .map(|(key, _)| *key)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::PageState::*;
    use super::*;

    #[test]
    fn words_at_the_default_are_freed() {
        for default in [Invalid, Modified] {
            let mut states = States::new(default);
            states.set(100, Shared);
            assert_eq!((states.get(100), states.get(101)), (Shared, default));
            states.set(100, default);
            assert!(states.words.is_empty());
        }
    }

    #[test]
    fn a_range_is_reset_within_and_across_words() {
        let mut states = States::new(Invalid);
        (0..256).for_each(|page| states.set(page, Modified));
        states.reset(10..200);
        let left: Vec<_> = (0..256).filter(|p| states.get(*p) == Modified).collect();
        assert_eq!(left, (0..10).chain(200..256).collect::<Vec<_>>());
    }

    #[test]
    fn a_range_moves_with_its_states() {
        let mut states = States::new(Modified);
        states.set(70, Invalid);
        states.set(1001, Shared);
        states.shift(65..75, 1000);
        assert_eq!(
            (states.get(70), states.get(1005), states.get(1001)),
            (Modified, Invalid, Modified)
        );
    }
}
