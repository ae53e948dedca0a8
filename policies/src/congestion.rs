//! `congestion`: a thread leaves when it starves at home and gets on better elsewhere, and returns when
//! home is better again.
//!
//! | a thread | if |
//! | --- | --- |
//! | leaves | home is congested (pressure, and more runnable threads than cores or threads that wait for a core), and what the thread is expected to gain on the best board pays for the move within the horizon |
//! | returns | by staying on its board (it talks too much, the board is crowded) it has lost against home what it might take to fetch all it needs there |
//! | returns | home has had idle cores for a while |
//! | returns | its board is to be emptied |
//! | returns, with all others | the program as a whole gets less done than it would at home; then all stay there for a while, longer each time |
//!
//! What lasts counts: an excess must be seen in two looks in a row. A thread that has come to a board first fetches
//! what it works on, and nobody knows how much that is; so it may lose as much there as a useless move would have
//! cost, and no more (as who rents skis until he could have bought them); home calls, and pages that others take from
//! it, do not become fewer, and less of what is lost by them is too much. A thread that has moved stays for a while. While no thread of a program was seen on a board,
//! only a few leave at once, and those that home leaves so little that they would gain in any case. How well a thread fares is computed in [`crate::weigh`], how well all do together in
//! [`crate::progress`].

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::decision::evacuate;
use crate::progress::{Progress, Verdict};
use crate::spec::Values;
use crate::weigh::{Away, Weigh};
use crate::{BoardLoad, Decision, Policy, Snapshot, ThreadState, ThreadView};

/// How much longer than set home must have idled at most, if threads had to leave again soon.
const MOST_PATIENCE: u64 = 16;
/// Talking that is too much, as a share of a thread's time, if home is better.
const TALKATIVE: f64 = 0.2;
/// What the whole program has lost counts so many times what a thread has: it stays home for so much longer.
const DEARLY: u64 = 8;
/// Recalls of a thread after which the next one needs no better reason still.
const MOST_RESCUES: u32 = 9;
/// How much threads may talk at worst while nobody knows, as a share of their time.
const WARY: f64 = 0.7;

/// Offloads threads that starve at home if that pays.
#[derive(Debug, Clone)]
pub struct Congestion {
    weigh: Weigh,
    progress: Progress,
    tick: Duration,
    backoff_ms: u64,
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
    /// How many times longer than set home must idle.
    patience: u64,
    /// When threads were last recalled because home idled, in milliseconds.
    filled_ms: Option<u64>,
    /// Until when nobody leaves, because it did not help the program, and how often that was so, of late.
    held_until_ms: u64,
    failures: u32,
}

/// What a thread has lost by not being at home, in seconds of a core.
#[derive(Debug, Clone, Copy, Default)]
struct Loss {
    in_all: f64,
    /// What it would have lost if it had had all pages before: home calls, and pages that others take, do not become
    /// fewer.
    lastingly: f64,
}

impl Loss {
    fn add(&mut self, here: f64, there: &Away, past_s: f64) {
        let sum = |lost: f64, speed: f64| (lost + (here - speed) * past_s).max(0.0);
        self.in_all = sum(self.in_all, there.speed);
        self.lastingly = sum(self.lastingly, there.in_the_end);
    }
}

impl Congestion {
    pub(crate) fn new(values: &Values) -> Self {
        Self {
            weigh: Weigh::new(values),
            progress: Progress::new(values.ms("trial")),
            backoff_ms: values.ms("backoff"),
            tick: Duration::from_millis(values.ms("tick")),
            margin: values.share("margin"),
            pressure: values.share("pressure"),
            idle_ms: values.ms("idle"),
            excess: 0,
            idle_since: None,
            losses: BTreeMap::new(),
            weighed_ms: None,
            patience: 1,
            filled_ms: None,
            held_until_ms: 0,
            failures: 0,
        }
    }

    /// Whether it pays for a thread to move to or from a board, from one speed to another, which must be better by
    /// this margin.
    fn pays(
        &self,
        (from, to): (f64, f64),
        margin: f64,
        thread: &ThreadView,
        board: &BoardLoad,
        now: u64,
    ) -> bool {
        let horizon = self.weigh.horizon_s(thread, now);
        (to * (1.0 - margin) - from) * horizon > self.weigh.cost_s(board) * to
    }

    /// How many threads are too many at home, if home has been congested for two looks.
    fn too_many(&mut self, snapshot: &Snapshot) -> u32 {
        let beyond = snapshot.home.runnable.saturating_sub(snapshot.home.cores);
        let waiting: f64 = snapshot
            .threads
            .iter()
            .filter(|t| t.may_leave())
            .filter_map(|t| self.weigh.watch.rates(t.tid))
            .map(|rates| rates.delay)
            .sum();
        let excess = beyond.max(waiting.round() as u32);
        let lasting = excess.min(self.excess);
        self.excess = excess;
        match self.weigh.watch.pressure {
            Some(pressure) if pressure < self.pressure => 0,
            _ => lasting,
        }
    }

