//! Who comes home.

use std::collections::BTreeSet;

use super::{Congestion, MOST_PATIENCE};
use crate::progress::Verdict;
use crate::weigh::{Away, TALKATIVE};
use crate::{BoardLoad, Decision, Snapshot, ThreadState, ThreadView};

/// What the whole program has lost counts so many times what a thread has: it stays home for so much longer.
const DEARLY: u64 = 12;
/// Recalls of a thread after which the next one needs no better reason still.
const MOST_RESCUES: u32 = 9;

/// What a thread has lost by not being at home, in seconds of a core.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Loss {
    in_all: f64,
    /// What it would have lost if it had had all pages before: home calls, and pages that others take, do not become
    /// fewer.
    lastingly: f64,
}

impl Loss {
    /// `warm`: it has been there for long enough to tell what lasts.
    fn add(&mut self, here: f64, there: &Away, past_s: f64, warm: bool) {
        // Also of one that hardly wants a core now: it may wait for others, which wait for it.
        let sum = |lost: f64, speed: f64| (lost + (here - speed) * past_s).max(0.0);
        self.in_all = sum(self.in_all, there.speed());
        if warm {
            self.lastingly = sum(self.lastingly, there.in_the_end());
        }
    }
}

impl Congestion {
    /// Recalls all, if that has turned out to be better for the program.
    pub(super) fn retreat(&mut self, snapshot: &Snapshot, verdict: Verdict) -> Vec<Decision> {
        if verdict.got >= verdict.at_home * (1.0 - self.margin) {
            self.hold.helps();
            return Vec::new();
        }
        let now = snapshot.time_ms;
        let settled = |tid: &i32| self.weigh.is_settled(*tid, now);
        let returning = away(snapshot).map(|(thread, _)| thread.tid);
        let returning: Vec<i32> = returning.filter(settled).collect();
        if returning.is_empty() {
            return Vec::new();
        }
        self.hold.fail(now, DEARLY);
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

    /// Recalls those that would fare better at home.
    pub(super) fn rescue(&mut self, snapshot: &Snapshot) -> Vec<Decision> {
        let now = snapshot.time_ms;
        let last = self.weighed_ms.replace(now).unwrap_or(now);
        let past_s = now.saturating_sub(last) as f64 / 1000.0;
        let before = std::mem::take(&mut self.losses);
        let mut held = false;
        let mut decisions = Vec::new();
        // Those that do not talk too much, and boards that have become roomier for them.
        let (mut quiet, mut roomier) = (Vec::new(), BTreeSet::new());
        for (thread, board) in away(snapshot) {
            let mut loss = before.get(&thread.tid).copied().unwrap_or_default();
            let Some(there) = self.weigh.speed_away(thread.tid, board) else {
                // It waits for others just now.
                self.losses.insert(thread.tid, loss);
                continue;
            };
            let here = self.weigh.speed_back_home(decisions.len() as u32, snapshot);
            let warm = self.weigh.is_warm(thread.tid, board, now);
            loss.add(here, &there, past_s, warm);
            self.losses.insert(thread.tid, loss);
            let crowded = there.is_crowded(here);
            if crowded {
                quiet.push((thread.tid, board.id));
            }
            // Who was recalled and left again may lose more each time.
            let times = 1 + self.weigh.rescues(thread.tid).min(MOST_RESCUES);
            let unit = there.at_best.max(here) * f64::from(times);
            let lasts = loss.lastingly > self.weigh.lasting_s() * unit;
            let too_much = lasts || loss.in_all > self.weigh.regret_s(thread.tid, board) * unit;
            if !too_much || !self.weigh.is_settled(thread.tid, now) {
                continue;
            }
            // Who comes home makes it more crowded there, for others' jobs too, which see the same.
            let soon = self.crowded_ms.is_some_and(|ms| now < ms + self.window_ms);
            if crowded && soon {
                continue;
            }
            if crowded {
                self.crowded_ms = Some(now);
                roomier.insert(board.id);
            }
            // Talking keeps others back too, what else is wrong with this board does not.
            held |= lasts && there.at_best >= here && self.weigh.all_talk() > TALKATIVE;
            self.losses.remove(&thread.tid);
            let reason = format!(
                "gets on as with {:.0} % of a core on {} (waits for pages and calls for {:.0} % of the time), {:.0} % \
                 expected at home",
                there.speed() * 100.0,
                board.name,
                there.talk * 100.0,
                here * 100.0
            );
            decisions.push(Decision::recall(thread.tid, reason));
            self.weigh.moves(thread.tid, now);
            let fetching = there.is_fetching() && there.at_best >= here;
            self.weigh.rescued(thread.tid, fetching);
            if there.talk > TALKATIVE && !crowded {
                self.weigh.fails(thread.tid, now);
            }
        }
        // What they have lost so far says nothing of how they will get on there now.
        for (tid, _) in quiet.iter().filter(|(_, board)| roomier.contains(board)) {
            self.losses.remove(tid);
        }
        if held {
            self.hold.fail(now, 1);
        }
        decisions
    }

    /// Recalls as many threads as home has idle cores for, if it has had them for long enough. Those
    /// first that fare worst; none that fares better than at home.
    pub(super) fn fill(&mut self, snapshot: &Snapshot) -> Vec<Decision> {
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
                let expected = self.weigh.speed_as_seen(t.tid, board, now);
                let speed = self.weigh.speed_away(t.tid, board).map(|away| away.speed());
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
    pub(super) fn learn_patience(&mut self, now: u64) {
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
