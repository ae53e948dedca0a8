//! What a thread's sleeping at home says of how it would get on on a board.
//!
//! A thread that waits in system calls for others (locks, conditions, pipes) makes these calls on a board as home calls,
//! and finds there the pages that the others wrote. Its kernel thread still waits for a core of home's each time it is
//! woken, and so do those who serve the call and the pages. So what it would gain is what it loses at home while it
//! computes, and it loses more than before at waking up.

use crate::BoardLoad;
use crate::watch::Rates;
use crate::weigh::{call_s, usual_page_s};

/// A thread that used less of a core says nothing of how often it sleeps.
const LEAST: f64 = 0.01;
/// Pages that come with what a thread was woken for: the lock's, and what that guards.
const PAGES: f64 = 2.0;
/// Who is woken at home for that, and waits for a core there, which what pages have cost of late contains already: the thread's kernel thread, who serves its call, and who serves each page.
const WOKEN: f64 = 2.0 + PAGES;

/// How a thread sleeps at home.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Sleeps {
    /// How often, per second on a core.
    per_s: f64,
    /// How long it then waits for a core, in seconds: as long as when it was preempted, for all that is known.
    wait_s: f64,
}

impl Sleeps {
    /// Of a thread at home; `None`: it did too little.
    pub(crate) fn of(rates: &Rates) -> Option<Self> {
        let waits = (rates.sleeps + rates.preemptions).max(1.0);
        (rates.cpu > LEAST).then(|| Self {
            per_s: rates.sleeps / rates.cpu,
            wait_s: rates.delay / waits,
        })
    }

    /// The share of its speed that is left to a thread on a board.
    pub(crate) fn leave(&self, board: &BoardLoad) -> f64 {
        let each = WOKEN * self.wait_s + call_s(board) + PAGES * usual_page_s(board);
        1.0 / (1.0 + self.per_s * each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_never_sleeps_keeps_its_speed_and_who_often_does_gains_nothing() {
        let board = BoardLoad {
            round_trip_us: Some(50),
            fault_us: Some(100),
            ..BoardLoad::default()
        };
        let of = |cpu, delay, sleeps, preemptions| Rates {
            cpu,
            delay,
            sleeps,
            preemptions,
            ..Rates::default()
        };
        let left = |rates: &Rates| Sleeps::of(rates).expect("it ran").leave(&board);
        assert_eq!(left(&of(0.25, 0.75, 0.0, 80.0)), 1.0);
        // It waits for a core only when it wakes up: as long as at home, and for calls and pages.
        let woken = of(0.25, 0.5, 500.0, 0.0);
        assert!(left(&woken) < woken.cpu / (woken.cpu + woken.delay));
        // One in ten of its waits is for that.
        let seldom = of(0.25, 0.5, 10.0, 90.0);
        assert!((0.5..0.6).contains(&left(&seldom)), "{}", left(&seldom));
        assert_eq!(Sleeps::of(&of(0.001, 0.0, 900.0, 0.0)), None);
    }
}
