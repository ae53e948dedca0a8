//! The cost model: how fast a thread gets on where it is, and how fast it would elsewhere.
//!
//! Speeds are shares of one core of home's that a thread has to itself. At home a thread loses what it
//! waits for a core. On a board it loses that too, and what it **talks**: the time in which it waits for
//! pages and home calls. How much a thread talks is only known once it has been on a board for a while, what lasts of it
//! as soon as it does anything there; until then the other threads of the program are asked for what of their talking
//! lasts (home calls, pages that others take: what a thread has to fetch at first is weighed for itself), and until one of these was there, it is assumed; but no
//! thread is taken to fare better there than its sleeping at home says ([`crate::sleeps`]).
//!
//! A snapshot goes through [`crate::watch`] into what is `known` of the threads; speeds are computed here, from what they
//! wait for (`waits`), and what a move costs and may pay in `costs`.

mod costs;
mod known;
#[cfg(test)]
mod tests;
mod waits;

use std::collections::BTreeMap;

use crate::sleeps::Sleeps;
use crate::spec::Values;
use crate::watch::{Rates, Watch};
use crate::{BoardLoad, Place, Snapshot, ThreadState, ThreadView};
pub(crate) use costs::Fetches;
use costs::PAGE;
use known::Known;
pub use waits::PAGE_US;
pub(crate) use waits::{call_s, fair, page_s, usual_page_s};
use waits::{share_of, talked};

/// No thread is taken to warm up for longer, in milliseconds.
const LONGEST_WARMING_MS: u64 = 3_000;
/// What threads had to be recalled for too early is doubled so many times at most.
const MOST_DOUBLINGS: u32 = 6;
/// Talking that is too much, as a share of a thread's time, if home is better.
pub(crate) const TALKATIVE: f64 = 0.2;
/// A thread that got on for less than this share of the time wants no core.
const WANTS: f64 = 0.05;
/// A thread that gets so many times more or less of a core than others of its program is not like them: it has another
/// priority, or other cores.
const UNLIKE: f64 = 3.0;
/// Processor time after which a thread that was just created has shown whether it sleeps, in seconds.
const SHOWN_S: f64 = 0.0025;

/// Whether a thread has to wait for a core.
fn has_to_wait(rates: &Rates) -> bool {
    rates.delay > WANTS
}

/// What moves cost, and what is known of the threads.
#[derive(Debug, Clone)]
pub(crate) struct Weigh {
    pub watch: Watch,
    horizon_s: f64,
    move_s: f64,
    warm: f64,
    regret: f64,
    assumed: f64,
    young_s: f64,
    settle_ms: u64,
    backoff_ms: u64,
    probe: u64,
    threads: BTreeMap<i32, Known>,
    /// Bytes that the program has in memory; 0: not told.
    memory: f64,
    /// The share of a core that those at home get which wait for one; `None`: not told, or there are none.
    all_get: Option<f64>,
    /// How much threads of this program talk; `None`: none was seen on a board.
    prior: Option<f64>,
    /// How much one that was not there is expected to, if what it has to fetch at first is weighed for itself.
    /// And as of when, in milliseconds.
    expected: Option<(f64, u64)>,
    /// Whether that is so.
    fetches_apart: bool,
}

/// How a thread gets on on a board.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Away {
    /// How fast it would if it did not talk.
    pub at_best: f64,
    /// How much it talks, and how much of that lasts, as shares of its time.
    pub talk: f64,
    pub lasting: f64,
}

impl Away {
    pub(crate) fn speed(&self) -> f64 {
        self.at_best * (1.0 - self.talk)
    }

    /// How fast it would if it had been there for long, and only waited for home calls and for pages that others take.
    pub(crate) fn in_the_end(&self) -> f64 {
        self.at_best * (1.0 - self.lasting)
    }

    /// Whether it gets on worse than at home, at that speed, since others are there: not since it talks, but for what it
    /// fetches at first.
    pub(crate) fn is_crowded(&self, at_home: f64) -> bool {
        let talks = self.talk > TALKATIVE && self.at_best >= at_home;
        self.lasting <= TALKATIVE && !talks
    }