    /// Offloads up to `count` threads.
    fn relieve(&mut self, snapshot: &Snapshot, count: u32) -> Vec<Decision> {
        let now = snapshot.time_ms;
        let mut leaving: Vec<&ThreadView> = snapshot
            .threads
            .iter()
            .filter(|t| t.may_leave() && t.state == ThreadState::Running)
            .filter(|t| self.weigh.is_busy(t.tid) && self.weigh.is_settled(t.tid, now))
            .collect();
        // Those that talk least first, then those that have run longest.
        let talk = |t: &ThreadView| (self.weigh.talk(t.tid, now) * 1000.0) as u64;
        leaving.sort_by_key(|t| (talk(t), Reverse(t.cpu_ns), t.tid));

        let mut boards = snapshot.boards.clone();
        let mut decisions = Vec::new();
        let mut budget = self.weigh.budget(snapshot);
        for thread in leaving {
            if decisions.len() >= count as usize {
                break;
            }
            let here = self.weigh.speed_at_home(thread.tid, snapshot);
            let Some((board, there)) = self.best(thread.tid, &mut boards, now) else {
                break;
            };
            // Beyond the first few, only those that gain also if they talk a lot.
            let sure = match budget {
                0 => there / (1.0 - self.weigh.talk(thread.tid, now)) * (1.0 - WARY),
                _ => there,
            };
            if !self.pays((here, sure), self.margin, thread, board, now) {
                continue;
            }
            let reason = format!(
                "gets {:.0} % of a core at home ({:.1} runnable on {}), {:.0} % expected on {} ({} runnable on {})",
                here * 100.0,
                self.weigh.watch.runnable,
                snapshot.home.cores,
                there * 100.0,
                board.name,
                board.node.runnable,
                board.node.cores
            );
            decisions.push(Decision::offload(thread.tid, board.id, reason));
            board.add_thread();
            self.weigh.moves(thread.tid, now);
            budget = budget.saturating_sub(1);
        }
        decisions
    }

