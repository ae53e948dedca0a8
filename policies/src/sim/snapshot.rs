//! What a policy sees of a model.

use super::program::{Machines, Task};
use super::{Machine, World, index};
use crate::PAGE_US;
use crate::{BoardLoad, NodeLoad, Place, Power, Pressure, Snapshot, ThreadState, ThreadView};

/// Bytes that come to a board at a time, with the pages that follow.
const FETCHED: f64 = 4.0 * 4096.0;

impl Machines {
    pub(super) fn snapshot(&self, world: &World, now: u64, measured: bool) -> Snapshot {
        let threads = self.tasks.iter().filter(|t| t.lives(now));
        let mut threads: Vec<ThreadView> = threads.map(|t| view(t, measured)).collect();
        threads.insert(
            0,
            ThreadView {
                tid: 1,
                name: "main".to_owned(),
                is_main: true,
                state: ThreadState::Blocked,
                ..ThreadView::default()
            },
        );
        let boards = world.boards.iter().enumerate();
        let boards = boards.map(|(i, machine)| {
            let id = i as u8 + 1;
            let on_it = self.tasks.iter().filter(|t| t.lives(now));
            BoardLoad {
                id,
                name: format!("b{id}"),
                threads: on_it.filter(|t| index(t.place) == i + 1).count() as u32,
                alive: true,
                draining: machine.draining_ms.is_some_and(|from| now >= from),
                round_trip_us: Some(machine.round_trip_us),
                fault_us: Some(machine.round_trip_us + PAGE_US),
                node: self.load(machine, i + 1),
                ..BoardLoad::default()
            }
        });
        let living = self.tasks.iter().filter(|t| t.lives(now));
        let memory = (living.map(|t| t.work.warm).sum::<f64>() * FETCHED) as u64;
        Snapshot {
            time_ms: now,
            measured,
            home: self.load(&world.home, 0),
            boards: boards.collect(),
            threads,
            taken: self.taken as u64,
            memory,
            requests: Vec::new(),
        }
    }

    fn load(&self, machine: &Machine, index: usize) -> NodeLoad {
        NodeLoad {
            cores: machine.cores,
            runnable: self.runnable[index],
            load: f64::from(self.runnable[index]),
            isa: "x86_64".to_owned(),
            speed: Some(machine.speed),
            pressure: Some(Pressure {
                avg10: 0.0,
                total_us: self.pressure_us[index],
            }),
            memory_free: Some(8 << 30),
            power: Some(Power {
                idle_w: machine.watts.0,
                busy_w: machine.watts.1,
                joules: None,
            }),
        }
    }
}

fn view(task: &Task, measured: bool) -> ThreadView {
    let figure = |value: f64| if measured { value as u64 } else { 0 };
    let blocked = task.waits || (task.place == Place::Home && task.away_for > 0.0);
    ThreadView {
        tid: task.tid,
        name: "worker".to_owned(),
        is_main: false,
        place: task.place,
        state: match blocked {
            true => ThreadState::Blocked,
            false => ThreadState::Running,
        },
        cpu_ns: figure(task.cpu_ns),
        run_delay_ns: figure(task.delay_ns),
        faults: task.faults as u64,
        home_calls: task.calls as u64,
        syncs: task.syncs,
        sleeps: task.sleeps,
        page_waits: 0,
        preemptions: figure(task.preemptions),
        born_ms: task.work.born_ms,
        moving: task.moving,
        pinned: false,
    }
}