    /// Whether it talks too much, and hardly any of that lasts: it fetches what it works on.
    pub(crate) fn is_fetching(&self) -> bool {
        self.talk > TALKATIVE && self.lasting <= TALKATIVE
    }
}

impl Weigh {
    pub(crate) fn new(values: &Values) -> Self {
        Self {
            watch: Watch::new(values.ms("tick"), values.ms("window")),
            horizon_s: values.seconds("horizon"),
            move_s: values.seconds("move"),
            warm: values.count("warm") as f64,
            regret: values.count("regret") as f64,
            assumed: values.share("assumed"),
            young_s: values.seconds("young"),
            settle_ms: values.ms("settle"),
            backoff_ms: values.ms("backoff"),
            probe: values.count("probe"),
            threads: BTreeMap::new(),
            memory: 0.0,
            all_get: None,
            prior: None,
            expected: None,
            fetches_apart: false,
        }
    }

    /// What threads have to fetch at first is weighed for itself ([`Weigh::fetches`], [`Weigh::leaves`]), so that it is
    /// not what others are expected to talk.
    pub(crate) fn with_fetches_apart(mut self) -> Self {
        self.fetches_apart = true;
        self
    }

    /// Takes a snapshot in; false if it does not count.
    pub(crate) fn update(&mut self, snapshot: &Snapshot) -> bool {
        if !self.watch.update(snapshot) {
            return false;
        }
        self.memory = snapshot.memory as f64;
        let watch = &self.watch;
        self.threads.retain(|tid, _| watch.of(*tid).is_some());
        for thread in &snapshot.threads {
            if thread.place == Place::Home
                && let Some(sleeps) = self.watch.rates(thread.tid).as_ref().and_then(Sleeps::of)
            {
                self.threads.entry(thread.tid).or_default().sleeps = sleeps;
            }
            if let Place::Board(id) = thread.place
                && let Some(board) = snapshot.board(id)
                && let Some(rates) = self.watch.rates_so_far(thread.tid)
                && let Some(talk) = talked(&rates, board)
            {
                let lasting = self.lasting(thread.tid, &rates, board);
                let warm = self.watch.rates(thread.tid).is_some()
                    && self.is_warm(thread.tid, board, snapshot.time_ms);
                let known = self.threads.entry(thread.tid).or_default();
                known.lasting = Some(lasting);
                if warm {
                    known.talk = Some((talk, snapshot.time_ms));
                    if talk <= TALKATIVE {
                        // It has what it works on now.
                        known.too_early = 0;
                    }
                }
            }
        }
        self.learn(snapshot.time_ms);
        self.all_get = self.get_at_home(snapshot);
        true
    }

    fn get_at_home(&self, snapshot: &Snapshot) -> Option<f64> {
        let at_home = snapshot.threads.iter().filter(|t| t.place == Place::Home);
        let want = at_home.filter_map(|t| self.watch.rates(t.tid));
        // Those that need not wait have cores of their own.
        let (cpu, wanted) = want
            .filter(has_to_wait)
            .fold((0.0, 0.0), |(cpu, wanted), r| {
                (cpu + r.cpu, wanted + (r.cpu + r.delay))
            });
        (wanted > 0.0).then(|| cpu / wanted)
    }

    /// Whether a thread has wanted a core for a while, and had one for long enough to tell whether it sleeps.
    pub(crate) fn is_busy(&self, tid: i32) -> bool {
        let shown = self.watch.watched(tid) >= 1.0 || self.watch.used_s(tid) >= SHOWN_S;
        let rates = self.watch.rates(tid);
        shown && rates.is_some_and(|r| r.cpu + r.delay > WANTS)
    }

