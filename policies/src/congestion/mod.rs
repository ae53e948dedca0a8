//! `congestion`: a thread leaves when it starves at home and gets on better elsewhere, and returns when
//! home is better again.
//!
//! | a thread | if |
//! | --- | --- |
//! | leaves (`leave`) | home is congested, and it gains enough on the best board to pay for the move within the horizon, and for what it may have to fetch before it is expected to end |
//! | returns (`back`) | on its board (it talks too much, the board is crowded) it has lost too much against home |
//! | returns | home has had idle cores for a while |
//! | returns | its board is to be emptied |
//! | returns, with all | the program as a whole gets less done than it would at home; all stay there for a while (`hold`) |
//!
//! Congested is a home under pressure with more runnable threads than cores, or with threads of the program that wait
//! for a core, for two looks in a row. While no thread of a program was seen on a board, only a few leave at once, and
//! those that home leaves so little that they would gain in any case. A thread that has moved stays for a while.
//! Looks cost some of what the program gets on a crowded home: if none leads to anything they become rarer.
//!
//! A thread that has come to a board first fetches what it works on, and nobody knows how much that is; so it may lose
//! as much there as a useless move would have cost, or as sending all that the program has in memory would take, and no
//! more (as who rents skis until he could have bought them). Home calls, and pages that others take from it, do not become fewer: once it has been there for
//! as long as the move was to cost, less of what is lost by them is too much.
//!
//! How well a thread fares is computed in [`crate::weigh`], how well all do together in [`crate::progress`].

mod back;
mod hold;
mod leave;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::decision::evacuate;
use crate::progress::Progress;
use crate::spec::Values;
use crate::stay::Stay;
use crate::weigh::Weigh;
use crate::{Decision, Place, Policy, Snapshot, ThreadState, ThreadView};
use back::Loss;
use hold::Hold;

/// After so many looks at threads that all stay at home the time between two looks grows by one of it, up to so many.
const CALM: u32 = 20;
const MOST_TICKS: u32 = 4;
/// So many ticks after its birth a thread is young: there are two looks in a tick then.
const YOUNG: u64 = 2;
/// How much longer than set home must have idled at most, if threads had to leave again soon.
const MOST_PATIENCE: u64 = 16;

/// Offloads threads that starve at home if that pays.
#[derive(Debug, Clone)]
pub struct Congestion {
    weigh: Weigh,
    progress: Progress,
    tick: Duration,
    margin: f64,
    pressure: f64,
    idle_ms: u64,
    /// Threads beyond home's cores at the last look.
    excess: u32,
    /// Since when home has had idle cores, in milliseconds.
    idle_since: Option<u64>,
    /// What threads on boards have lost by not being at home, in seconds of a core, and when that was last weighed.
    losses: BTreeMap<i32, Loss>,
    weighed_ms: Option<u64>,
    /// When one was last recalled whose board is crowded, and how long it takes to see what came of it, in milliseconds.
    crowded_ms: Option<u64>,
    window_ms: u64,
    /// How many times longer than set home must idle.
    patience: u64,
    /// When threads were last recalled because home idled, in milliseconds.
    filled_ms: Option<u64>,
    hold: Hold,
    /// Looks since anybody was away or sent there.
    calm: u32,
    /// Whether there are threads at home that were created within the last [`YOUNG`] ticks.
    young: bool,
    /// Why those that are at home were left there at the last look.
    stays: BTreeMap<i32, Stay>,
}

impl Congestion {
    pub(crate) fn new(values: &Values) -> Self {
        Self {
            weigh: Weigh::new(values).with_fetches_apart(),
            progress: Progress::new(values.ms("trial")),
            tick: Duration::from_millis(values.ms("tick")),
            margin: values.share("margin"),
            pressure: values.share("pressure"),
            idle_ms: values.ms("idle"),
            excess: 0,
            idle_since: None,
            losses: BTreeMap::new(),
            weighed_ms: None,
            crowded_ms: None,
            window_ms: values.ms("window"),
            patience: 1,
            filled_ms: None,
            hold: Hold::new(values.ms("backoff")),
            calm: 0,
            young: false,
            stays: BTreeMap::new(),
        }
    }

    /// What keeps threads at home before anything is weighed; `count`: how many are too many there.
    fn note_stays(&mut self, snapshot: &Snapshot, count: u32) {
        let now = snapshot.time_ms;
        let home = &snapshot.home;
        let stay = |thread: &ThreadView| match self.weigh.stays_anyway(thread, now) {
            Some(Stay::First) => Stay::First,
            _ if self.hold.lasts(now) => Stay::Held {
                ms: self.hold.left_ms(now),
            },
            _ if count == 0 => Stay::Calm {
                runnable: home.runnable,
                cores: home.cores,
            },
            Some(Stay::Bound) => Stay::Bound,
            _ if thread.state == ThreadState::Blocked => Stay::Waits,
            anyway => anyway.unwrap_or(Stay::Later),
        };
        let at_home = snapshot.threads.iter().filter(|t| t.place == Place::Home);
        self.stays = at_home.map(|t| (t.tid, stay(t))).collect();
    }

    fn look(&mut self, snapshot: &Snapshot) -> Vec<Decision> {
        let mut decisions = evacuate(snapshot);
        let verdict = self.progress.update(snapshot, &self.weigh.watch);
        let count = self.too_many(snapshot);
        let back = verdict.map(|verdict| self.retreat(snapshot, verdict));
        self.note_stays(snapshot, count);
        if let Some(back) = back.filter(|back| !back.is_empty()) {
            decisions.extend(back);
            return decisions;
        }
        let mut nobody = true;
        if count > 0 && !self.hold.lasts(snapshot.time_ms) {
            self.idle_since = None;
            let leaving = self.relieve(snapshot, count);
            if !leaving.is_empty() {
                nobody = false;
                self.excess = self.excess.saturating_sub(leaving.len() as u32);
                self.learn_patience(snapshot.time_ms);
                decisions.extend(leaving);
            }
        }
        let rescued = self.rescue(snapshot);
        nobody &= rescued.is_empty();
        decisions.extend(rescued);
        if nobody {
            decisions.extend(self.fill(snapshot));
        }
        decisions
    }
}

impl Policy for Congestion {
    fn name(&self) -> &str {
        "congestion"
    }

    fn decide(&mut self, snapshot: &Snapshot) -> Vec<Decision> {
        let child = |t: &ThreadView| !t.is_main && t.place == Place::Home;
        let since = self.tick.as_millis() as u64 * YOUNG;
        let young = |t: &ThreadView| child(t) && snapshot.time_ms < t.born_ms + since;
        self.young = snapshot.threads.iter().any(young);
        if !self.weigh.update(snapshot) {
            return Vec::new();
        }
        if self.young {
            self.calm = 0;
        }
        let decisions = self.look(snapshot);
        let all_home = snapshot.threads.iter().all(|t| t.place == Place::Home);
        self.calm = match decisions.is_empty() && all_home {
            true => self.calm.saturating_add(1),
            false => 0,
        };
        decisions
    }

    fn why_here(&self, tid: i32) -> Option<String> {
        self.stays.get(&tid).map(Stay::to_string)
    }

    fn wants_ticks(&self) -> Option<Duration> {
        match self.young {
            // How they sleep shows soon, and what they do may not last for long.
            true => Some(self.tick / 2),
            false => Some(self.tick * (1 + self.calm / CALM).min(MOST_TICKS)),
        }
    }
}

#[cfg(test)]
mod tests;
