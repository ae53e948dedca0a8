//! The books of threads that have ended. A program may make threads for ever: beyond a number the
//! figures of single ones are given up, and only their sum is kept.

use super::thread::Counters;
use crate::guest::ptrace::Tid;

/// Ended threads whose figures are kept one by one.
const KEPT: usize = 65_536;

/// The number under which the report has the sum of all others: no thread's.
const OTHERS: Tid = 0;

/// What ended threads have done.
#[derive(Debug, Default)]
pub(super) struct Finished {
    kept: Vec<(Tid, Counters)>,
    others: Option<Counters>,
}

impl Finished {
    /// A thread has ended.
    pub fn push(&mut self, tid: Tid, counters: Counters) {
        if self.kept.len() < KEPT {
            self.kept.push((tid, counters));
        } else {
            self.others.get_or_insert_default().add(&counters);
        }
    }

    /// All figures there are.
    pub fn all(&self) -> Vec<(Tid, Counters)> {
        let others = self.others.map(|sum| (OTHERS, sum));
        others
            .into_iter()
            .chain(self.kept.iter().copied())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_figure_is_lost_beyond_what_is_kept() {
        let mut finished = Finished::default();
        let one = Counters {
            offloads: 1,
            home_ns: 5,
            ..Counters::default()
        };
        for tid in 1..=KEPT as Tid {
            finished.push(tid, one);
        }
        assert_eq!(finished.all().len(), KEPT);
        for _ in 0..3 {
            finished.push(7, one);
        }
        let all = finished.all();
        assert_eq!(all.len(), KEPT + 1);
        assert_eq!((all[0].0, all[0].1.home_ns), (OTHERS, 15));
        let offloads: u64 = all.iter().map(|(_, c)| c.offloads).sum();
        assert_eq!(offloads, KEPT as u64 + 3);
    }
}
