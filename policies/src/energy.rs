//! `energy`: a thread runs where its work takes the fewest joules, if that is not too slow there.
//!
//! Work is counted in seconds of a core of home's own. For a second of work a machine takes what a busy
//! core of its adds, divided by how fast the core is. A thread that waits for pages and home calls on a
//! board has home work for it in that time: for half of it, but no longer than home needs, as on slow
//! links it is the link that takes the time. With `idle = own` the idle watts of home, and of boards
//! in use, are shared by the program's threads there for as long as the work takes; with `shared` they
//! would burn anyway. Power counters show what was used in the end (the report tells); which thread
//! used it, none does, so that it is the model that decides.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::decision::evacuate;
use crate::spec::{SpecError, Values};
use crate::stay::Stay;
use crate::weigh::{Away, TALKATIVE, Weigh, page_s};
use crate::{BoardLoad, Decision, Place, Policy, Power, Snapshot, ThreadState, ThreadView};

/// A thread that is slower than the bound allows moves for that only where it gets on better by so much of what the bound asks
/// for: speeds are not known well, and what it does there to others is not weighed.
const CLEARLY: f64 = 0.2;
/// Who becomes slower must save as many times over, and at most so many times.
const MOST_SLOWER: f64 = 3.0;
/// What home works for a page with those that go along, or for a home call, in seconds at most.
const SERVING_S: f64 = 100e-6;

/// The part of its life that a thread may wait for what it works on, if its patience is shorter.
const PART_OF_LIFE: f64 = 0.5;

/// Places threads where their work takes the least energy.
#[derive(Debug, Clone)]
pub struct Energy {
    weigh: Weigh,
    tick: Duration,
    slowdown: f64,
    saving: f64,
    patience_s: f64,
    fetched: BTreeMap<i32, Fetched>,
    /// Boards to which threads fetch what they work on.
    fetched_to: BTreeSet<u8>,
    last_ms: Option<u64>,
    own: bool,
    watts: BTreeMap<String, Power>,
    complaint: Option<String>,
    /// What each thread would rather do, as of the last look: it moves when it still would.
    wishes: BTreeMap<i32, Place>,
    /// Why those that are at home were left there at the last look.
    stays: BTreeMap<i32, Stay>,
}

/// How long a thread has waited on boards for pages that it fetched for the first time, in seconds.
#[derive(Debug, Clone, Copy)]
struct Fetched {
    in_all: f64,
    /// Where it is now.
    there: f64,
    place: Place,
    /// When it was last seen to do so.
    last_ms: u64,
}

/// A place, as one thread sees it.
#[derive(Debug, Clone, Copy)]
struct Offer {
    place: Place,
    /// How fast the thread gets on there; home's own core is 1.
    speed: f64,
    /// Joules for a second of work.
    joules: f64,
}

impl Offer {
    /// The energy-delay product of a second of work.
    fn delayed(&self) -> f64 {
        self.joules / self.speed
    }
}

impl Energy {
    pub(crate) fn new(values: &Values) -> Result<Self, SpecError> {
        let mut watts = BTreeMap::new();
        for (node, text) in values.pairs("watts") {
            let power = parse_watts(&text).ok_or_else(|| {
                let expected = "idle and busy watts of machines, such as home@60-180/*@3-9";
                SpecError::value("energy", "watts", &text, expected.to_owned())
            })?;
            watts.insert(node, power);
        }
        Ok(Self {
            weigh: Weigh::new(values),
            tick: Duration::from_millis(values.ms("tick")),
            slowdown: values.number("slowdown"),
            saving: values.share("saving"),
            patience_s: values.seconds("patience"),
            fetched: BTreeMap::new(),
            fetched_to: BTreeSet::new(),
            last_ms: None,
            own: values.text("idle") == "own",
            watts,
            complaint: None,
            wishes: BTreeMap::new(),
            stays: BTreeMap::new(),
        })
    }

    /// The power model of a machine: what the user has written, else what it tells.
    fn power(&self, name: &str, told: Option<Power>) -> Option<Power> {
        let written = self.watts.get(name).or_else(|| self.watts.get("*"));
        written.copied().or(told).filter(|p| p.busy_w > 0.0)
    }

