//! Hold times: how long a node keeps a page it has just got, so that whoever faulted makes progress.
//!
//! A page is held for a multiple of the time a fetch takes. One instruction may need several pages, and two nodes may
//! want the same ones: so pages granted to one thread in quick succession form its **chain**, and each further grant
//! starts the hold of the whole chain anew. If a page was lost while its thread was still waiting for another one of
//! the chain, the next fault on it doubles the thread's holds (and adds some jitter, or two nodes could trade pages in
//! step for ever).

use std::collections::BTreeMap;

use super::states::PageState;
use crate::coherence::types::{Access, Page};

/// Threads remembered; beyond, those whose hold ends first are forgotten.
const MAX_THREADS: usize = 1024;
/// Pages of the longest chain, however unlucky a thread is.
const MAX_CHAIN: usize = 64;

/// How long pages are held and how far is read ahead. Times in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Tuning {
    /// A hold lasts this many fetch times,
    pub hold_fetches: u64,
    /// but at least this long,
    pub min_hold: u64,
    /// and at most this long; 0 switches holds off.
    pub max_hold: u64,
    /// Fetch time assumed before the first is measured.
    pub first_fetch: u64,
    /// A new measurement counts 1 in 2^this.
    pub ewma_shift: u32,
    /// Bound on the doubling for a thread that makes no progress.
    pub max_factor: u32,
    /// Pages of a chain of a thread that makes progress; times the factor for one that does not.
    pub chain: usize,
    /// The largest prefetch window, pages; 1 switches prefetch off.
    pub max_window: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Tuning {
            hold_fetches: 3,
            min_hold: 100_000,
            max_hold: 20_000_000,
            first_fetch: 1_000_000,
            ewma_shift: 3,
            max_factor: 64,
            chain: 8,
            max_window: 256,
        }
    }
}

/// A page of a chain.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Link {
    page: Page,
    access: Access,
    /// It was taken away before the last page of the chain came.
    lost: bool,
}

/// The pages one thread got in quick succession, oldest first.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Chain {
    links: Vec<Link>,
    until: u64,
    factor: u32,
}

/// The holds of one node.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Holds {
    tuning: Tuning,
    seed: u64,
    fetch: u64,
    until: BTreeMap<Page, u64>,
    /// When `until` has grown to this many pages, holds that ended are dropped.
    purge_at: usize,
    threads: BTreeMap<u32, Chain>,
}

impl Holds {
    pub(super) fn new(tuning: Tuning, seed: u64) -> Self {
        let (until, threads) = (BTreeMap::new(), BTreeMap::new());
        Holds {
            tuning,
            seed,
            fetch: tuning.first_fetch,
            until,
            purge_at: 64,
            threads,
        }
    }

    /// When the hold of `page` ends (0: it is not held).
    pub(super) fn until(&self, page: Page) -> u64 {
        self.until.get(&page).copied().unwrap_or(0)
    }

    /// The smoothed fetch time.
    pub(super) fn fetch_time(&self) -> u64 {
        self.fetch
    }

    /// A fetch that waited for nobody took `ns`.
    pub(super) fn measured(&mut self, ns: u64) {
        let (old, shift) = (u128::from(self.fetch), self.tuning.ewma_shift);
        self.fetch = (((old << shift) - old + u128::from(ns)) >> shift) as u64;
    }

    /// `thread` faults on `page`, which it cannot access.
    pub(super) fn fault(&mut self, now: u64, page: Page, thread: u32) {
        let max_factor = self.tuning.max_factor;
        let Some(chain) = self.threads.get_mut(&thread) else {
            return;
        };
        if let Some(link) = chain
            .links
            .iter_mut()
            .find(|link| link.page == page && link.lost)
        {
            link.lost = false;
            chain.factor = (chain.factor * 2).min(max_factor);
        } else if now > chain.until {
            chain.links.clear();
            chain.factor = (chain.factor / 2).max(1);
        }
    }

    /// `page` came for `threads`; `state` says what the node has of other pages.
    pub(super) fn granted(
        &mut self,
        now: u64,
        page: Page,
        access: Access,
        threads: &[u32],
        state: impl Fn(Page) -> PageState,
    ) {
        if self.tuning.max_hold == 0 {
            return;
        }
        for &thread in threads {
            self.make_room(thread);
            let chain = self.threads.entry(thread).or_insert(Chain {
                links: Vec::new(),
                until: 0,
                factor: 1,
            });
            chain.links.retain(|link| link.page != page);
            chain.links.push(Link {
                page,
                access,
                lost: false,
            });
            let longest = MAX_CHAIN.min(self.tuning.chain * chain.factor as usize);
            chain
                .links
                .drain(..chain.links.len().saturating_sub(longest));
            let hold = hold(
                &self.tuning,
                self.fetch,
                chain.factor,
                self.seed ^ now ^ u64::from(thread) << 32,
            );
            chain.until = chain.until.max(now.saturating_add(hold));
            for link in &mut chain.links {
                link.lost |= link.page != page && !state(link.page).allows(link.access);
                if !link.lost {
                    let until = self.until.entry(link.page).or_insert(0);
                    *until = chain.until.max(*until);
                }
            }
        }
        self.purge(now);
    }

    /// The node gave `page` up, or its right to write it.
    pub(super) fn release(&mut self, page: Page) {
        self.until.remove(&page);
    }

    /// The pages of the range are not what they were.
    pub(super) fn forget(&mut self, range: std::ops::Range<Page>) {
        if range.is_empty() {
            return;
        }
        let pages: Vec<Page> = self
            .until
            .range(range.clone())
            .map(|(page, _)| *page)
            .collect();
        for page in pages {
            self.until.remove(&page);
        }
        for chain in self.threads.values_mut() {
            chain.links.retain(|link| !range.contains(&link.page));
        }
    }

