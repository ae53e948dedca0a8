//! Counters of a running job that other threads look at while it runs.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::event::Refusal;
use super::schema::Pages;
use crate::guest::ptrace::Tid;

const REFUSALS: usize = Refusal::ALL.len();

/// The counters; each may be a moment older than another.
#[derive(Debug, Default)]
pub struct Gauges {
    read: AtomicU64,
    write: AtomicU64,
    upgrade: AtomicU64,
    invalidated: AtomicU64,
    prefetched: AtomicU64,
    zero: AtomicU64,
    bytes: AtomicU64,
    again: AtomicU64,
    away: AtomicU64,
    /// How often each thread waited at home for a page.
    waits: Mutex<HashMap<Tid, u64>>,
    refusals: [AtomicU64; REFUSALS],
}

impl Gauges {
    /// The pager's figures, as they stand.
    pub fn set_pages(&self, pages: &Pages) {
        self.read.store(pages.read, Relaxed);
        self.write.store(pages.write, Relaxed);
        self.upgrade.store(pages.upgrade, Relaxed);
        self.invalidated.store(pages.invalidated, Relaxed);
        self.prefetched.store(pages.prefetched, Relaxed);
        self.zero.store(pages.zero, Relaxed);
        self.bytes.store(pages.bytes, Relaxed);
    }

    /// The pager's figures.
    pub fn pages(&self) -> Pages {
        Pages {
            read: self.read.load(Relaxed),
            write: self.write.load(Relaxed),
            upgrade: self.upgrade.load(Relaxed),
            invalidated: self.invalidated.load(Relaxed),
            prefetched: self.prefetched.load(Relaxed),
            zero: self.zero.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
        }
    }

    /// Page faults of boards so far for pages that they had had before, and that somebody else had taken.
    pub fn set_again(&self, times: u64) {
        self.again.store(times, Relaxed);
    }

    /// The same.
    pub fn again(&self) -> u64 {
        self.again.load(Relaxed)
    }

    /// Bytes of the program's memory that only boards have.
    pub fn set_away(&self, bytes: u64) {
        self.away.store(bytes, Relaxed);
    }

    /// The same.
    pub fn away(&self) -> u64 {
        self.away.load(Relaxed)
    }

    /// A thread at home waits for a page, for which it gives up its core.
    pub fn waits_for_page(&self, tid: Tid) {
        *self.waits().entry(tid).or_default() += 1;
    }

    /// How often it did so far.
    pub fn page_waits(&self, tid: Tid) -> u64 {
        self.waits().get(&tid).copied().unwrap_or(0)
    }

    /// A thread has ended, or another one has got its number.
    pub fn forget(&self, tid: Tid) {
        self.waits().remove(&tid);
    }

    fn waits(&self) -> MutexGuard<'_, HashMap<Tid, u64>> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more thread stays where it is.
    pub fn refused(&self, why: Refusal) {
        self.refusals[why as usize].fetch_add(1, Relaxed);
    }

    /// How often threads stayed, by reason; those that did not occur included.
    pub fn refusals(&self) -> impl Iterator<Item = (Refusal, u64)> {
        let count = |why: &Refusal| (*why, self.refusals[*why as usize].load(Relaxed));
        Refusal::ALL.iter().map(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_gets_the_number_of_another_has_waited_for_nothing() {
        let gauges = Gauges::default();
        gauges.waits_for_page(7);
        gauges.waits_for_page(7);
        gauges.waits_for_page(8);
        assert_eq!((gauges.page_waits(7), gauges.page_waits(9)), (2, 0));
        gauges.forget(7);
        assert_eq!((gauges.page_waits(7), gauges.page_waits(8)), (0, 1));
    }
}
