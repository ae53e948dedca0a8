//! The cost model: how fast a thread gets on where it is, and how fast it would elsewhere.
//!
//! Speeds are shares of one core of home's that a thread has to itself. At home a thread loses what it
//! waits for a core. On a board it loses that too, and what it **talks**: the time in which it waits for
//! pages and home calls. How much a thread talks is only known once it has been on a board; until then
//! the other threads of the program are asked for what of their talking lasts (home calls, pages that others take: what
//! a thread has to fetch at first is weighed for itself), and until one of these was there, it is assumed; but no
//! thread is taken to fare better there than its sleeping at home says ([`crate::sleeps`]).

use std::collections::BTreeMap;

use crate::sleeps::Sleeps;
use crate::spec::Values;
use crate::watch::{Rates, Watch};
use crate::{BoardLoad, Place, Snapshot, ThreadView};

/// A round trip to a board that has not told its own, in microseconds.
const ROUND_TRIP_US: u64 = 200;
/// What a page takes beyond the round trip, in microseconds.
const PAGE_US: u64 = 100;
/// What a home call takes beyond the round trip, in microseconds.
const CALL_US: u64 = 50;
/// Seconds in which what is known of how a thread talks fades, as long as it is at home.
const FADES_S: f64 = 60.0;
/// What a thread may lose lastingly before it returns, in moves.
const MOVES_LOST: f64 = 10.0;
/// No thread is taken to warm up for longer, in milliseconds.
const LONGEST_WARMING_MS: u64 = 3_000;
/// No thread is expected to fetch for longer than this, in seconds: who has that much memory works on some of it.
const LONGEST_FETCH_S: f64 = 5.0;
/// What threads had to be recalled for too early is doubled so many times at most.
const MOST_DOUBLINGS: u32 = 6;
/// Bytes of a page.
const PAGE: f64 = 4096.0;
/// Processor time that it takes home to send one of many pages to a board, in seconds: to look where it is, protect,
/// copy and send it (docs/performance.md).
const SEND_S: f64 = 8e-6;
/// Talking that is too much, as a share of a thread's time, if home is better.
pub(crate) const TALKATIVE: f64 = 0.2;
/// A thread that got on for less than this share of the time wants no core.
const WANTS: f64 = 0.05;
/// Processor time after which a thread that was just created has shown whether it sleeps, in seconds.
const SHOWN_S: f64 = 0.005;

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
    /// How much threads of this program talk; `None`: none was seen on a board.
    prior: Option<f64>,
    /// How much one that was not there is expected to, if what it has to fetch at first is weighed for itself.
    expected: Option<f64>,
    /// Whether that is so.
    fetches_apart: bool,
}

/// How a thread gets on on a board.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Away {
    pub speed: f64,
    /// How fast it would if it had been there for long, and only waited for home calls and for pages that others take.
    pub in_the_end: f64,
    /// How fast it would if it did not talk.
    pub at_best: f64,
    /// How much it talks, and how much of that lasts, as shares of its time.
    pub talk: f64,
    pub lasting: f64,
}

impl Away {
    /// Whether it talks too much, and hardly any of that lasts: it fetches what it works on.
    pub(crate) fn is_fetching(&self) -> bool {
        self.talk > TALKATIVE && self.lasting <= TALKATIVE
    }
}

/// What a thread may have to fetch when it comes to a board, in seconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Fetches {
    pub part_s: f64,
    /// Until it has that, if all others fetch theirs too.
    pub all_s: f64,
}

