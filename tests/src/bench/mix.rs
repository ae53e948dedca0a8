//! What `--policy congestion` is worth to a home that is always overloaded: a random mix of jobs with four at
//! a time, home and three boards, against all of it at home.
//!
//! Four machines out of two processors: home has the first, the three boards share the second. So the boards
//! add one processor and not three, and no more than twice as many jobs could ever be done.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use super::crowd::{at_home, pin};
use super::measure::median;
use super::results::{Sample, Target};
use crate::agent::free_port;
use crate::{Agent, Guest, Run};

/// By which the group is asked for.
pub const NAMES: [&str; 1] = ["congestion_mix"];

/// Boards.
const BOARDS: usize = 3;
/// Jobs of one sequence.
const JOBS: usize = 12;
/// Jobs that run at the same time: when one ends, the next begins.
const AT_A_TIME: usize = 4;
/// The gain that was published for random mixes on four machines (HetMigrate).
const GAIN: f64 = 1.38;

/// What a job may be, with four child threads: three programs that compute, and three whose threads read, wait
/// for each other or exchange rows. Each uses two to five seconds of a processor.
const KINDS: [(&str, &[&str]); 6] = [
    ("matmul", &["--size", "2048"]),
    ("blackscholes", &["--size", "786432"]),
    ("multireader", &["--size", "25000000"]),
    ("textsearch", &["--size", "524288"]),
    ("stencil", &["--size", "2048", "--sweeps", "600"]),
    ("pipeline", &["--size", "120000"]),
];

/// A job: one of the kinds.
type Job = usize;

/// The jobs of a seed, in order (Knuth's generator of MMIX, the high bits).
fn sequence(seed: u64) -> Vec<Job> {
    let next = |state: &u64| {
        let state = state.wrapping_mul(6_364_136_223_846_793_005);
        Some(state.wrapping_add(1_442_695_040_888_963_407))
    };
    let numbers = std::iter::successors(next(&seed), next);
    let kinds = numbers.map(|state| (state >> 33) as usize % KINDS.len());
    kinds.take(JOBS).collect()
}

/// Runs all jobs, `AT_A_TIME`, with home on the first processor. Seconds until the last has ended, and what each
/// has printed.
fn makespan(jobs: &[Job], run: impl Fn(&Guest) -> Run + Sync) -> (f64, Vec<String>) {
    let next = AtomicUsize::new(0);
    let one = |job: Job| {
        let (name, args) = KINDS[job];
        let run = run(&Guest::example(name)).args(args.iter().copied());
        at_home(run).finish().succeeded().stdout()
    };
    let worker = || {
        let take = || {
            let index = next.fetch_add(1, Ordering::Relaxed);
            Some((index, one(*jobs.get(index)?)))
        };
        std::iter::from_fn(take).collect::<Vec<_>>()
    };
    let begin = Instant::now();
    let mut printed: Vec<(usize, String)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(worker)).collect();
        let done = workers.into_iter();
        done.flat_map(|worker| worker.join().expect("all jobs end well"))
            .collect()
    });
    let seconds = begin.elapsed().as_secs_f64();
    printed.sort();
    (seconds, printed.into_iter().map(|(_, text)| text).collect())
}

/// `congestion_mix`.
pub fn measure(runs: u32) -> Vec<Sample> {
    let boards: Vec<Agent> = (1..=BOARDS)
        .map(|n| {
            let address = format!("127.0.0.1:{}", free_port());
            let pinned = |run: Run| run.before_exec(|| Ok(pin(1)?));
            Agent::launch(&format!("b{n}"), &address, pinned)
        })
        .collect();
    let addresses: Vec<String> = boards.iter().map(Agent::address).collect();
    let addresses = addresses.join(",");
    let congestion = ["--policy", "congestion", "--boards", &addresses];
    let pair = |seed: u32| {
        let jobs = sequence(u64::from(seed));
        let (ours, printed) = makespan(&jobs, |guest| {
            Run::supervised(guest.path()).flags(congestion)
        });
        let (floor, expected) = makespan(&jobs, |guest| Run::native(guest.path()));
        assert_eq!(printed, expected, "jobs print what they print at home");
        let rate = |seconds: f64| jobs.len() as f64 / seconds;
        (rate(ours), rate(floor))
    };
    // Each run has a sequence of its own.
    let (ours, floor): (Vec<f64>, Vec<f64>) = (1..=runs).map(pair).unzip();
    boards.into_iter().for_each(Agent::stop);
    let (ours, floor) = (median(ours), median(floor));
    vec![Sample::new(NAMES[0], ours, floor, "jobs/s", runs).target(Target::AtLeast(GAIN))]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_sequence_is_its_seeds_and_has_several_kinds_of_work() {
        for seed in 1..=5 {
            let jobs = sequence(seed);
            assert_eq!(jobs, sequence(seed));
            assert_ne!(jobs, sequence(seed + 1));
            let kinds: BTreeSet<Job> = jobs.iter().copied().collect();
            assert!(kinds.len() >= 4, "{jobs:?}");
        }
    }
}