    /// What staying or going home means for a thread.
    fn home(&self, thread: &ThreadView, snapshot: &Snapshot, returning: u32) -> Option<Offer> {
        let speed = match thread.place {
            Place::Home => self.weigh.speed_at_home(thread.tid, snapshot),
            Place::Board(_) => self.weigh.speed_back_home(returning, snapshot),
        };
        let power = self.power("home", snapshot.home.power)?;
        let joules = power.core_w(snapshot.home.cores) + self.idle(snapshot, &power) / speed;
        Some(Offer {
            place: Place::Home,
            speed,
            joules,
        })
    }

    /// Home's idle watts for each thread of the program.
    fn idle(&self, snapshot: &Snapshot, home: &Power) -> f64 {
        let threads = snapshot.threads.len().max(1) as f64;
        if self.own { home.idle_w / threads } else { 0.0 }
    }

    /// What a board means for a thread. `None`: nobody knows what it takes.
    fn on(&self, thread: &ThreadView, board: &BoardLoad, snapshot: &Snapshot) -> Option<Offer> {
        let now = snapshot.time_ms;
        let there = thread.place == Place::Board(board.id);
        let home = self.power("home", snapshot.home.power)?;
        let power = self.power(&board.name, board.node.power)?;
        let talk = self.weigh.talk(thread.tid, now);
        let (speed, talk) = match thread.place {
            Place::Home => (self.weigh.speed_on(thread.tid, board, now), talk),
            Place::Board(id) => {
                let here = snapshot.board(id)?;
                let seen = self.seen(thread, here, now)?;
                match there {
                    true => (seen.speed(), seen.talk),
                    // What keeps it back here beyond what is known would do so there.
                    false => {
                        let mut without = here.clone();
                        without.node.runnable = without.node.runnable.saturating_sub(1);
                        let expected = self.weigh.speed_as_seen(thread.tid, &without, now);
                        let part = (seen.speed() / expected.max(1e-3)).min(1.0);
                        (
                            part * self.weigh.speed_as_seen(thread.tid, board, now),
                            talk,
                        )
                    }
                }
            }
        };
        let threads = board.threads + u32::from(!there);
        let idle = match self.own {
            true => self.idle(snapshot, &home) + power.idle_w / f64::from(threads.max(1)),
            false => 0.0,
        };
        let speed = speed.max(1e-3);
        // What nobody has paid yet is taken to cost what it costs elsewhere.
        let paid = snapshot.boards.iter().filter(|b| b.fault_us.is_some());
        let page_s = match board.fault_us {
            Some(_) => page_s(board),
            None => paid.map(page_s).reduce(f64::min).unwrap_or(page_s(board)),
        };
        let served = (SERVING_S / page_s.max(SERVING_S)).min(0.5);
        let serving = talk * served * home.core_w(snapshot.home.cores) / speed;
        Some(Offer {
            place: Place::Board(board.id),
            speed,
            joules: power.core_w(board.node.cores) / board.node.speed() + serving + idle / speed,
        })
    }

    /// How a thread gets on on its board; as if it had been there for long, as long as it may fetch what it works on.
    fn seen(&self, thread: &ThreadView, board: &BoardLoad, now_ms: u64) -> Option<Away> {
        let mut seen = self.weigh.speed_away(thread.tid, board)?;
        let age_s = now_ms.saturating_sub(thread.born_ms) as f64 / 1000.0;
        let may_wait = self.patience_s > 0.0
            && self.fetched(thread.tid, |f| f.in_all)
                < self.patience_s.max(age_s * self.part_of_life());
        if seen.is_fetching() && may_wait {
            seen.talk = seen.lasting;
        }
        Some(seen)
    }

    /// The part of its life that a thread may wait: in all it must not become slower than it may be.
    fn part_of_life(&self) -> f64 {
        PART_OF_LIFE.min(1.0 - 1.0 / self.slowdown)
    }

    fn fetched(&self, tid: i32, part: fn(&Fetched) -> f64) -> f64 {
        self.fetched.get(&tid).map_or(0.0, part)
    }