    /// The board on which a thread would get on best, and how well.
    fn best<'a>(
        &self,
        tid: i32,
        boards: &'a mut [BoardLoad],
        now: u64,
    ) -> Option<(&'a mut BoardLoad, f64)> {
        let speeds = boards
            .iter_mut()
            .filter(|b| b.free_slots() > 0)
            .map(|b| (self.weigh.speed_on(tid, b, now), b));
        let best = speeds.max_by(|(a, x), (b, y)| {
            let roomy = y.node.crowd().total_cmp(&x.node.crowd());
            a.total_cmp(b).then(roomy).then(y.id.cmp(&x.id))
        });
        best.map(|(speed, board)| (board, speed))
    }

    /// Recalls all, if that has turned out to be better for the program.
    fn retreat(&mut self, snapshot: &Snapshot, verdict: Verdict) -> Vec<Decision> {
        if verdict.got >= verdict.at_home * (1.0 - self.margin) {
            self.failures = self.failures.saturating_sub(1);
            return Vec::new();
        }
        let now = snapshot.time_ms;
        let settled = |tid: &i32| self.weigh.is_settled(*tid, now);
        let returning = away(snapshot).map(|(thread, _)| thread.tid);
        let returning: Vec<i32> = returning.filter(settled).collect();
        if returning.is_empty() {
            return Vec::new();
        }
        self.hold(now, DEARLY);
        let decisions = returning.into_iter().map(|tid| {
            self.weigh.moves(tid, now);
            let reason = format!(
                "the program gets {:.0} % of a core so, {:.0} % expected with all threads at home",
                verdict.got / verdict.seconds * 100.0,
                verdict.at_home / verdict.seconds * 100.0
            );
            Decision::recall(tid, reason)
        });
        decisions.collect()
    }

    /// Nobody leaves for a while, each time for longer; `dearly`: how many times longer than a thread of its own.
    fn hold(&mut self, now: u64, dearly: u64) {
        self.held_until_ms = now + ((self.backoff_ms * dearly) << self.failures.min(6));
        self.failures += 1;
    }

    /// Recalls those that would fare better at home.
    fn rescue(&mut self, snapshot: &Snapshot) -> Vec<Decision> {
        let now = snapshot.time_ms;
        let last = self.weighed_ms.replace(now).unwrap_or(now);
        let past_s = now.saturating_sub(last) as f64 / 1000.0;
        let before = std::mem::take(&mut self.losses);
        let mut held = false;
        let mut decisions = Vec::new();
        for (thread, board) in away(snapshot) {
            let Some(there) = self.weigh.speed_away(thread.tid, board) else {
                continue;
            };
            let here = self.weigh.speed_back_home(decisions.len() as u32, snapshot);
            // Who was recalled and left again needs a better reason each time.
            let margin =
                self.margin * f64::from(1 + self.weigh.rescues(thread.tid).min(MOST_RESCUES));
            let mut loss = before.get(&thread.tid).copied().unwrap_or_default();
            loss.add(here * (1.0 - margin), &there, past_s);
            self.losses.insert(thread.tid, loss);
            let best = there.at_best.max(here);
            let lasts = loss.lastingly > self.weigh.cost_s(board) * best;
            let too_much = lasts || loss.in_all > self.weigh.regret_s(board) * best;
            if !too_much || !self.weigh.is_settled(thread.tid, now) {
                continue;
            }
            held |= lasts;
            self.losses.remove(&thread.tid);
            let talk = self.weigh.talk(thread.tid, now);
            let reason = format!(
                "gets on as with {:.0} % of a core on {} (waits for pages and calls for {:.0} % of the time), {:.0} % \
                 expected at home",
                there.speed * 100.0,
                board.name,
                talk * 100.0,
                here * 100.0
            );
            decisions.push(Decision::recall(thread.tid, reason));
            self.weigh.moves(thread.tid, now);
            self.weigh.rescued(thread.tid);
            if talk > TALKATIVE {
                self.weigh.fails(thread.tid, now);
            }
        }
        if held {
            // The next one would hardly do better.
            self.hold(now, 1);
        }
        decisions
    }

    /// Recalls as many threads as home has idle cores for, if it has had them for long enough. Those
    /// first that fare worst; none that fares better than at home.
    fn fill(&mut self, snapshot: &Snapshot) -> Vec<Decision> {
        let now = snapshot.time_ms;
        let idle = snapshot.home.cores.saturating_sub(snapshot.home.runnable);
        if idle == 0 {
            self.idle_since = None;
            return Vec::new();
        }
        let since = *self.idle_since.get_or_insert(now);
        let needed = self.idle_ms * self.patience;
        if now - since < needed {
            return Vec::new();
        }
        self.idle_since = None;
        let mut returning: Vec<(f64, &ThreadView)> = away(snapshot)
            .filter(|(t, _)| t.state == ThreadState::Running && self.weigh.is_settled(t.tid, now))
            .map(|(t, board)| {
                let expected = self.weigh.speed_on(t.tid, board, now);
                let speed = self.weigh.speed_away(t.tid, board).map(|away| away.speed);
                (speed.unwrap_or(expected), t)
            })
            .filter(|(speed, _)| *speed <= 1.0)
            .collect();
        returning.sort_by(|(a, x), (b, y)| a.total_cmp(b).then(x.tid.cmp(&y.tid)));
        let mut decisions = Vec::new();
        for (_, thread) in returning.into_iter().take(idle as usize) {
            let reason = format!("home has had {idle} idle cores for {needed} ms");
            decisions.push(Decision::recall(thread.tid, reason));
            self.weigh.moves(thread.tid, now);
            self.filled_ms = Some(now);
        }
        decisions
    }

    /// Threads leave: if it was but a moment ago that home seemed idle, the next time it must idle for
    /// longer.
    fn learn_patience(&mut self, now: u64) {
        let soon = 10 * self.idle_ms * self.patience;
        match self.filled_ms.take() {
            Some(filled) if now - filled < soon => {
                self.patience = (self.patience * 2).min(MOST_PATIENCE);
            }
            Some(_) => self.patience = (self.patience / 2).max(1),
            None => {}
        }
    }
}

/// Threads that could be recalled, with their boards.
fn away(snapshot: &Snapshot) -> impl Iterator<Item = (&ThreadView, &BoardLoad)> {
    let threads = snapshot.threads.iter();
    threads
        .filter_map(|t| Some((t, snapshot.board(t.may_return()?)?)))
        .filter(|(_, board)| !board.draining)
}

impl Policy for Congestion {
    fn name(&self) -> &str {
        "congestion"
    }

    fn decide(&mut self, snapshot: &Snapshot) -> Vec<Decision> {
        if !self.weigh.update(snapshot) {
            return Vec::new();
        }
        let mut decisions = evacuate(snapshot);
        let verdict = self.progress.update(snapshot, &self.weigh.watch);
        let count = self.too_many(snapshot);
        let back = verdict.map(|verdict| self.retreat(snapshot, verdict));
        if let Some(back) = back.filter(|back| !back.is_empty()) {
            decisions.extend(back);
            return decisions;
        }
        if count > 0 && snapshot.time_ms >= self.held_until_ms {
            self.idle_since = None;
            let leaving = self.relieve(snapshot, count);
            if !leaving.is_empty() {
                // What comes of it is to be seen first.
                self.excess = 0;
                self.learn_patience(snapshot.time_ms);
                decisions.extend(leaving);
                return decisions;
            }
        }
        let rescued = self.rescue(snapshot);
        let nobody = rescued.is_empty();
        decisions.extend(rescued);
        if nobody {
            decisions.extend(self.fill(snapshot));
        }
        decisions
    }

    fn wants_ticks(&self) -> Option<Duration> {
        Some(self.tick)
    }
}

#[cfg(test)]
#[path = "congestion_tests.rs"]
mod tests;