    /// How fast a thread gets on at home, where it is.
    pub(crate) fn speed_at_home(&self, tid: i32, snapshot: &Snapshot) -> f64 {
        let fair = self.fair_at_home(snapshot);
        match self.watch.rates(tid) {
            Some(rates) if self.watch.tells_waits(tid) && rates.cpu + rates.delay > 0.0 => {
                // What was seen for a moment only depends on whose turn it was.
                let own = rates.cpu / (rates.cpu + rates.delay);
                let alike = |all: &f64| {
                    own * UNLIKE > *all && (1.0 - own) * UNLIKE > 1.0 - *all && own < all * UNLIKE
                };
                let all = self.all_get.filter(|_| has_to_wait(&rates)).filter(alike);
                let seen = all.unwrap_or(own);
                fair + self.watch.watched(tid) * (seen - fair)
            }
            // Not every kernel tells for how long threads wait.
            _ => fair,
        }
    }

    /// An even share of home's cores, for each thread that wants one.
    pub(crate) fn fair_at_home(&self, snapshot: &Snapshot) -> f64 {
        fair(self.watch.runnable, snapshot.home.cores)
    }

    /// How fast a thread would get on at home, with `more` others returning too.
    pub(crate) fn speed_back_home(&self, more: u32, snapshot: &Snapshot) -> f64 {
        // Who has just come home waits for pages there first, and will want a core.
        let now = snapshot.time_ms;
        let comes = |t: &&ThreadView| {
            t.place == Place::Home
                && t.state != ThreadState::Running
                && self.watch.came_home_lately(t.tid, now)
        };
        let come = snapshot.threads.iter().filter(comes).count();
        let there = f64::from(snapshot.home.runnable) + come as f64;
        let there = self.watch.runnable.max(there);
        fair(there + f64::from(more) + 1.0, snapshot.home.cores)
    }

    /// How fast a thread gets on on the board where it is; `None`: not seen for long enough.
    pub(crate) fn speed_away(&self, tid: i32, board: &BoardLoad) -> Option<Away> {
        let rates = self.watch.rates(tid)?;
        let talk = talked(&rates, board)?;
        // Who hardly wanted a core, as while its first pages come, says nothing of how it gets one.
        let share = match rates.delay > 0.0 && rates.cpu + rates.delay > WANTS {
            true => rates.cpu / (rates.cpu + rates.delay),
            false => fair(f64::from(board.node.runnable), board.node.cores),
        };
        let at_best = share * board.node.speed();
        let lasting = self.lasting(tid, &rates, board);
        Some(Away {
            at_best,
            talk,
            lasting,
        })
    }

    /// What a thread on a board waits for home calls and for pages that others take, as a share of its time.
    fn lasting(&self, tid: i32, rates: &Rates, board: &BoardLoad) -> f64 {
        // Who has fetched more pages than the program has does so again and again.
        let all = self.memory > 0.0 && self.watch.faults_there(tid) as f64 * PAGE > self.memory;
        let again = if all { 1.0 } else { self.watch.again() };
        let waits = rates.calls * call_s(board) + rates.faults * again * page_s(board);
        share_of(waits, rates)
    }

    /// How fast a thread that never waits for anything would get on on a board.
    pub(crate) fn at_best_on(&self, board: &BoardLoad) -> f64 {
        fair(f64::from(board.node.runnable) + 1.0, board.node.cores) * board.node.speed()
    }

    /// How fast a thread would get on on a board, by how it has talked.
    pub(crate) fn speed_as_seen(&self, tid: i32, board: &BoardLoad, now_ms: u64) -> f64 {
        self.at_best_on(board) * (1.0 - self.talk(tid, now_ms))
    }

    /// How fast a thread at home would get on on a board.
    pub(crate) fn speed_on(&self, tid: i32, board: &BoardLoad, now_ms: u64) -> f64 {
        let known = self.threads.get(&tid);
        let awake = known.map_or(1.0, |known| known.sleeps.leave(board));
        let awake = self.at_best_on(board) * awake;
        awake.min(self.speed_as_seen(tid, board, now_ms))
    }
}
