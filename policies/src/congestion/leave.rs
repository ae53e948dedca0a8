//! Who leaves home.

use std::cmp::Reverse;

use super::Congestion;
use crate::stay::Stay;
use crate::weigh::{Fetches, fair};
use crate::{BoardLoad, Decision, Snapshot, ThreadState, ThreadView};

/// How much threads may talk at worst while nobody knows, as a share of their time.
const WARY: f64 = 0.7;

impl Congestion {
    /// How many threads are too many at home, if home has been congested for two looks.
    pub(super) fn too_many(&mut self, snapshot: &Snapshot) -> u32 {
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
    pub(super) fn relieve(&mut self, snapshot: &Snapshot, count: u32) -> Vec<Decision> {
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
        let fetches = self.weigh.fetches(snapshot);
        let more = self.weigh.more();
        for thread in leaving {
            if decisions.len() >= count as usize {
                break;
            }
            let here = self.weigh.speed_at_home(thread.tid, snapshot);
            let here = (here * self.roomier(snapshot, decisions.len() as u32)).min(1.0);
            let Some((board, there)) = self.best(thread.tid, &mut boards, now) else {
                self.stays.insert(thread.tid, Stay::Full);
                continue;
            };
            // Beyond the first few, only those that gain also if they talk a lot.
            let sure = match budget {
                0 => (self.weigh.at_best_on(board) * (1.0 - WARY)).min(there),
                _ => there,
            };
            // What it may have to fetch beyond the usual need not pay before the horizon, nor at worst: one that has lived
            // for long will go on for long, and from a crowded home all leave in the end.
            let fetches = match self.weigh.has_fetched(thread.tid) {
                true => Fetches::default(),
                false => fetches,
            };
            // Those that are there may have fetched what it shares with them.
            let there_already = snapshot.board(board.id).map_or(0, |b| b.threads);
            let misses = fetches.part_s / f64::from(1 + there_already);
            let usual = self.weigh.cost_s(board);
            let misses = usual.max(misses * more);
            // Who gets less than an even share mostly does because of others of its program, which leave too.
            let soon = here.max(self.weigh.fair_at_home(snapshot));
            let horizon = self.weigh.horizon_s(thread, soon, now);
            let ahead = self.weigh.ahead_s(thread, soon, now);
            if !self.pays(here, sure, usual, horizon) || !self.pays(here, there, misses, ahead) {
                self.stays
                    .insert(thread.tid, Stay::poor(here, there, board));
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
            self.stays.remove(&thread.tid);
            board.add_thread();
            self.weigh.leaves(thread.tid, now, fetches);
            budget = budget.saturating_sub(1);
        }
        decisions
    }

    /// How much more of home's cores a thread gets than it was seen to, once so many leave: others have left already, and
    /// what is seen over a while still has them.
    fn roomier(&self, snapshot: &Snapshot, leave: u32) -> f64 {
        let stay = snapshot.home.runnable.saturating_sub(leave).max(1);
        let cores = snapshot.home.cores;
        (fair(f64::from(stay), cores) / fair(self.weigh.watch.runnable, cores)).max(1.0)
    }

    /// Whether it pays for a thread to move from one speed to another, for what it costs and within that time, both in
    /// seconds.
    fn pays(&self, from: f64, to: f64, cost_s: f64, horizon_s: f64) -> bool {
        (to * (1.0 - self.margin) - from) * horizon_s > cost_s * to
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
            // What else runs there may be gone in a moment.
            let ours = own_crowd(y).total_cmp(&own_crowd(x));
            a.total_cmp(b).then(roomy).then(ours).then(y.id.cmp(&x.id))
        });
        best.map(|(speed, board)| (board, speed))
    }
}

/// Threads of the job for each core of a board.
fn own_crowd(board: &BoardLoad) -> f64 {
    f64::from(board.threads) / f64::from(board.node.cores.max(1))
}
