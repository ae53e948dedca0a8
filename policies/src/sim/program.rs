//! Threads that get on, millisecond by millisecond.

use super::{Machine, Outcome, Work, World, index};
use crate::random::Random;
use crate::{Action, Decision, PAGE_US, Place};

/// Seconds in a step.
const STEP_S: f64 = 0.001;
/// How long a thread has a core that others want too, in seconds.
const SLICE_S: f64 = 0.003;
/// What stopping, sending and starting a thread takes, in seconds.
const MOVE_S: f64 = 0.005;
/// What a home call takes beyond the round trip, in microseconds.
const CALL_US: u64 = 50;
/// Once in so many steps some thread of the system runs for one.
const SYSTEM: u64 = 20;

/// A thread.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub tid: i32,
    pub work: Work,
    pub place: Place,
    /// Seconds of work done.
    pub done: f64,
    /// Seconds for which it only moves or waits for the pages it works on.
    pub away_for: f64,
    pub moving: bool,
    pub waits: bool,
    pub cpu_ns: f64,
    pub delay_ns: f64,
    pub faults: f64,
    pub calls: f64,
    pub syncs: u64,
    /// At home: how often it waited for others, and how often it was preempted.
    pub sleeps: u64,
    pub preemptions: f64,
}

impl Task {
    pub(super) fn is_done(&self) -> bool {
        self.done >= self.work.seconds
    }

    pub(super) fn lives(&self, now: u64) -> bool {
        now >= self.work.born_ms && !self.is_done()
    }

    /// Steps of work behind it.
    fn steps(&self) -> u64 {
        if self.work.step > 0.0 {
            // A sum of many small pieces falls short of the step by a hair.
            (self.done / self.work.step + 1e-9) as u64
        } else {
            u64::MAX
        }
    }
}

/// All that changes in a world.
pub(super) struct Machines {
    pub tasks: Vec<Task>,
    /// Time in which somebody waited for a core, in microseconds, by machine.
    pub pressure_us: Vec<u64>,
    /// Runnable threads at the last step, by machine.
    pub runnable: Vec<u32>,
    /// A thread has come home or to a board.
    pub arrived: bool,
    /// Pages that boards gave up: those that are fetched again and again.
    pub taken: f64,
    random: Random,
}

impl Machines {
    pub(super) fn new(world: &World) -> Self {
        let task = |(index, work): (usize, &Work)| Task {
            tid: 2 + index as i32,
            work: *work,
            place: Place::Home,
            done: 0.0,
            away_for: 0.0,
            moving: false,
            waits: false,
            cpu_ns: 0.0,
            delay_ns: 0.0,
            faults: 0.0,
            calls: 0.0,
            syncs: 0,
            sleeps: 0,
            preemptions: 0.0,
        };
        let machines = 1 + world.boards.len();
        Self {
            tasks: world.threads.iter().enumerate().map(task).collect(),
            pressure_us: vec![0; machines],
            runnable: vec![0; machines],
            arrived: false,
            taken: 0.0,
            random: Random::new(world.seed),
        }
    }

    /// Begins a move; false if it is none.
    pub(super) fn carry_out(&mut self, decision: &Decision, now: u64) -> bool {
        let task = self.tasks.iter_mut();
        let Some(task) = task.into_iter().find(|t| t.tid == decision.tid) else {
            return false;
        };
        let to = match decision.action {
            Action::Offload { board } => Place::Board(board),
            Action::Recall => Place::Home,
            Action::AtSync(_) => return false,
        };
        if task.moving || task.place == to || !task.lives(now) {
            return false;
        }
        task.place = to;
        task.moving = true;
        task.away_for += MOVE_S;
        true
    }

