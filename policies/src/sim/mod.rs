//! A model of machines and threads, to try policies on: pure, and the same each time.
//!
//! Time goes in steps of a millisecond. Threads share a machine's cores fairly with whoever else runs
//! there. On a board a thread also waits for pages and home calls, so many for each second of work.
//! A move stops a thread for a while, then it fetches the pages it works on. Threads of a program may wait
//! for each other after each step of work. [`mixes`] are worlds like those of published measurements.
//!
//! The model is not the machine: it shows what a rule does, not how fast a program runs.

mod mixes;
mod program;
mod snapshot;

use std::time::Duration;

use crate::{Action, Place, Policy};

pub use mixes::{Mix, mixes};
use program::{Machines, Task};

/// A machine.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Cores the program may use.
    pub cores: u32,
    /// How fast a core is, home's being 1.
    pub speed: f64,
    /// Threads of others that always want a core: from these milliseconds on, so many.
    pub others: Vec<(u64, u32)>,
    /// Round trip from home, in microseconds.
    pub round_trip_us: u64,
    /// Idle and busy watts.
    pub watts: (f64, f64),
    /// It is to be emptied from these milliseconds on.
    pub draining_ms: Option<u64>,
}

impl Machine {
    /// A machine with nothing else to do.
    pub fn idle(cores: u32) -> Self {
        Self {
            cores,
            speed: 1.0,
            others: Vec::new(),
            round_trip_us: 100,
            watts: (60.0, 180.0),
            draining_ms: None,
        }
    }

    /// The same with so many threads of others.
    pub fn with_others(self, others: u32) -> Self {
        let others = vec![(0, others)];
        Self { others, ..self }
    }

    /// Threads of others at a moment.
    fn others_at(&self, ms: u64) -> u32 {
        let past = self.others.iter().filter(|(from, _)| *from <= ms);
        past.max_by_key(|(from, _)| *from).map_or(0, |(_, n)| *n)
    }
}

/// What a thread has to do.
#[derive(Debug, Clone, Copy)]
pub struct Work {
    /// Seconds on a core of home's.
    pub seconds: f64,
    /// Pages it needs from elsewhere for each second of work on a board.
    pub faults: f64,
    /// Home calls it makes for each second of work on a board.
    pub calls: f64,
    /// Pages it fetches when it has come to a board.
    pub warm: f64,
    /// Seconds of work after which it waits for all others that have such steps; 0: never.
    pub step: f64,
    /// Seconds that it takes them to meet if not all of them are on one machine.
    pub meet: f64,
    /// When it is created, in milliseconds.
    pub born_ms: u64,
}

/// Machines and a program.
#[derive(Debug, Clone)]
pub struct World {
    /// Where the program was started.
    pub home: Machine,
    /// The boards, `b1` and so on.
    pub boards: Vec<Machine>,
    /// The child threads; the main thread only waits for them.
    pub threads: Vec<Work>,
    /// For threads of the system that run now and then for a moment.
    pub seed: u64,
}

/// What came of a world under a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Until the last thread had done its work.
    pub seconds: f64,
    /// What the program's threads added to what machines take anyway.
    pub joules: f64,
    /// The same, and all that home and boards with threads took while idle.
    pub all_joules: f64,
    /// Offloads and recalls.
    pub moves: u32,
    /// Each move: when, which thread, where.
    pub log: Vec<(u64, i32, Action)>,
    /// It took longer than anybody waits.
    pub stuck: bool,
}

/// Milliseconds after which nobody waits any more.
const PATIENCE_MS: u64 = 2_000_000;

impl World {
    /// Runs the program to its end.
    pub fn run(&self, policy: &mut dyn Policy) -> Outcome {
        self.watch(policy, |_, _| {})
    }

    /// The same; `seen` hears of every look at the policy.
    pub fn watch(
        &self,
        policy: &mut dyn Policy,
        mut seen: impl FnMut(&crate::Snapshot, &[crate::Decision]),
    ) -> Outcome {
        let mut machines = Machines::new(self);
        let tick = policy
            .wants_ticks()
            .map(|t: Duration| (t.as_millis() as u64).max(1));
        let mut outcome = Outcome {
            seconds: 0.0,
            joules: 0.0,
            all_joules: 0.0,
            moves: 0,
            log: Vec::new(),
            stuck: true,
        };
        for now in 0..PATIENCE_MS {
            let born = self.threads.iter().any(|w| w.born_ms == now);
            let ticks = tick.is_some_and(|tick| now % tick == 0);
            if born || ticks || machines.arrived {
                machines.arrived = false;
                let snapshot = machines.snapshot(self, now, ticks);
                let decisions = policy.decide(&snapshot);
                seen(&snapshot, &decisions);
                for decision in decisions {
                    if machines.carry_out(&decision, now) {
                        outcome.moves += 1;
                        outcome.log.push((now, decision.tid, decision.action));
                    }
                }
            }
            machines.step(self, now, &mut outcome);
            if machines.tasks.iter().all(Task::is_done) {
                outcome.stuck = false;
                outcome.seconds = (now + 1) as f64 / 1000.0;
                break;
            }
        }
        outcome
    }
}

/// The index of a place among the machines: 0 is home, then the boards.
fn index(place: Place) -> usize {
    match place {
        Place::Home => 0,
        Place::Board(id) => usize::from(id),
    }
}
