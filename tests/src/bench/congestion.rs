//! What `--policy congestion` is worth on a busy machine: home has one processor and so many other jobs on it, a
//! board the other one. Programs with four child threads run at home alone, under the policy, and under every
//! placement of their threads by number, which only a table can do that somebody has tried out before.

use std::process::{Child, Command};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use super::measure::{TIMEOUT, median};
use super::results::{Sample, Target};
use crate::{Agent, Guest, Run};

/// Jobs that run beside the program.
const BESIDE: [usize; 6] = [0, 1, 2, 4, 8, 12];
/// Child threads of the programs.
const THREADS: usize = 4;

/// A program: its options, and the gain that was published for it with 12 jobs beside it (HetMigrate's congestion
/// experiment).
struct App {
    name: &'static str,
    size: &'static str,
    gain: f64,
}

const MATMUL: App = App {
    name: "matmul",
    size: "1792",
    gain: 1.43,
};
const TEXTSEARCH: App = App {
    name: "textsearch",
    size: "786432",
    gain: 1.37,
};
const BLACKSCHOLES: App = App {
    name: "blackscholes",
    size: "524288",
    gain: 1.21,
};

/// Pins what is started to one of the processors that this process may use.
pub(super) fn pin(index: usize) -> nix::Result<()> {
    let allowed = sched_getaffinity(Pid::from_raw(0))?;
    let mut cpus = (0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu).unwrap_or(false));
    let cpu = cpus.nth(index).ok_or(nix::Error::ENODEV)?;
    let mut one = CpuSet::new();
    one.set(cpu)?;
    sched_setaffinity(Pid::from_raw(0), &one)
}

/// Does nothing but use its processor: one of the jobs beside the program, in a session of its own as batch systems'
/// jobs are, so that a kernel that shares its time among sessions (sched(7), autogroup) takes each for one.
pub fn spin() -> ! {
    pin(0).expect("two processors");
    nix::unistd::setsid().expect("it leads no group");
    loop {
        std::hint::spin_loop();
    }
}

/// Jobs beside the program; they end with this.
struct Crowd(Vec<Child>);

impl Crowd {
    fn of(count: usize) -> Self {
        let one = |_| {
            let mut command = Command::new("/proc/self/exe");
            command.arg("spin").spawn().expect("a job beside")
        };
        Crowd((0..count).map(one).collect())
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It may have been killed already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Seconds that a run takes with its home on the first processor.
fn seconds(run: Run, app: &App) -> f64 {
    let threads = THREADS.to_string();
    let run = run
        .args(["--threads", &threads, "--size", app.size])
        .before_exec(|| Ok(pin(0)?))
        .timeout(TIMEOUT);
    run.finish().succeeded().wall().as_secs_f64()
}

/// A table that puts so many of the child threads on the board.
fn table(away: usize) -> String {
    let places = (1..=THREADS).map(|n| match n <= away {
        true => format!("{n}@beside"),
        false => format!("{n}@home"),
    });
    format!("static:placement={}", places.collect::<Vec<_>>().join("/"))
}

/// The samples of one program with so many jobs beside it.
fn beside(app: &App, jobs: usize, runs: u32) -> Vec<Sample> {
    let board = format!("127.0.0.1:{}", crate::agent::free_port());
    let agent = Agent::launch("beside", &board, |run| run.before_exec(|| Ok(pin(1)?)));
    let _crowd = Crowd::of(jobs);
    let guest = Guest::example(app.name);
    let under = |policy: &str| {
        let run = Run::supervised(guest.path()).flags(["--policy", policy, "--boards", &board]);
        seconds(run, app)
    };
    let (mut alone, mut ours) = (Vec::new(), Vec::new());
    let mut placed = vec![Vec::new(); THREADS + 1];
    for _ in 0..runs {
        alone.push(seconds(Run::native(guest.path()), app));
        ours.push(under("congestion"));
        for (away, times) in placed.iter_mut().enumerate() {
            times.push(under(&table(away)));
        }
    }
    agent.stop();
    let (alone, ours) = (median(alone), median(ours));
    let best = placed.into_iter().map(median).fold(f64::INFINITY, f64::min);
    let wanted = match jobs {
        0 => Target::AtLeast(0.98),
        12 => Target::AtLeast(app.gain),
        2.. => Target::AtLeast(1.0),
        _ => Target::None,
    };
    let sample = |what: String, floor: f64| {
        // There are few, and they live as long as the process.
        let name: &'static str = Box::leak(what.into_boxed_str());
        Sample::new(name, 1.0 / ours, 1.0 / floor, "jobs/s", runs)
    };
    let name = app.name;
    vec![
        sample(format!("congestion_{name}_{jobs}"), alone).target(wanted),
        sample(format!("congestion_{name}_{jobs}_best"), best).target(Target::AtLeast(0.9)),
    ]
}

fn measure(app: &App, runs: u32) -> Vec<Sample> {
    let all = BESIDE.iter();
    all.flat_map(|jobs| beside(app, *jobs, runs)).collect()
}

/// `congestion_matmul_0` to `_12`, and the same with `_best`.
pub fn matmul(runs: u32) -> Vec<Sample> {
    measure(&MATMUL, runs)
}

/// The same of textsearch.
pub fn textsearch(runs: u32) -> Vec<Sample> {
    measure(&TEXTSEARCH, runs)
}

/// The same of blackscholes.
pub fn blackscholes(runs: u32) -> Vec<Sample> {
    measure(&BLACKSCHOLES, runs)
}
