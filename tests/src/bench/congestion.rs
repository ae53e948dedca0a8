//! What `--policy congestion` is worth on a busy machine: home has one processor and so many other jobs on it, a
//! board the other one. Programs with four child threads run at home alone, under the policy, and under every
//! placement of their threads by number, which only a table can do that somebody has tried out before.

use super::crowd::{Crowd, at_home, beside_home};
use super::measure::median;
use super::results::{Sample, Target};
use crate::scratch::Scratch;
use crate::{Guest, Run, checkout};

/// Jobs that run beside the program.
const BESIDE: [usize; 6] = [0, 1, 2, 4, 8, 12];
/// Child threads of the programs.
const THREADS: usize = 4;

/// A program: its options, and the gain that was published for it with 12 jobs beside it (HetMigrate's congestion
/// experiment).
struct App {
    name: &'static str,
    size: &'static str,
    /// Further options.
    options: fn() -> Vec<String>,
    gain: f64,
}

const MATMUL: App = App {
    name: "matmul",
    size: "1792",
    options: Vec::new,
    gain: 1.43,
};
const TEXTSEARCH: App = App {
    name: "textsearch",
    size: "4096",
    options: every_pair,
    gain: 1.37,
};
const BLACKSCHOLES: App = App {
    name: "blackscholes",
    size: "524288",
    options: Vec::new,
    gain: 1.21,
};

/// Patterns for textsearch: every two of the words of which it makes its text, 256 in all. Looking for one takes less than
/// making the text, which its first thread does: on no board could it gain what is wanted.
fn every_pair() -> Vec<String> {
    const WORDS: [&str; 16] = [
        "the", "sea", "gave", "up", "a", "rare", "pearl", "and", "took", "back", "one", "pear",
        "tree", "of", "ours", "again",
    ];
    let after = |first| WORDS.map(|second| format!("{first} {second}"));
    vec!["--pattern".to_owned(), WORDS.map(after).concat().join("\n")]
}

/// Seconds that a run takes with its home on the first processor.
fn seconds(run: Run, app: &App) -> f64 {
    let threads = THREADS.to_string();
    let run = at_home(run).args(["--threads", &threads, "--size", app.size]);
    let run = run.args((app.options)());
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
    let (agent, board) = beside_home();
    let _crowd = Crowd::of(jobs);
    let guest = Guest::example(app.name);
    let under = |policy: &str| {
        Run::supervised(guest.path()).flags(["--policy", policy, "--boards", &board])
    };
    let scratch = Scratch::new();
    let recording = scratch.path("run.ndjson").into_os_string();
    let (mut alone, mut ours) = (Vec::new(), Vec::new());
    let mut placed = vec![Vec::new(); THREADS + 1];
    for _ in 0..runs {
        alone.push(seconds(Run::native(guest.path()), app));
        let recorded = under("congestion").flags(["--record".into(), recording.clone()]);
        ours.push(seconds(recorded, app));
        // What it decided can be told from what it saw.
        let rtx = Run::native(checkout::binary("rtx"));
        rtx.args(["replay".into(), recording.clone()])
            .finish()
            .succeeded();
        for (away, times) in placed.iter_mut().enumerate() {
            times.push(seconds(under(&table(away)), app));
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
