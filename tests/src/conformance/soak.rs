//! Examples and conformance programs under `shuffle` with random seeds, for as long as one likes.

use std::collections::hash_map::RandomState;
use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::judge::compare;
use super::mode::Mode;
use super::outcome;
use super::program::Program;
use super::table::tell;
use super::workers::until_false;
use crate::{Guest, Outcome, Run, examples};

/// What happened.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Sum {
    runs: u64,
    moves: u64,
    failures: u64,
}

/// Something to run: its name, its program, its arguments, and what it does natively.
struct Subject {
    name: String,
    guest: Guest,
    args: Vec<OsString>,
    native: Outcome,
}

impl Subject {
    fn new(name: String, guest: Guest, args: Vec<OsString>) -> Result<Subject, String> {
        let native = outcome(Run::native(guest.path()).args(args.clone()))
            .map_err(|what| format!("{name}, native: {what}"))?;
        Ok(Subject {
            name,
            guest,
            args,
            native,
        })
    }

    /// Runs it once; how often threads moved.
    fn shuffle(&self, seed: u64) -> Result<u64, String> {
        let run = Mode::Shuffle(seed).run(self.guest.path());
        let outcome = outcome(run.args(self.args.clone()))?;
        compare(&self.native, &outcome)?;
        Ok(outcome.report().moves())
    }
}

fn subjects(programs: &[Program]) -> Result<Vec<Subject>, String> {
    let programs = programs
        .iter()
        .map(|p| Subject::new(p.path(), p.build(), Vec::new()));
    let examples = examples::ALL.iter().map(|example| {
        let args = example.short.iter().map(Into::into).collect();
        let name = format!("examples/{}", example.name);
        Subject::new(name, Guest::example(example.name), args)
    });
    programs.chain(examples).collect()
}

/// A seed that nobody has chosen.
fn random_seed() -> u64 {
    // Short enough to type.
    RandomState::new().build_hasher().finish() % 1_000_000
}

/// Runs programs and examples in turn until the time is over; prints each run, and what went wrong.
/// Answers how many runs failed.
pub fn soak(programs: &[Program], time: Duration, jobs: usize) -> Result<u64, String> {
    let subjects = subjects(programs)?;
    let end = Instant::now() + time;
    let sum = Mutex::new(Sum::default());
    until_false(jobs, |index| {
        if Instant::now() >= end {
            return false;
        }
        let (subject, seed) = (&subjects[index % subjects.len()], random_seed());
        let result = subject.shuffle(seed);
        let mut sum = sum.lock().expect("nobody panics holding it");
        sum.runs += 1;
        match result {
            Ok(moves) => {
                sum.moves += moves;
                println!("seed {seed:>6}  {:>6} moves  {}", moves, subject.name);
            }
            Err(what) => {
                sum.failures += 1;
                tell(&subject.name, Mode::Shuffle(seed), &what);
            }
        }
        true
    });
    let Sum {
        runs,
        moves,
        failures,
    } = sum.into_inner().expect("nobody panics holding it");
    println!("{runs} runs, {moves} moves, {failures} failures");
    Ok(failures)
}
