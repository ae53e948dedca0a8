//! What machines tell of themselves for the policy, and what the policy sees.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rtx_policies::{
    BoardLoad, NodeLoad, Place as Where, Power, Pressure, Snapshot, ThreadState, ThreadView,
};

use super::job::BoardFacts;
use super::messages::{BoardId, ToPager};
use super::prices::{Faults, Price};
use super::supervisor::Supervisor;
use super::thread::{AtHome, Place, Thread};
use crate::figures::Figures;
use crate::guest::procfs;
use crate::wire::message::Load;

/// The token of a question for usage that nobody waits for.
const NOBODY: u64 = 0;

/// What a board's owner says of it, and what it has told since.
#[derive(Clone, Debug, Default)]
pub struct Told {
    pub labels: BTreeMap<String, String>,
    /// How fast one of its cores is, home's being 1.
    pub speed: Option<f64>,
    /// With nothing to do, and with all cores busy.
    pub watts: Option<(f64, f64)>,
    /// It is on home's own machine, where it stands for another one: what else runs there does not count, but for what
    /// runs on its cores if it has some of its own.
    pub stands_in: bool,
    /// The last it told.
    pub load: Option<Load>,
    /// How many threads of others wanted its cores the last two times that it told.
    pub others: [Option<u32>; 2],
    /// The shortest round trip of late.
    pub round_trip: Option<Duration>,
    /// What pages cost its threads.
    pub price: Price,
}

impl Told {
    /// Takes note of how many threads want its cores, so many of them the job's.
    fn counts(&mut self, runnable: u32, own: u32) {
        self.others = [Some(runnable.saturating_sub(own)), self.others[0]];
    }

    /// How many threads of others want its cores, those not counted that wanted one for a moment.
    fn others(&self) -> u32 {
        self.others.into_iter().flatten().min().unwrap_or(0)
    }

    fn power(&self) -> Option<Power> {
        let joules = self.load.and_then(|l| l.millijoules);
        let joules = joules.map(|mj| mj as f64 / 1000.0);
        power(self.watts, joules)
    }
}

/// Power as a policy sees it; `None`: nothing is known.
fn power(watts: Option<(f64, f64)>, joules: Option<f64>) -> Option<Power> {
    let known = watts.is_some() || joules.is_some();
    let (idle_w, busy_w) = watts.unwrap_or_default();
    known.then_some(Power {
        idle_w,
        busy_w,
        joules,
    })
}

/// A board as a policy sees it, with so many of the job's threads on it; `cores`: the number of home's.
fn board(id: BoardId, facts: &BoardFacts, threads: u32, cores: u64) -> BoardLoad {
    let told = &facts.told;
    let load = told.load.unwrap_or_default();
    let us = |time: Option<Duration>| time.map(|t| t.as_micros() as u64);
    BoardLoad {
        id,
        name: facts.name.clone(),
        slots: facts.slots,
        threads,
        alive: facts.alive,
        draining: facts.leaves(),
        closed: false,
        labels: told.labels.clone(),
        round_trip_us: us(told.round_trip),
        fault_us: us(told.price.of(told.round_trip.unwrap_or_default())),
        node: NodeLoad {
            cores: facts.cores,
            // It tells late of threads that have just been sent: all of the job's count.
            runnable: match told.stands_in && (load.cores == 0 || load.cores == cores) {
                true => threads,
                false => told.others() + threads,
            },
            load: f64::from(load.load_centi) / 100.0,
            isa: facts.isa.clone(),
            speed: told.speed,
            pressure: load.pressure.filter(|_| !told.stands_in).map(|p| Pressure {
                avg10: f64::from(p.avg10_centi) / 100.0,
                total_us: p.total_us,
            }),
            memory_free: load.memory_free,
            power: told.power(),
        },
    }
}

impl Supervisor {
    /// A board tells how busy it is.
    pub(super) fn on_load(
        &mut self,
        board: BoardId,
        load: Load,
        round_trip: Duration,
        faults: Faults,
    ) {
        let there = |t: &&Thread| matches!(&t.place, Place::Away(away) if away.board == board);
        let own = self.threads.values().filter(there).count() as u32;
        let told = &mut self.boards[usize::from(board) - 1].told;
        let drained = told.load.is_some_and(|before| before.draining);
        told.counts(load.runnable, own);
        told.load = Some(load);
        told.round_trip = Some(round_trip);
        told.price.beat(faults);
        if load.draining != drained {
            // Not every policy looks by itself.
            self.wake_by(Instant::now());
        }
    }

    /// Asks boards what their threads have used, for later snapshots.
    pub(super) fn ask_for_figures(&self) {
        let mut boards: Vec<BoardId> = self.threads.values().filter_map(Thread::needs).collect();
        boards.sort_unstable();
        boards.dedup();
        for board in boards {
            let token = NOBODY;
            self.tell(ToPager::AskUsage { board, token });
        }
    }

