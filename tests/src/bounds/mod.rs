//! Bounds of a long run: what rtx takes of the machine stays below named limits and does not grow.
//!
//! A crowd of threads (`tests/guests/crowd.c`) does a bit of everything under `shuffle`. Meanwhile
//! [`sample`] looks once a second at each of rtx's own processes, and [`verdict`] judges what it saw.

mod sample;
mod verdict;

use std::fmt;
use std::time::{Duration, Instant};

use crate::conformance::outcome_of;
use crate::{Guest, Run};
use sample::Watch;
pub use verdict::{Growth, MIB};

/// Time between two looks.
const EVERY: Duration = Duration::from_secs(1);

/// What the crowd needs to begin, and to end on a busy machine, beside its time.
const SLACK: Duration = Duration::from_secs(180);

/// What was seen of each process, and how often threads moved.
#[derive(Debug)]
pub struct Watched {
    /// Of each process, in words, with what became of it.
    pub growths: Vec<Growth>,
    /// How often threads moved.
    pub moves: u64,
    /// How long was watched.
    pub time: Duration,
}

impl Watched {
    /// What is out of bounds; nothing, if all is well.
    pub fn complaints(&self) -> Vec<String> {
        let complaints = self.growths.iter().flat_map(Growth::complaints);
        let few = (self.moves < 10).then(|| format!("only {} moves", self.moves));
        complaints.chain(few).collect()
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "bounds over {:.0?}, {} moves (first half -> second half, medians):",
            self.time, self.moves
        )?;
        self.growths
            .iter()
            .try_for_each(|one| writeln!(f, "  {one}"))
    }
}

/// Watches rtx with a crowd of `members` threads for `time`. An error: what went wrong with the run.
pub fn watch(members: usize, time: Duration, seed: u64) -> Result<Watched, String> {
    outcome_of(|| {
        let guest = Guest::test("crowd");
        let run = Run::supervised(guest.path())
            .flags(["--boards", "local:2", "--policy"])
            .flags([format!("shuffle:{seed}")])
            .args([members.to_string(), time.as_secs().max(2).to_string()])
            .timeout(time + SLACK)
            .report()
            .start();
        run.wait_for_output_within("ready", SLACK);
        let begin = Instant::now();
        let mut watch = Watch::default();
        while begin.elapsed() < time.saturating_sub(EVERY) {
            watch.look(&run);
            std::thread::sleep(EVERY);
        }
        let outcome = run.finish();
        let moves = outcome.succeeded().report().moves();
        assert!(
            outcome.stdout().ends_with("nothing was lost\n"),
            "{outcome}"
        );
        Watched {
            growths: watch.growths(),
            moves,
            time,
        }
    })
}
