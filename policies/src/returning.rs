//! What happens to threads at synchronisation calls, on top of any policy.
//!
//! A thread whose call home's kernel has completed goes on at once, stays at home for a while, or for
//! good. Which of these can be set, or follows from how much of its time a thread spends on such calls:
//! they cost a round trip each on a board, and next to nothing at home.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{Action, AtSync, Decision, Place, Policy, Snapshot, ThreadView};

/// Time between two looks, if only this wants to look.
const TICK: Duration = Duration::from_millis(100);
/// Time over which synchronisation calls are counted.
const WINDOW_MS: u64 = 500;
/// A round trip on a board that has not told its own, in microseconds.
const ROUND_TRIP_US: u64 = 200;
/// Share of a thread's time from which on it stays at home for a while.
const STICKY_FROM: f64 = 0.05;
/// Share of a thread's time from which on it stays for good.
const STAY_FROM: f64 = 0.40;
/// How long a while is, in milliseconds: many times what the two moves cost.
const STICKY_MS: u32 = 50;

/// A policy, and what it has said of each thread.
pub(crate) struct Returning {
    name: String,
    /// The same for all threads; `None`: what each one's calls suggest.
    fixed: Option<AtSync>,
    inner: Box<dyn Policy>,
    threads: BTreeMap<i32, Habit>,
}

/// How often a thread synchronises, and what was decided on that.
#[derive(Debug, Clone, Default)]
struct Habit {
    said: AtSync,
    since_ms: u64,
    syncs: u64,
    board: Option<u8>,
}

impl Returning {
    pub(crate) fn new(name: String, fixed: Option<AtSync>, inner: Box<dyn Policy>) -> Self {
        Self {
            name,
            fixed,
            inner,
            threads: BTreeMap::new(),
        }
    }

    fn is_needed(&self) -> bool {
        self.fixed != Some(AtSync::Immediate) && self.inner.can_offload()
    }

    /// What is new about a thread.
    fn look(&mut self, snapshot: &Snapshot, thread: &ThreadView) -> Option<Decision> {
        let habit = self.threads.entry(thread.tid).or_default();
        let board = match thread.place {
            Place::Home => None,
            Place::Board(id) => Some(id),
        };
        let (wanted, reason) = match self.fixed {
            Some(fixed) => (fixed, "it is set so".to_owned()),
            None => learned(habit, snapshot, thread, board)?,
        };
        if wanted == habit.said {
            return None;
        }
        habit.said = wanted;
        Some(Decision {
            tid: thread.tid,
            action: Action::AtSync(wanted),
            reason,
        })
    }
}

/// What a thread's calls on its board suggest, once they have been watched for long enough.
fn learned(
    habit: &mut Habit,
    snapshot: &Snapshot,
    thread: &ThreadView,
    board: Option<u8>,
) -> Option<(AtSync, String)> {
    let waited = snapshot.time_ms.saturating_sub(habit.since_ms);
    if habit.board != board || waited > 4 * WINDOW_MS {
        *habit = Habit {
            said: habit.said,
            since_ms: snapshot.time_ms,
            syncs: thread.syncs,
            board,
        };
        return None;
    }
    let board = snapshot.board(board?)?;
    if waited < WINDOW_MS {
        return None;
    }
    let calls = thread.syncs.saturating_sub(habit.syncs);
    (habit.since_ms, habit.syncs) = (snapshot.time_ms, thread.syncs);
    let per_second = calls as f64 * 1000.0 / waited as f64;
    let share = per_second * board.round_trip_us.unwrap_or(ROUND_TRIP_US) as f64 / 1e6;
    // Half as much undoes it.
    let limit = |from: f64, set: bool| if set { from / 2.0 } else { from };
    let wanted = if share >= limit(STAY_FROM, habit.said == AtSync::Stay) {
        AtSync::Stay
    } else if share >= limit(STICKY_FROM, habit.said != AtSync::Immediate) {
        AtSync::StickyMs(STICKY_MS)
    } else {
        AtSync::Immediate
    };
    let reason = format!(
        "{per_second:.0} synchronisation calls a second on {}, {:.0} % of its time",
        board.name,
        share * 100.0
    );
    Some((wanted, reason))
}

impl Policy for Returning {
    fn name(&self) -> &str {
        &self.name
    }

    fn decide(&mut self, snapshot: &Snapshot) -> Vec<Decision> {
        let mut decisions = Vec::new();
        if self.is_needed() {
            self.threads
                .retain(|tid, _| snapshot.threads.iter().any(|t| t.tid == *tid));
            for thread in &snapshot.threads {
                decisions.extend(self.look(snapshot, thread));
            }
        }
        decisions.extend(self.inner.decide(snapshot));
        decisions
    }

    fn wants_ticks(&self) -> Option<Duration> {
        let own = (self.fixed.is_none() && self.inner.can_offload()).then_some(TICK);
        [own, self.inner.wants_ticks()].into_iter().flatten().min()
    }

    fn wants_figures(&self) -> bool {
        self.inner.wants_figures()
    }

    fn can_offload(&self) -> bool {
        self.inner.can_offload()
    }

    fn moves_blocked(&self) -> bool {
        self.inner.moves_blocked()
    }

    fn closes(&mut self, snapshot: &Snapshot) -> Vec<u8> {
        self.inner.closes(snapshot)
    }

    fn why_here(&self, tid: i32) -> Option<String> {
        self.inner.why_here(tid)
    }

    fn complaint(&mut self) -> Option<String> {
        self.inner.complaint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{board, thread};
    use crate::{Static, by_name};

    fn at(time_ms: u64, syncs: u64) -> Snapshot {
        let mut snapshot = Snapshot {
            time_ms,
            boards: vec![board(1)],
            threads: vec![thread(1), thread(2)],
            ..Snapshot::default()
        };
        snapshot.boards[0].round_trip_us = Some(1000);
        snapshot.threads[1].place = Place::Board(1);
        snapshot.threads[1].syncs = syncs;
        snapshot
    }

    fn said(policy: &mut dyn Policy, snapshot: &Snapshot) -> Vec<(i32, AtSync)> {
        let said = |d: Decision| match d.action {
            Action::AtSync(said) => Some((d.tid, said)),
            _ => None,
        };
        policy
            .decide(snapshot)
            .into_iter()
            .filter_map(said)
            .collect()
    }

    #[test]
    fn what_is_set_is_said_once_of_each_thread() {
        let mut policy = by_name("static:sticky=20ms").expect("known");
        let sticky = AtSync::StickyMs(20);
        assert_eq!(said(&mut *policy, &at(0, 0)), [(1, sticky), (2, sticky)]);
        assert_eq!(said(&mut *policy, &at(1, 0)), []);
        let mut policy = by_name("static").expect("known");
        assert_eq!(said(&mut *policy, &at(0, 0)), []);
    }

    #[test]
    fn learns_from_the_rate_and_needs_half_of_it_to_forget() {
        let inner = Box::new(Static::default());
        let mut policy = Returning::new("x".to_owned(), None, inner);
        assert_eq!(said(&mut policy, &at(0, 0)), []);
        assert_eq!(said(&mut policy, &at(500, 20)), [], "4 %");
        assert_eq!(
            said(&mut policy, &at(1000, 50)),
            [(2, AtSync::StickyMs(50))],
            "6 %"
        );
        assert_eq!(said(&mut policy, &at(1500, 65)), [], "3 %");
        assert_eq!(
            said(&mut policy, &at(2000, 300)),
            [(2, AtSync::Stay)],
            "47 %"
        );
        assert_eq!(said(&mut policy, &at(2500, 301)), [(2, AtSync::Immediate)]);
    }
}