    /// Adds up for how long threads have waited for what they work on.
    fn count_fetching(&mut self, snapshot: &Snapshot) {
        let now = snapshot.time_ms;
        let last = self.last_ms.replace(now).unwrap_or(now);
        let past_s = now.saturating_sub(last) as f64 / 1000.0;
        let living = |tid: &i32| snapshot.threads.iter().any(|thread| thread.tid == *tid);
        self.fetched.retain(|tid, _| living(tid));
        for thread in &snapshot.threads {
            let place = thread.place;
            let fetched = self.fetched.entry(thread.tid).or_insert(Fetched {
                in_all: 0.0,
                there: 0.0,
                place,
                last_ms: 0,
            });
            if fetched.place != place {
                (fetched.there, fetched.place) = (0.0, place);
            }
            let board = match place {
                Place::Board(id) => snapshot.board(id),
                Place::Home => None,
            };
            let away = board.and_then(|board| self.weigh.speed_away(thread.tid, board));
            if let Some(away) = away.filter(Away::is_fetching) {
                fetched.in_all += away.talk * past_s;
                fetched.there += away.talk * past_s;
                fetched.last_ms = now;
            }
        }
    }

    /// Whether a thread is not too slow there.
    fn keeps(&self, offer: Offer) -> bool {
        offer.speed * self.slowdown >= 1.0
    }

    /// The better of two places: the one with fewer joules, if it keeps the bound. If none does, both count: the one with
    /// the smaller energy-delay product.
    fn better(&self, a: Offer, b: Offer) -> Offer {
        let b_wins = match (self.keeps(a), self.keeps(b)) {
            (true, true) => b.joules < a.joules,
            (false, false) => b.delayed() < a.delayed(),
            (keeps_a, _) => !keeps_a,
        };
        if b_wins { b } else { a }
    }

    /// Whether to go from one place to another is worth it.
    fn pays(&self, from: Offer, to: Offer, cost_s: f64, horizon_s: f64, core_w: f64) -> bool {
        let faster = to.speed > from.speed && (to.speed - from.speed) * horizon_s > cost_s;
        let saved = (from.joules - to.joules) * to.speed * horizon_s;
        // How fast it would be there is known the less the slower that is, and so is what it takes.
        let slower = (from.speed / to.speed).clamp(1.0, MOST_SLOWER);
        let cheaper =
            to.joules <= from.joules * (1.0 - self.saving).powf(slower) && saved > cost_s * core_w;
        let much = (to.speed - from.speed) * self.slowdown > CLEARLY;
        match (self.keeps(from), self.keeps(to)) {
            (true, _) => cheaper,
            (false, true) => faster && (much || cheaper),
            // Who is at home leaves only to be faster: else all would leave a home that is crowded by them.
            (false, false) => {
                let home = from.place == Place::Home;
                to.delayed() <= from.delayed() * (1.0 - self.saving) && (faster || cheaper && !home)
            }
        }
    }

    fn wish(
        &self,
        thread: &ThreadView,
        snapshot: &Snapshot,
        boards: &[BoardLoad],
        returning: u32,
    ) -> Option<(Offer, Offer)> {
        let home = self.home(thread, snapshot, returning)?;
        let from = match thread.place {
            Place::Home => home,
            Place::Board(id) => self.on(thread, boards.iter().find(|b| b.id == id)?, snapshot)?,
        };
        let offers = self.offers(thread, snapshot, boards).into_iter();
        let board = |place: Place| match place {
            Place::Home => None,
            Place::Board(id) => boards.iter().find(|b| b.id == id),
        };
        let cost = |to: Place| {
            let crossed = board(from.place).or(board(to))?;
            let usual = self.weigh.cost_s(crossed);
            Some(match (from.place, to, self.weigh.more()) {
                // Some had to be recalled that still fetched what they work on: it is not tried out again for little.
                (Place::Home, _, more) if more > 1.0 => {
                    usual.max(self.weigh.fetches(snapshot).part_s * more)
                }
                (Place::Board(_), Place::Home, _) => self.weigh.cost_home_s(crossed),
                // What it has fetched it would fetch again.
                (Place::Board(_), Place::Board(_), _) => {
                    usual + self.fetched(thread.tid, |f| f.there)
                }
                _ => usual,
            })
        };
        let core_w = self
            .power("home", snapshot.home.power)
            .map_or(0.0, |p| p.core_w(snapshot.home.cores));
        let horizon = self.weigh.horizon_s(thread, from.speed, snapshot.time_ms);
        let pays = |to: &Offer| {
            let better = to.place != from.place && self.better(from, *to).place == to.place;
            let cost = cost(to.place).filter(|_| better);
            cost.is_some_and(|cost| self.pays(from, *to, cost, horizon, core_w))
        };
        // The best of those for which it pays: where it would be best, it may be too little better.
        let paying = offers.chain([home]).filter(pays);
        let to = paying.reduce(|best, offer| self.better(best, offer))?;
        Some((from, to))
    }

