//! What holds for every policy in every situation.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rtx_policies::spec::POLICIES;
use rtx_policies::testing::{board, thread};
use rtx_policies::{
    Action, Decision, NodeLoad, Place, Policy, Power, Pressure, Snapshot, ThreadState, by_name,
};

/// What changes from look to look.
#[derive(Debug, Clone)]
struct Step {
    past_ms: u64,
    measured: bool,
    others: u32,
    pressure: bool,
    free_mib: u64,
    draining: u8,
    dead: u8,
    blocked: u16,
    pinned: u16,
    talk: u64,
    watts: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let bits = (
        0u8..8,
        prop::sample::select(vec![0u8, 0, 0, 1, 2, 4]),
        any::<u16>(),
        any::<u16>(),
    );
    (1u64..400, 0u32..12, 0u64..600, 0u64..400, flags, bits).prop_map(
        |(
            past_ms,
            others,
            free_mib,
            talk,
            (measured, pressure, watts),
            (draining, dead, blocked, pinned),
        )| Step {
            past_ms,
            measured,
            others,
            pressure,
            free_mib,
            draining,
            dead,
            blocked,
            pinned: pinned & blocked,
            talk,
            watts,
        },
    )
}

/// A job in which what is decided happens at once.
struct Job {
    now: Snapshot,
}

impl Job {
    fn new(threads: i32, slots: u32) -> Self {
        let mut now = Snapshot {
            boards: (1..=3).map(board).collect(),
            threads: (1..=threads).map(thread).collect(),
            home: NodeLoad {
                cores: 4,
                ..NodeLoad::default()
            },
            ..Snapshot::default()
        };
        now.boards[0].slots = slots;
        Self { now }
    }

    fn go_on(&mut self, step: &Step) {
        let now = &mut self.now;
        now.time_ms += step.past_ms;
        now.measured = step.measured;
        for (index, thread) in now.threads.iter_mut().enumerate() {
            let bit = |bits: u16| bits >> (index % 16) & 1 == 1;
            thread.state = match bit(step.blocked) {
                true => ThreadState::Blocked,
                false => ThreadState::Running,
            };
            thread.pinned = bit(step.pinned);
            thread.cpu_ns += step.past_ms * 500_000;
            thread.run_delay_ns += step.past_ms * 40_000 * u64::from(step.others);
            if thread.place != Place::Home {
                thread.faults += step.talk;
                thread.home_calls += step.talk / 4;
            }
        }
        let power = step.watts.then_some(Power {
            idle_w: 5.0,
            busy_w: 20.0,
            joules: None,
        });
        now.home.runnable = step.others + 4;
        now.memory = step.free_mib << 24;
        now.home.power = power.map(|p| Power { busy_w: 99.0, ..p });
        now.home.pressure = step.pressure.then_some(Pressure {
            avg10: 50.0,
            total_us: now.time_ms * 400,
        });
        for board in &mut now.boards {
            let bit = |bits: u8| bits >> (board.id - 1) & 1 == 1;
            board.draining = bit(step.draining);
            board.alive = !bit(step.dead);
            board.node.memory_free = Some(step.free_mib << 20);
            board.node.power = power;
            let on_it = now
                .threads
                .iter()
                .filter(|t| t.place == Place::Board(board.id));
            board.threads = on_it.count() as u32;
            board.node.runnable = board.threads + step.others / 4;
        }
    }

    fn carry_out(&mut self, decisions: &[Decision]) {
        for decision in decisions {
            let thread = self.now.threads.iter_mut().find(|t| t.tid == decision.tid);
            thread.expect("checked").place = match decision.action {
                Action::Offload { board } => Place::Board(board),
                Action::Recall => Place::Home,
                Action::AtSync(_) => continue,
            };
        }
    }
}

/// What is wrong with decisions in a situation.
fn wrong(now: &Snapshot, decisions: &[Decision], spares_main: bool) -> Option<String> {
    let mut taken: BTreeMap<u8, u32> = BTreeMap::new();
    let mut moved = Vec::new();
    for decision in decisions {
        let Some(thread) = now.threads.iter().find(|t| t.tid == decision.tid) else {
            return Some(format!("no such thread: {decision:?}"));
        };
        if decision.reason.is_empty() {
            return Some(format!("no reason: {decision:?}"));
        }
        match decision.action {
            Action::AtSync(_) => continue,
            Action::Recall if thread.may_return().is_none() => {
                return Some(format!("not on a board: {decision:?}"));
            }
            Action::Recall => {}
            Action::Offload { board: id } => {
                let board = now.board(id);
                let free = board.map_or(0, rtx_policies::BoardLoad::free_slots);
                let taken = taken.entry(id).or_default();
                *taken += 1;
                if free < *taken {
                    return Some(format!("the board takes it not: {decision:?} {board:?}"));
                }
                let may = thread.place == Place::Home && !thread.pinned && !thread.moving;
                if !may || (spares_main && thread.is_main) {
                    return Some(format!("it may not leave: {decision:?}"));
                }
            }
        }
        if moved.contains(&decision.tid) {
            return Some(format!("moved twice: {decision:?}"));
        }
        moved.push(decision.tid);
    }
    None
}

fn all_policies() -> Vec<String> {
    let names = POLICIES.iter().map(|p| p.name.to_owned());
    let more = [
        "guard-memory+congestion",
        "guard-memory+balance",
        "busy-server",
        "save-energy",
        "congestion:settle=0ms,probe=100,horizon=100ms,margin=0",
        "energy:idle=own,settle=0ms,saving=0",
        "static:return=auto",
    ];
    names.chain(more.map(str::to_owned)).collect()
}

/// Runs a policy over steps; every answer is looked at.
fn drive(
    spec: &str,
    threads: i32,
    slots: u32,
    steps: &[Step],
) -> Result<Vec<(u64, Decision)>, String> {
    let mut policy: Box<dyn Policy> = by_name(spec).map_err(|e| e.to_string())?;
    let mut job = Job::new(threads, slots);
    let mut log = Vec::new();
    for step in steps {
        job.go_on(step);
        let decisions = policy.decide(&job.now);
        if let Some(wrong) = wrong(&job.now, &decisions, !spec.starts_with("shuffle")) {
            return Err(format!("{spec}: {wrong}"));
        }
        job.carry_out(&decisions);
        log.extend(decisions.into_iter().map(|d| (job.now.time_ms, d)));
    }
    Ok(log)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn decisions_are_possible_and_the_same_each_time(
        threads in 1i32..20,
        slots in 0u32..4,
        steps in prop::collection::vec(step(), 1..60),
    ) {
        for spec in all_policies() {
            let first = drive(&spec, threads, slots, &steps).map_err(TestCaseError::fail)?;
            let again = drive(&spec, threads, slots, &steps).map_err(TestCaseError::fail)?;
            prop_assert_eq!(first, again);
        }
    }

    #[test]
    fn nobody_is_moved_to_and_fro_within_the_time_to_settle(
        threads in 2i32..20,
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let calm: Vec<Step> = steps.into_iter().map(|s| Step { draining: 0, dead: 0, ..s }).collect();
        for spec in ["congestion:settle=700ms", "energy:settle=700ms"] {
            let log = drive(spec, threads, 0, &calm).map_err(TestCaseError::fail)?;
            let mut last = BTreeMap::new();
            for (when, decision) in log {
                if let Some(before) = last.insert(decision.tid, when) {
                    prop_assert!(when - before >= 700, "{} {} {:?}", spec, before, decision);
                }
            }
        }
    }
}
