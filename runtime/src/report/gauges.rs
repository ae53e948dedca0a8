//! Counters of a running job that other threads look at while it runs. Those who count only store numbers.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::event::Refusal;
use super::schema::Pages;

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