/// What is known of one thread.
#[derive(Debug, Clone, Default)]
struct Known {
    moved_ms: Option<u64>,
    /// What it might have to fetch when it left home last.
    fetches: Fetches,
    held_until_ms: u64,
    strikes: u32,
    rescues: u32,
    /// How many of these were because it still fetched what it works on.
    too_early: u32,
    /// How much it talked on a board, and when.
    talk: Option<(f64, u64)>,
    /// How much lasts of what it talks or talked on a board, also before it was warm there.
    lasting: Option<f64>,
    /// How it slept at home last.
    sleeps: Sleeps,
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
        self.threads
            .retain(|tid, _| snapshot.threads.iter().any(|t| t.tid == *tid));
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
                }
            }
        }
        self.learn(snapshot.time_ms);
        true
    }

    /// What those that were on boards say of others.
    fn learn(&mut self, now_ms: u64) {
        // How much each talked, and how much of it lasts.
        let known = self.threads.values();
        let known =
            known.filter_map(|k| Some((self.faded(k.talk?, now_ms), self.lasts(k, now_ms)?)));
        let (talk, lasting): (Vec<f64>, Vec<f64>) = known.unzip();
        if let Some(talk) = mean(&talk) {
            self.prior = Some(talk);
            self.expected = mean(&lasting);
        } else if self.fetches_apart {
            // What they still fetch says nothing of the others, what lasts does.
            let early: Vec<f64> = self.threads.values().filter_map(|k| k.lasting).collect();
            let expected = mean(&early).map(|early| early.max(self.assumed));
            self.expected = expected.or(self.expected);
        }
    }

    /// How many threads may leave now: few while nobody knows how they will fare.
    pub(crate) fn budget(&self, snapshot: &Snapshot) -> u64 {
        if self.prior.or(self.expected).is_some() {
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
        lasts.unwrap_or(self.expected.unwrap_or(self.assumed))
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

    /// Whether a thread has wanted a core for a while, and had one for long enough to tell whether it sleeps.
    pub(crate) fn is_busy(&self, tid: i32) -> bool {
        let shown = self.watch.watched(tid) >= 1.0 || self.watch.used_s(tid) >= SHOWN_S;
        let rates = self.watch.rates(tid);
        shown && rates.is_some_and(|r| r.cpu + r.delay > WANTS)
    }

    /// How fast a thread gets on at home, where it is.
    pub(crate) fn speed_at_home(&self, tid: i32, snapshot: &Snapshot) -> f64 {
        let fair = fair(self.watch.runnable, snapshot.home.cores);
        match self.watch.rates(tid) {
            Some(rates) if rates.delay > 0.0 => {
                // What was seen for a moment only depends on whose turn it was.
                let seen = rates.cpu / (rates.cpu + rates.delay);
                fair + self.watch.watched(tid) * (seen - fair)
            }
            // Not every kernel tells for how long threads wait.
            _ => fair,
        }
    }

    /// How fast a thread would get on at home, with `more` others returning too.
    pub(crate) fn speed_back_home(&self, more: u32, snapshot: &Snapshot) -> f64 {
        fair(
            self.watch.runnable + f64::from(more) + 1.0,
            snapshot.home.cores,
        )
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
            speed: at_best * (1.0 - talk),
            in_the_end: at_best * (1.0 - lasting),
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
        share_of(waits, rates.cpu)
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

    /// Time over which a move of a thread that gets on so fast has to pay, in seconds.
    pub(crate) fn horizon_s(&self, thread: &ThreadView, speed: f64, now_ms: u64) -> f64 {
        self.horizon_s.min(self.ahead_s(thread, speed, now_ms))
    }

    /// How long a thread that gets on so fast is expected to go on, in seconds: until it has done what threads of this
    /// program do, or as long again as it has lived if that is longer.
    pub(crate) fn ahead_s(&self, thread: &ThreadView, speed: f64, now_ms: u64) -> f64 {
        let work = self.watch.work.unwrap_or(self.young_s);
        let left = (work - thread.cpu_ns as f64 / 1e9).max(0.0);
        (left / speed.max(1e-3)).max(age_s(thread, now_ms))
    }

    /// What a thread may lose on a board before it returns, in seconds: no less than it was sent there for.
    pub(crate) fn regret_s(&self, tid: i32, board: &BoardLoad) -> f64 {
        let known = self.threads.get(&tid);
        let most = LONGEST_WARMING_MS as f64 / 1000.0;
        let expected = known.map_or(0.0, |known| known.fetches.all_s.min(most));
        expected.max(self.move_s + self.regret * page_s(board))
    }

    /// What a thread may lose on a board by what will not become less, in seconds.
    pub(crate) fn lasting_s(&self) -> f64 {
        self.move_s * MOVES_LOST
    }

    /// What a child thread may have to fetch on a board: its part of the program's memory, as other threads.
    pub(crate) fn fetches(&self, snapshot: &Snapshot) -> Fetches {
        let threads = snapshot.threads.iter().filter(|t| !t.is_main).count();
        let all = snapshot.memory as f64 / PAGE;
        let sends_s = |pages: f64| {
            // Home sends them as fast as it gets cores for that.
            let sends = pages * SEND_S / fair(self.watch.runnable, snapshot.home.cores);
            self.move_s + sends.min(LONGEST_FETCH_S)
        };
        Fetches {
            part_s: sends_s(all / threads.max(1) as f64),
            all_s: sends_s(all),
        }
    }

    /// How many times more it is taken to be, as threads had to be recalled that still fetched theirs.
    pub(crate) fn more(&self) -> f64 {
        let too_early = self.threads.values().map(|k| k.too_early).max();
        f64::from(1u32 << too_early.unwrap_or(0).min(MOST_DOUBLINGS))
    }

    /// Whether a thread was on a board until it had what it works on.
    pub(crate) fn has_fetched(&self, tid: i32) -> bool {
        let known = self.threads.get(&tid);
        known.is_some_and(|k| k.talk.is_some() && k.too_early == 0)
    }

    /// What a move between home and a board costs a thread, in seconds.
    pub(crate) fn cost_s(&self, board: &BoardLoad) -> f64 {
        self.move_s + self.warm * page_s(board)
    }
}

fn mean(of: &[f64]) -> Option<f64> {
    (!of.is_empty()).then(|| of.iter().sum::<f64>() / of.len() as f64)
}

/// How old a thread is, in seconds.
fn age_s(thread: &ThreadView, now_ms: u64) -> f64 {
    now_ms.saturating_sub(thread.born_ms) as f64 / 1000.0
}

/// The share of a core that each of so many threads gets.
pub(crate) fn fair(threads: f64, cores: u32) -> f64 {
    (f64::from(cores) / threads.max(1.0)).min(1.0)
}

/// Seconds for a page that a thread on a board needs.
pub(crate) fn page_s(board: &BoardLoad) -> f64 {
    let round_trip = board.round_trip_us.unwrap_or(ROUND_TRIP_US);
    board.fault_us.unwrap_or(round_trip + PAGE_US) as f64 / 1e6
}

/// The share of its time that a thread waits for pages and home calls; `None`: it did nothing.
fn talked(rates: &Rates, board: &BoardLoad) -> Option<f64> {
    let waits = rates.faults * page_s(board) + rates.calls * call_s(board);
    (rates.cpu > 0.0 || waits > 0.0).then(|| share_of(waits, rates.cpu))
}

/// Seconds for a home call of a thread on a board.
pub(crate) fn call_s(board: &BoardLoad) -> f64 {
    (board.round_trip_us.unwrap_or(ROUND_TRIP_US) + CALL_US) as f64 / 1e6
}

/// What waiting is of waiting and computing.
fn share_of(waits: f64, cpu: f64) -> f64 {
    let waits = waits.min(1.0);
    match cpu > 0.0 {
        true => waits / (cpu + waits),
        // The board has not told what the thread used.
        false => waits,
    }
}
