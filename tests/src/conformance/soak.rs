//! Examples and conformance programs under `shuffle`, seed after seed, for as long as one likes; the
//! coherence storm for longer than the other modes give it; and beside them a crowd, whose memory and
//! descriptors are watched.

use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use super::judge::compare;
use super::mode::Mode;
use super::outcome;
use super::program::Program;
use super::storm::{self, Storm};
use super::table::tell;
use super::way::Way;
use super::workers::until_false;
use crate::bounds::{self, Watched};
use crate::{Guest, Outcome};

/// Seeds that are tried; then the soak is over before its time.
const SEEDS: u64 = 200;

/// How often a run that failed is made again, to say whether its seed shows the failure again.
const REPLAYS: usize = 3;

/// The longest time for which a crowd is watched.
const CROWD: Duration = Duration::from_secs(600);

/// Members of the crowd.
const MEMBERS: usize = 256;

/// What is wanted of a soak.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// How long.
    pub time: Duration,
    /// The first seed.
    pub first_seed: u64,
    /// How many programs at a time.
    pub jobs: usize,
    /// Storms and the crowd too, not only the programs.
    pub all: bool,
}

/// What happened.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Sum {
    runs: u64,
    moves: u64,
    failures: u64,
}

impl Sum {
    fn add(&mut self, moves: Option<u64>) {
        self.runs += 1;
        self.moves += moves.unwrap_or(0);
        self.failures += u64::from(moves.is_none());
    }
}

/// A program, built, and what it does natively.
struct Subject<'a> {
    program: &'a Program,
    guest: Guest,
    native: Outcome,
    way: &'a Way,
}

impl<'a> Subject<'a> {
    fn new(program: &'a Program, way: &'a Way) -> Result<Self, String> {
        let guest = program.build(way);
        let native = outcome(Mode::Native.run(program, &guest, way))
            .map_err(|what| format!("{}, native: {what}", program.path()))?;
        Ok(Self {
            program,
            guest,
            native,
            way,
        })
    }

    /// Runs it once; how often threads moved.
    fn shuffle(&self, seed: u64) -> Result<u64, String> {
        let outcome = outcome(Mode::Shuffle(seed).run(self.program, &self.guest, self.way))?;
        compare(&self.native, &outcome)?;
        Ok(outcome.report().moves())
    }

    /// Runs it with a seed, and says so; how often threads moved.
    fn turn(&self, seed: u64) -> Result<u64, String> {
        let path = self.program.path();
        let result = self.shuffle(seed);
        match &result {
            Ok(moves) => println!("seed {seed:>6}  {moves:>6} moves  {path}"),
            Err(what) => {
                tell(&path, Mode::Shuffle(seed), what);
                let again = (0..REPLAYS).filter(|_| self.shuffle(seed).is_err()).count();
                println!("--- {path}, seed {seed}: {again} of {REPLAYS} replays fail too");
            }
        }
        result
    }
}

/// Which of `programs` has the turn `index`, with which seed: each once before any has its next seed.
/// `None`: all have had all their seeds.
fn turn(index: usize, programs: usize, first_seed: u64) -> Option<(usize, u64)> {
    let round = (index / programs.max(1)) as u64;
    (programs > 0 && round < SEEDS).then(|| (index % programs, first_seed + round))
}

/// Runs storms, then programs in turn, until the time is over or each has had its seeds, beside a
/// crowd; prints each run, and what went wrong. Answers how many runs failed.
pub fn soak(programs: &[Program], wanted: &Wanted, way: &Way) -> u64 {
    let Wanted {
        time, first_seed, ..
    } = *wanted;
    // Each is built and run natively when its first turn comes.
    let subjects: Vec<OnceLock<Result<Subject, String>>> =
        programs.iter().map(|_| OnceLock::new()).collect();
    let storms: Vec<Storm> = match wanted.all {
        true => storm::all(storm::LONG.min(time / 10)).into(),
        false => Vec::new(),
    };
    let end = Instant::now() + time;
    let sum = Mutex::new(Sum::default());
    let count = |moves| sum.lock().expect("nobody panics holding it").add(moves);
    let crowd = std::thread::scope(|scope| {
        let watch = || bounds::watch(MEMBERS, time.min(CROWD), first_seed);
        let crowd = wanted.all.then(|| scope.spawn(watch));
        until_false(wanted.jobs, |index| {
            if Instant::now() >= end {
                return false;
            }
            if let Some(storm) = storms.get(index) {
                count(weather(storm));
                return true;
            }
            let turn = turn(index - storms.len(), subjects.len(), first_seed);
            if let Some((at, seed)) = turn {
                let native =
                    || Subject::new(&programs[at], way).inspect_err(|e| println!("--- {e}"));
                let moves = match subjects[at].get_or_init(native) {
                    Ok(subject) => subject.turn(seed).ok(),
                    Err(_) => None,
                };
                count(moves);
            }
            turn.is_some()
        });
        crowd.map(|crowd| crowd.join().expect("it answers what went wrong"))
    });
    if let Some(watched) = crowd {
        count(judge_crowd(watched));
    }
    let Sum {
        runs,
        moves,
        failures,
    } = sum.into_inner().expect("nobody panics holding it");
    println!("{runs} runs, {moves} moves, {failures} failures");
    failures
}

/// Says what became of the crowd; how often its threads moved, `None` if something is wrong.
fn judge_crowd(watched: Result<Watched, String>) -> Option<u64> {
    match watched {
        Ok(watched) => {
            print!("{watched}");
            let complaints = watched.complaints();
            complaints.iter().for_each(|what| println!("--- {what}"));
            complaints.is_empty().then_some(watched.moves)
        }
        Err(what) => {
            println!("--- the crowd: {what}");
            None
        }
    }
}

/// Lets a storm pass; how often threads moved, `None` if it failed.
fn weather(storm: &Storm) -> Option<u64> {
    match storm.pass() {
        Ok(moves) => {
            println!("{storm}: {moves} moves");
            Some(moves)
        }
        Err(what) => {
            println!("--- {storm}: {what}");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_have_a_seed_before_any_has_the_next() {
        let turns: Vec<_> = (0..5).filter_map(|index| turn(index, 2, 7)).collect();
        assert_eq!(turns, [(0, 7), (1, 7), (0, 8), (1, 8), (0, 9)]);
    }

    #[test]
    fn seeds_come_to_an_end() {
        let last = 3 * SEEDS as usize - 1;
        assert_eq!(turn(last, 3, 1), Some((2, SEEDS)));
        assert_eq!(turn(last + 1, 3, 1), None);
        assert_eq!(turn(0, 0, 1), None);
    }

    #[test]
    fn a_failed_run_counts_as_one() {
        let mut sum = Sum::default();
        sum.add(Some(3));
        sum.add(None);
        let expected = Sum {
            runs: 2,
            moves: 3,
            failures: 1,
        };
        assert_eq!(sum, expected);
    }
}