    /// What the policy sees. `measured`: with figures from /proc, for which a tick has time.
    pub(super) fn snapshot(&mut self, measured: bool) -> Snapshot {
        let now = Instant::now();
        let views = self.threads.values();
        let views = views.map(|thread| self.view(thread, measured, now));
        let (threads, want_cores): (Vec<ThreadView>, Vec<bool>) = views.unzip();
        let on = |id: u8| {
            let there = threads.iter().filter(|t| t.place == Where::Board(id));
            there.count() as u32
        };
        let cores = self.runnable.cores();
        let boards = self.boards.iter().enumerate();
        let boards = boards.map(|(i, facts)| board(i as u8 + 1, facts, on(i as u8 + 1), cores));
        let boards = boards.collect();
        let own = want_cores.iter().filter(|wants| **wants).count() as u32;
        let figures = match measured {
            true => Figures::read(&mut self.runnable, own),
            false => Figures::default(),
        };
        let home = NodeLoad {
            cores: self.cores,
            // Others' load counts as well, but never less than our own.
            runnable: figures.runnable.max(own),
            load: figures.load,
            isa: std::env::consts::ARCH.to_owned(),
            speed: None,
            pressure: figures
                .pressure
                .map(|(avg10, total_us)| Pressure { avg10, total_us }),
            memory_free: figures.memory_free,
            power: power(
                self.watts,
                if measured { self.meter.joules() } else { None },
            ),
        };
        // A thread that has ended, as the first may, tells of none.
        let mut live = self.threads.keys().filter(|_| measured);
        let memory = live.find_map(|tid| {
            let bytes = procfs::resident(self.pid, *tid).ok();
            bytes.filter(|bytes| *bytes > 0)
        });
        Snapshot {
            time_ms: now.duration_since(self.started).as_millis() as u64,
            measured,
            home,
            boards,
            threads,
            taken: self.journal.gauges.again(),
            memory: memory.map_or(0, |here| here + self.journal.gauges.away()),
            requests: Vec::new(),
        }
    }

    /// A thread as a policy sees it, and whether it wants one of home's cores: one on a board does for its calls.
    fn view(&self, thread: &Thread, measured: bool, now: Instant) -> (ThreadView, bool) {
        let known = match measured {
            true => procfs::name_and_state(self.pid, thread.tid).ok(),
            false => None,
        };
        let runs = !measured || known.as_ref().is_some_and(|(_, state)| *state == 'R');
        let wants_core = runs && (measured || !thread.is_away());
        let mut used = (0, 0);
        if measured {
            // One that has just ended used what it used.
            used = procfs::cpu_ns(self.pid, thread.tid).unwrap_or_default();
            used.0 += thread.counters.board_ns;
            used.1 += thread.board_delay_ns;
        }
        // Of one on a board its shadow's say nothing.
        let switches = match measured && !thread.is_away() {
            true => procfs::switches(self.pid, thread.tid).unwrap_or_default(),
            false => (0, 0),
        };
        let page_waits = self.journal.gauges.page_waits(thread.tid);
        let mut faults = thread.counters.faults;
        let (place, runs, moving) = match &thread.place {
            Place::Home(at) => (Where::Home, runs, thread.is_bound() || *at != AtHome::Free),
            Place::Away(away) => {
                if measured {
                    used.0 += away.cpu_ns;
                    used.1 += away.delay_ns;
                }
                faults += away.faults;
                let moving = away.recalling.is_some()
                    // Who empties a board does not wait for its call.
                    || away.returns_then && !self.facts(away.board).leaves()
                    || away.asked.is_some()
                    || away.context.is_some();
                (Where::Board(away.board), away.call.is_none(), moving)
            }
        };
        let view = ThreadView {
            tid: thread.tid,
            name: known.map(|(name, _)| name).unwrap_or_default(),
            is_main: thread.tid == self.pid,
            place,
            state: match runs {
                true => ThreadState::Running,
                false => ThreadState::Blocked,
            },
            cpu_ns: used.0,
            run_delay_ns: used.1,
            sleeps: switches.0.saturating_sub(thread.stops + page_waits),
            page_waits,
            preemptions: switches.1,
            faults,
            home_calls: thread.counters.home_calls,
            syncs: thread.counters.back_migrations,
            born_ms: thread.born.duration_since(self.started).as_millis() as u64,
            moving,
            pinned: thread.home_until.is_some_and(|t| now < t),
        };
        (view, wants_core)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wants_a_core_of_a_board_for_a_moment_does_not_count() {
        let after = |counts: &[(u32, u32)]| {
            let mut told = Told::default();
            for (runnable, own) in counts {
                told.counts(*runnable, *own);
            }
            told.others()
        };
        assert_eq!(after(&[]), 0);
        assert_eq!(after(&[(3, 0)]), 3);
        assert_eq!(after(&[(1, 0), (3, 0)]), 1);
        assert_eq!(after(&[(9, 0), (4, 1), (3, 0)]), 3);
        assert_eq!(
            after(&[(4, 0), (8, 4)]),
            4,
            "the job's own are known anyway"
        );
        assert_eq!(after(&[(2, 4), (2, 4)]), 0, "they wait for pages");
    }
}