    /// What the boards that a thread may go to mean for it. Threads of one program fetch the same pages over a board's link:
    /// while one does, others keep off that board, if another one would not be too slow for them.
    fn offers(&self, thread: &ThreadView, snapshot: &Snapshot, boards: &[BoardLoad]) -> Vec<Offer> {
        let open = |b: &&BoardLoad| b.free_slots() > 0 && thread.place != Place::Board(b.id);
        let (busy, quiet): (Vec<_>, Vec<_>) = boards
            .iter()
            .filter(open)
            .partition(|b| self.is_fetched_to(b, snapshot));
        let offer = |b: &&BoardLoad| self.on(thread, b, snapshot);
        let mut offers: Vec<Offer> = quiet.iter().filter_map(offer).collect();
        if !offers.iter().any(|offer| self.keeps(*offer)) {
            offers.extend(busy.iter().filter_map(offer));
        }
        offers
    }

    /// Whether threads of the program on a board fetch what they work on, or have just been sent there.
    fn is_fetched_to(&self, board: &BoardLoad, snapshot: &Snapshot) -> bool {
        let before = snapshot.board(board.id).map_or(0, |b| b.threads);
        board.threads > before || self.fetched_to.contains(&board.id)
    }

    /// Notes to which boards threads fetch. Who works on what it has fetched is expected to fetch more until it has done so for
    /// as long as it has waited.
    fn note_fetched_to(&mut self, snapshot: &Snapshot) {
        let now = snapshot.time_ms;
        let mut there: BTreeMap<u8, u32> = BTreeMap::new();
        self.fetched_to.clear();
        for thread in &snapshot.threads {
            let Place::Board(id) = thread.place else {
                continue;
            };
            *there.entry(id).or_default() += 1;
            let warm = |board| self.weigh.is_warm(thread.tid, board, now);
            let lately = |f: &Fetched| (now.saturating_sub(f.last_ms) as f64) < f.there * 1000.0;
            if !snapshot.board(id).is_none_or(warm)
                || self.fetched.get(&thread.tid).is_some_and(lately)
            {
                self.fetched_to.insert(id);
            }
        }
        // Some are on their way.
        let coming = |b: &&BoardLoad| there.get(&b.id).copied().unwrap_or(0) < b.threads;
        let boards = snapshot.boards.iter().filter(coming).map(|b| b.id);
        self.fetched_to.extend(boards);
    }

    /// Whether a thread on a board still waits for what it works on.
    fn still_fetches(&self, thread: &ThreadView, snapshot: &Snapshot) -> bool {
        let Place::Board(id) = thread.place else {
            return false;
        };
        let board = snapshot.board(id);
        let there = board.and_then(|board| self.weigh.speed_away(thread.tid, board));
        there.is_some_and(|there| there.is_fetching())
    }

    /// Why a thread is left at home that might leave.
    fn stay(&self, thread: &ThreadView, snapshot: &Snapshot, boards: &[BoardLoad]) -> Stay {
        let offers = self.offers(thread, snapshot, boards).into_iter();
        let best = offers.reduce(|best, offer| self.better(best, offer));
        Stay::Said(match self.home(thread, snapshot, 0).zip(best) {
            Some((home, best)) => format!(
                "going there would not have paid: {}",
                self.reason(home, best, snapshot)
            ),
            None => "no board had room and told what it takes".to_owned(),
        })
    }

