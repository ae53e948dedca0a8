//! Telling a signal sent to `rtx-run` alone from one sent to it and the program. Pure: events and
//! times in, decisions out.
//!
//! Both kinds look the same to `rtx-run`. But it also sees, as the program's tracer, what the
//! program gets: the same signal from the same sender at nearly the same time is the same kill(2)
//! on the group. The two sightings come in either order, so a decision waits a moment.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Two sightings of one signal are at most this far apart.
pub const WINDOW: Duration = Duration::from_millis(50);

/// How long a decision waits for the program's sighting.
pub const GRACE: Duration = Duration::from_millis(50);

/// At most this many sightings are kept of each side; the kernel merges equal pending signals, so
/// more than a few are never seen.
const KEPT: usize = 64;

/// A signal from a process, seen to arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Its number.
    pub signal: i32,
    /// The process that sent it (`si_pid`).
    pub sender: i32,
    /// When it was seen.
    pub at: Instant,
}

impl Seen {
    fn same(&self, other: &Seen) -> bool {
        let apart = match self.at >= other.at {
            true => self.at - other.at,
            false => other.at - self.at,
        };
        self.signal == other.signal && self.sender == other.sender && apart <= WINDOW
    }
}

/// Decides which signals are passed on.
#[derive(Debug, Default)]
pub struct Dedupe {
    /// Seen by `rtx-run`, not yet decided, oldest first.
    ours: VecDeque<Seen>,
    /// Seen to reach the program, not yet paired, oldest first.
    guests: VecDeque<Seen>,
    /// Decided and not yet asked for: whether to pass it on.
    decided: Vec<(Seen, bool)>,
}

impl Dedupe {
    /// `rtx-run` got a signal.
    pub fn ours(&mut self, seen: Seen) {
        if let Some(index) = self.guests.iter().position(|guest| guest.same(&seen)) {
            self.guests.remove(index);
            self.decided.push((seen, false));
            return;
        }
        if self.ours.len() == KEPT {
            let oldest = self.ours.pop_front();
            self.decided.extend(oldest.map(|seen| (seen, true)));
        }
        self.ours.push_back(seen);
    }

    /// The program got a signal.
    pub fn guests(&mut self, seen: Seen) {
        if let Some(index) = self.ours.iter().position(|ours| ours.same(&seen)) {
            let ours = self.ours.remove(index);
            self.decided.extend(ours.map(|seen| (seen, false)));
            return;
        }
        if self.guests.len() == KEPT {
            self.guests.pop_front();
        }
        self.guests.push_back(seen);
    }

    /// When the next decision falls, if one is pending.
    pub fn next_due(&self) -> Option<Instant> {
        self.ours.front().map(|seen| seen.at + GRACE)
    }

    /// The decisions that have fallen by `now`: each signal of `rtx-run`'s once, with whether it is
    /// to be passed on.
    pub fn decided(&mut self, now: Instant) -> Vec<(Seen, bool)> {
        while let Some(seen) = self.ours.front().copied() {
            if now < seen.at + GRACE {
                break;
            }
            self.ours.pop_front();
            self.decided.push((seen, true));
        }
        self.guests.retain(|seen| now <= seen.at + WINDOW);
        std::mem::take(&mut self.decided)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERM: i32 = 15;

    /// A signal from process `sender`, `ms` milliseconds after `start`.
    fn seen(start: Instant, sender: i32, ms: u64) -> Seen {
        Seen {
            signal: TERM,
            sender,
            at: start + Duration::from_millis(ms),
        }
    }

    fn at(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn a_signal_to_us_alone_is_passed_on_after_the_grace() {
        let (mut dedupe, t) = (Dedupe::default(), Instant::now());
        dedupe.ours(seen(t, 7, 0));
        assert_eq!(dedupe.next_due(), Some(t + GRACE));
        assert_eq!(dedupe.decided(at(t, 49)), []);
        assert_eq!(dedupe.decided(at(t, 50)), [(seen(t, 7, 0), true)]);
        assert_eq!(dedupe.decided(at(t, 99)), []);
        assert_eq!(dedupe.next_due(), None);
    }

    #[test]
    fn a_signal_to_both_is_not_passed_on_whoever_sees_it_first() {
        let t = Instant::now();
        for guest_first in [true, false] {
            let mut dedupe = Dedupe::default();
            if guest_first {
                dedupe.guests(seen(t, 7, 0));
                dedupe.ours(seen(t, 7, 9));
            } else {
                dedupe.ours(seen(t, 7, 9));
                dedupe.guests(seen(t, 7, 10));
            }
            assert_eq!(dedupe.decided(at(t, 10)), [(seen(t, 7, 9), false)]);
            assert_eq!(dedupe.decided(at(t, 99)), []);
        }
    }

    #[test]
    fn one_sighting_pairs_with_one() {
        let (mut dedupe, t) = (Dedupe::default(), Instant::now());
        dedupe.guests(seen(t, 7, 0));
        dedupe.ours(seen(t, 7, 1));
        dedupe.ours(seen(t, 7, 2));
        let expected = [(seen(t, 7, 1), false), (seen(t, 7, 2), true)];
        assert_eq!(dedupe.decided(at(t, 60)), expected);
    }

    #[test]
    fn other_senders_signals_and_times_do_not_pair() {
        let (mut dedupe, t) = (Dedupe::default(), Instant::now());
        dedupe.guests(seen(t, 8, 0));
        dedupe.guests(Seen {
            signal: 1,
            ..seen(t, 7, 0)
        });
        dedupe.guests(seen(t, 7, 0));
        dedupe.ours(seen(t, 7, 51));
        assert_eq!(dedupe.decided(at(t, 101)), [(seen(t, 7, 51), true)]);
    }

    #[test]
    fn nothing_is_lost_or_kept_under_a_storm() {
        let (mut dedupe, t) = (Dedupe::default(), Instant::now());
        for n in 0..1000 {
            dedupe.ours(seen(t, n, 0));
            dedupe.guests(seen(t, n + 5000, 0));
        }
        assert!(dedupe.ours.len() <= KEPT && dedupe.guests.len() <= KEPT);
        assert_eq!(dedupe.decided(at(t, 60)).len(), 1000);
        assert!(dedupe.guests.is_empty());
    }
}