    /// A thread needs nothing for now: what is held for it alone is held no longer. If `gone`, nothing is remembered of
    /// it.
    pub(super) fn let_go(&mut self, thread: u32, gone: bool) {
        let Some(chain) = self.threads.get_mut(&thread) else {
            return;
        };
        chain.until = 0;
        let pages: Vec<Page> = chain.links.iter().map(|link| link.page).collect();
        if gone {
            self.threads.remove(&thread);
        }
        for page in pages {
            let chains = self.threads.values();
            let holding = chains.filter(|c| c.links.iter().any(|l| l.page == page && !l.lost));
            match holding.map(|c| c.until).max() {
                Some(until) if until > 0 => drop(self.until.insert(page, until)),
                _ => drop(self.until.remove(&page)),
            }
        }
    }

    fn make_room(&mut self, thread: u32) {
        if self.threads.len() >= MAX_THREADS && !self.threads.contains_key(&thread) {
            let oldest = self
                .threads
                .iter()
                .min_by_key(|(_, chain)| chain.until)
                .map(|(id, _)| *id);
            self.threads.remove(&oldest.expect("there are threads"));
        }
    }

    /// Drops the holds that ended, now and then: the map stays within twice the pages held.
    pub(super) fn purge(&mut self, now: u64) {
        if self.until.len() >= self.purge_at {
            self.until.retain(|_, until| *until > now);
            self.purge_at = (self.until.len() * 2).max(64);
        }
    }
}

fn hold(tuning: &Tuning, fetch: u64, factor: u32, salt: u64) -> u64 {
    let base = fetch
        .saturating_mul(tuning.hold_fetches)
        .clamp(tuning.min_hold, tuning.max_hold);
    let hold = base.saturating_mul(u64::from(factor));
    match factor {
        1 => hold,
        _ => hold.saturating_add(hold / 1024 * (mix(salt) % 1024)),
    }
}

/// splitmix64's finish: spreads a number over 64 bits.
fn mix(salt: u64) -> u64 {
    let z = salt.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const T: u32 = 7;

    fn holds() -> Holds {
        Holds::new(Tuning::default(), 1)
    }

    #[test]
    fn a_hold_is_three_fetches_within_bounds() {
        let mut h = holds();
        let of = |h: &Holds| hold(&h.tuning, h.fetch, 1, 0);
        assert_eq!(of(&h), 3 * MS);
        (0..200).for_each(|_| h.measured(1_000));
        assert_eq!(of(&h), 100_000);
        (0..200).for_each(|_| h.measured(50 * MS));
        assert_eq!(of(&h), 20 * MS);
    }

    #[test]
    fn a_later_page_of_the_chain_extends_the_earlier_ones() {
        let mut h = holds();
        h.granted(0, 1, Access::Write, &[T], |_| PageState::Modified);
        assert_eq!(h.until(1), 3 * MS);
        h.fault(MS / 2, 2, T);
        h.granted(2 * MS, 2, Access::Write, &[T], |_| PageState::Modified);
        assert_eq!((h.until(1), h.until(2)), (5 * MS, 5 * MS));
        h.fault(6 * MS, 3, T);
        h.granted(7 * MS, 3, Access::Read, &[T], |_| PageState::Modified);
        assert_eq!((h.until(1), h.until(3)), (5 * MS, 10 * MS), "a new chain");
    }

    #[test]
    fn losing_a_page_before_the_chain_is_complete_doubles_the_hold_and_progress_halves_it() {
        let mut h = holds();
        h.granted(0, 1, Access::Write, &[T], |_| PageState::Modified);
        h.fault(1, 2, T);
        h.release(1);
        h.granted(4 * MS, 2, Access::Write, &[T], |_| PageState::Invalid);
        h.fault(4 * MS + 1, 1, T);
        h.granted(5 * MS, 1, Access::Write, &[T], |_| PageState::Modified);
        assert!(
            (11 * MS..17 * MS).contains(&h.until(1)),
            "twice 3 ms and up to twice that for jitter"
        );
        assert_eq!(h.until(1), h.until(2));
        h.fault(100 * MS, 9, T);
        assert_eq!(h.threads[&T].factor, 1);
    }

    #[test]
    fn an_upgrade_or_a_loss_after_the_hold_is_no_lack_of_progress() {
        let mut h = holds();
        h.granted(0, 1, Access::Read, &[T], |_| PageState::Shared);
        h.fault(1, 1, T);
        h.granted(MS, 1, Access::Write, &[T], |_| PageState::Modified);
        h.release(1);
        h.fault(10 * MS, 1, T);
        assert_eq!(h.threads[&T].factor, 1);
    }

    #[test]
    fn a_thread_that_waits_holds_nothing_but_what_others_hold_too() {
        let mut h = holds();
        h.granted(0, 1, Access::Write, &[T], |_| PageState::Modified);
        h.granted(0, 2, Access::Write, &[T, 8], |_| PageState::Modified);
        h.let_go(T, false);
        assert_eq!((h.until(1), h.until(2)), (0, 3 * MS));
        h.let_go(8, true);
        assert_eq!((h.until(2), h.threads.len()), (0, 1));
    }

    #[test]
    fn memory_stays_bounded() {
        let mut h = holds();
        for i in 0..100_000u64 {
            h.granted(i * MS, i, Access::Read, &[i as u32], |_| PageState::Shared);
        }
        assert!(h.until.len() <= 64 && h.threads.len() <= MAX_THREADS);
    }
}