    fn reason(&self, from: Offer, to: Offer, snapshot: &Snapshot) -> String {
        let name = |place: Place| match place {
            Place::Home => "home",
            Place::Board(id) => snapshot.board(id).map_or("a board", |b| &b.name),
        };
        format!(
            "a second of work takes {:.1} J on {} (speed {:.2}), {:.1} J on {} (speed {:.2})",
            from.joules,
            name(from.place),
            from.speed,
            to.joules,
            name(to.place),
            to.speed
        )
    }
}

/// `IDLE-BUSY` in watts.
fn parse_watts(text: &str) -> Option<Power> {
    let (idle, busy) = text.split_once('-')?;
    let watts = |text: &str| {
        text.trim()
            .parse()
            .ok()
            .filter(|w: &f64| w.is_finite() && *w >= 0.0)
    };
    let (idle_w, busy_w) = (watts(idle)?, watts(busy)?);
    (busy_w >= idle_w && busy_w > 0.0).then_some(Power {
        idle_w,
        busy_w,
        joules: None,
    })
}

impl Policy for Energy {
    fn name(&self) -> &str {
        "energy"
    }

    fn decide(&mut self, snapshot: &Snapshot) -> Vec<Decision> {
        if !self.weigh.update(snapshot) {
            return Vec::new();
        }
        self.count_fetching(snapshot);
        self.note_fetched_to(snapshot);
        let mut decisions = evacuate(snapshot);
        if self.power("home", snapshot.home.power).is_none() {
            let text = "policy energy does not know what home takes, and moves nothing: set \
                        home's watts (see rtx policies energy)";
            self.complaint.get_or_insert_with(|| text.to_owned());
            return decisions;
        }
        let now = snapshot.time_ms;
        let mut boards = snapshot.boards.clone();
        let mut wishes = BTreeMap::new();
        let mut returning = 0;
        let mut budget = self.weigh.budget(snapshot);
        self.stays.clear();
        for thread in &snapshot.threads {
            let movable = thread.may_leave() && self.weigh.is_busy(thread.tid)
                || thread.may_return().is_some();
            if thread.place == Place::Home {
                let stay = self.weigh.stays_anyway(thread, now);
                self.stays.insert(thread.tid, stay.unwrap_or(Stay::Soon));
            }
            let decided = decisions.iter().any(|d| d.tid == thread.tid);
            if !movable || decided || !self.weigh.is_settled(thread.tid, now) {
                continue;
            }
            let Some((from, to)) = self.wish(thread, snapshot, &boards, returning) else {
                if thread.place == Place::Home {
                    let stay = self.stay(thread, snapshot, &boards);
                    self.stays.insert(thread.tid, stay);
                }
                continue;
            };
            wishes.insert(thread.tid, to.place);
            if self.wishes.get(&thread.tid) != Some(&to.place) {
                continue;
            }
            let leaves = thread.place == Place::Home;
            if leaves && (budget == 0 || thread.state == ThreadState::Blocked) {
                continue;
            }
            let reason = self.reason(from, to, snapshot);
            match (from.place, to.place) {
                (Place::Home, Place::Board(id)) => {
                    if let Some(board) = boards.iter_mut().find(|b| b.id == id) {
                        board.add_thread();
                    }
                    decisions.push(Decision::offload(thread.tid, id, reason));
                    self.stays.remove(&thread.tid);
                    budget -= 1;
                }
                _ => {
                    returning += 1;
                    decisions.push(Decision::recall(thread.tid, reason));
                    let badly = !self.keeps(from) || self.weigh.talk(thread.tid, now) > TALKATIVE;
                    if to.place == Place::Home && badly {
                        self.weigh.fails(thread.tid, now);
                        let fetching = self.still_fetches(thread, snapshot);
                        self.weigh.rescued(thread.tid, fetching);
                    }
                }
            }
            self.weigh.moves(thread.tid, now);
        }
        self.wishes = wishes;
        decisions
    }

    fn wants_ticks(&self) -> Option<Duration> {
        Some(self.tick)
    }

    fn why_here(&self, tid: i32) -> Option<String> {
        self.stays.get(&tid).map(Stay::to_string)
    }

    fn complaint(&mut self) -> Option<String> {
        match &mut self.complaint {
            Some(text) if !text.is_empty() => Some(std::mem::take(text)),
            _ => None,
        }
    }
}

#[cfg(test)]
#[path = "energy_tests.rs"]
mod tests;
