//! What is known of the threads: how they talked on boards, when they moved, how often that was a mistake.

use super::{Fetches, LONGEST_WARMING_MS, MOST_DOUBLINGS, Weigh};
use crate::sleeps::Sleeps;
use crate::{BoardLoad, Snapshot};

/// Seconds in which what is known of how a thread talks fades, as long as it is at home.
const FADES_S: f64 = 60.0;

/// What is known of one thread.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    moved_ms: Option<u64>,
    /// What it might have to fetch when it left home last.
    pub fetches: Fetches,
    held_until_ms: u64,
    strikes: u32,
    rescues: u32,
    /// How many of these were because it still fetched what it works on.
    pub too_early: u32,
    /// How much it talked on a board, and when.
    pub talk: Option<(f64, u64)>,
    /// How much lasts of what it talks or talked on a board, also before it was warm there.
    pub lasting: Option<f64>,
    /// How it slept at home last.
    pub sleeps: Sleeps,
}

impl Weigh {
    /// What those that were on boards say of others.
    pub(super) fn learn(&mut self, now_ms: u64) {
        // How much each talked, and how much of it lasts.
        let known = self.threads.values();
        let known =
            known.filter_map(|k| Some((self.faded(k.talk?, now_ms), self.lasts(k, now_ms)?)));
        let (talk, lasting): (Vec<f64>, Vec<f64>) = known.unzip();
        if let Some(talk) = mean(&talk) {
            self.prior = Some(talk);
            self.expected = mean(&lasting).map(|lasting| (lasting, now_ms));
        } else if self.fetches_apart {
            // What they still fetch says nothing of the others, what lasts does, as long as they are there.
            let away = self.threads.iter();
            let away = away.filter(|(tid, _)| self.watch.is_away(**tid));
            let early: Vec<f64> = away.filter_map(|(_, k)| k.lasting).collect();
            self.expected = match mean(&early) {
                Some(early) => Some((early.max(self.assumed), now_ms)),
                None => self.expected.filter(|_| self.prior.is_some()),
            };
        }
    }

    /// How many threads may leave now: few while nobody knows how they will fare.
    pub(crate) fn budget(&self, snapshot: &Snapshot) -> u64 {
        if self.prior.is_some() || self.expected.is_some() {
            return u64::MAX;
        }
        let away = snapshot.boards.iter().map(|b| u64::from(b.threads)).sum();
        self.probe.saturating_sub(away)
    }

    /// How much threads of this program talk on boards, on average.
    pub(crate) fn all_talk(&self) -> f64 {
        self.prior.unwrap_or(self.assumed)
    }

    /// How much a thread can be expected to talk on a board, as a share of its time.
    pub(crate) fn talk(&self, tid: i32, now_ms: u64) -> f64 {
        let known = self.threads.get(&tid);
        let lasts = known.and_then(|k| self.lasts(k, now_ms));
        let others = self.expected.map(|others| self.faded(others, now_ms));
        lasts.or(others).unwrap_or(self.assumed)
    }

    /// How much of what a thread talked on a board is expected to last.
    fn lasts(&self, known: &Known, now_ms: u64) -> Option<f64> {
        let talk = self.faded(known.talk?, now_ms);
        let Some(lasting) = known.lasting.filter(|_| self.fetches_apart) else {
            return Some(talk);
        };
        let lasts = talk.min(lasting.max(self.assumed));
        // What kept one that came home too early may have been the rest of what it works on: to be tried again, later each
        // time.
        let tried_ms = self.backoff_ms << known.too_early.min(MOST_DOUBLINGS);
        let past = now_ms.saturating_sub(known.talk?.1) as f64 / tried_ms.max(1) as f64;
        let doubt = if known.too_early > 0 {
            (1.0 - past).max(0.0)
        } else {
            0.0
        };
        Some(lasts + doubt * (talk - lasts))
    }

    /// What was known, as long after that; what may be assumed in the end.
    fn faded(&self, (talk, when): (f64, u64), now_ms: u64) -> f64 {
        let faded = (now_ms.saturating_sub(when) as f64 / 1000.0 / FADES_S).min(1.0);
        talk + faded * (self.assumed.min(talk) - talk)
    }

    /// Whether a thread has been where it is for long enough to move again.
    pub(crate) fn is_settled(&self, tid: i32, now_ms: u64) -> bool {
        let known = self.threads.get(&tid);
        let moved = known.and_then(|k| k.moved_ms);
        let held = known.map_or(0, |k| k.held_until_ms);
        moved.is_none_or(|moved| now_ms >= moved + self.settle_ms) && now_ms >= held
    }

    /// Whether a thread has been on its board for as long as the move was expected to cost it: before that it fetches
    /// what it works on, which says nothing of how it will get on.
    pub(crate) fn is_warm(&self, tid: i32, board: &BoardLoad, now_ms: u64) -> bool {
        let known = self.threads.get(&tid);
        let expected = known.map_or(0.0, |known| known.fetches.part_s);
        let costs_ms = (expected.max(self.cost_s(board)) * 1000.0) as u64;
        let moved = known.and_then(|known| known.moved_ms);
        moved.is_none_or(|moved| now_ms >= moved + costs_ms.min(LONGEST_WARMING_MS))
    }

    /// A thread leaves home now, and may have to fetch so much.
    pub(crate) fn leaves(&mut self, tid: i32, now_ms: u64, fetches: Fetches) {
        self.moves(tid, now_ms);
        self.threads.entry(tid).or_default().fetches = fetches;
    }

    /// A thread is moved now.
    pub(crate) fn moves(&mut self, tid: i32, now_ms: u64) {
        self.threads.entry(tid).or_default().moved_ms = Some(now_ms);
    }

    /// A thread is recalled because it would fare better at home; `fetching`: it still waited for what it works on.
    pub(crate) fn rescued(&mut self, tid: i32, fetching: bool) {
        let known = self.threads.entry(tid).or_default();
        known.rescues += 1;
        known.too_early += u32::from(fetching);
    }

    /// How often that was so.
    pub(crate) fn rescues(&self, tid: i32) -> u32 {
        self.threads.get(&tid).map_or(0, |known| known.rescues)
    }

    /// A thread is recalled because it fared badly: it stays home for a while, longer each time.
    pub(crate) fn fails(&mut self, tid: i32, now_ms: u64) {
        let known = self.threads.entry(tid).or_default();
        known.held_until_ms = now_ms + (self.backoff_ms << known.strikes.min(6));
        known.strikes += 1;
    }

    /// Whether a thread was on a board until it had what it works on.
    pub(crate) fn has_fetched(&self, tid: i32) -> bool {
        let known = self.threads.get(&tid);
        known.is_some_and(|k| k.talk.is_some() && k.too_early == 0)
    }
}

fn mean(of: &[f64]) -> Option<f64> {
    (!of.is_empty()).then(|| of.iter().sum::<f64>() / of.len() as f64)
}