    /// One millisecond.
    pub(super) fn step(&mut self, world: &World, now: u64, outcome: &mut Outcome) {
        let machine = |index: usize| match index {
            0 => &world.home,
            board => &world.boards[board - 1],
        };
        self.meet(now);
        let mut used = vec![false; 1 + world.boards.len()];
        for (node, used) in used.iter_mut().enumerate() {
            let Machine { cores, .. } = *machine(node);
            let system = u32::from(self.random.once_in(SYSTEM));
            let others = machine(node).others_at(now) + system;
            let on_it = |t: &&Task| t.lives(now) && index(t.place) == node;
            *used = self.tasks.iter().any(|t| on_it(&t));
            let ready = self.tasks.iter().filter(on_it);
            let ready = ready.filter(|t| t.away_for <= 0.0 && !t.waits).count() as u32;
            self.runnable[node] = ready + others;
            let share = f64::from(cores) / f64::from((ready + others).max(cores));
            if share < 1.0 {
                self.pressure_us[node] += 1000;
            }
            for task in self.tasks.iter_mut().filter(|t| on_it(&&**t)) {
                let before = task.done;
                let joules = get_on(task, machine(node), share, &mut self.arrived);
                if node > 0 {
                    self.taken += (task.done - before) * task.work.faults;
                }
                outcome.joules += joules;
                outcome.all_joules += joules;
            }
        }
        for (node, used) in used.into_iter().enumerate() {
            if used || node == 0 {
                outcome.all_joules += machine(node).watts.0 * STEP_S;
            }
        }
    }

    /// Threads with steps wait for the slowest.
    fn meet(&mut self, now: u64) {
        let with_steps = self
            .tasks
            .iter()
            .filter(|t| t.lives(now) && t.work.step > 0.0);
        let places: Vec<Place> = with_steps.clone().map(|t| t.place).collect();
        let apart = places.iter().any(|place| *place != places[0]);
        let slowest = with_steps.map(Task::steps).min();
        for task in self.tasks.iter_mut().filter(|t| t.work.step > 0.0) {
            let waits = slowest.is_some_and(|slowest| task.steps() > slowest);
            if waits && !task.waits {
                task.syncs += 1;
                task.sleeps += u64::from(task.place == Place::Home);
            }
            if task.waits && !waits && apart {
                task.away_for += task.work.meet;
            }
            task.waits = waits;
        }
    }
}

/// One millisecond of one thread. What it took, in joules.
fn get_on(task: &mut Task, machine: &Machine, share: f64, arrived: &mut bool) -> f64 {
    let mut left = STEP_S;
    if task.away_for > 0.0 {
        let spent = task.away_for.min(left);
        task.away_for -= spent;
        left -= spent;
        if task.away_for > 0.0 {
            return 0.0;
        }
        if task.moving {
            task.moving = false;
            *arrived = true;
            // Coming home it misses what boards have written.
            let part = if task.place == Place::Home { 0.2 } else { 1.0 };
            let pages = task.work.warm * part;
            if task.place != Place::Home {
                task.faults += pages;
            }
            task.away_for = pages * (machine.round_trip_us + PAGE_US) as f64 / 1e6;
            return 0.0;
        }
    }
    if task.waits || left <= 0.0 {
        return 0.0;
    }
    let away = task.place != Place::Home;
    if share < 1.0 && !away {
        task.preemptions += STEP_S / SLICE_S;
    }
    let (faults, calls) = match away {
        true => (task.work.faults, task.work.calls),
        false => (0.0, 0.0),
    };
    let page_s = (machine.round_trip_us + PAGE_US) as f64 / 1e6;
    let call_s = (machine.round_trip_us + CALL_US) as f64 / 1e6;
    // Seconds for a second of work: on a core or waiting for it, and waiting for home.
    let computing = 1.0 / (share * machine.speed);
    let work = left / (computing + faults * page_s + calls * call_s);
    let cpu = work / machine.speed;
    task.done += work;
    task.cpu_ns += cpu * 1e9;
    task.delay_ns += cpu * (1.0 / share - 1.0) * 1e9;
    task.faults += work * faults;
    task.calls += work * calls;
    let (idle, busy) = machine.watts;
    cpu * (busy - idle) / f64::from(machine.cores)
}
