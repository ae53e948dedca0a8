//! The coherence storm (`tests/conformance/pthread/coherence_storm.c`) with more threads, on more
//! boards and for longer than as one conformance program among others.

use std::fmt;
use std::time::Duration;

use super::judge::compare;
use super::outcome;
use crate::{Guest, Run, checkout};

/// How long the storm of a soak lasts.
pub const LONG: Duration = Duration::from_secs(60);

/// What it needs to begin, and to end on a busy machine.
const SLACK: Duration = Duration::from_secs(120);

/// A storm, in one mode.
#[derive(Debug, Clone)]
pub struct Storm {
    /// The policy.
    pub policy: &'static str,
    /// How many threads.
    pub threads: usize,
    /// How long.
    pub lasts: Duration,
}

/// One under each policy that moves threads, for so long.
pub fn all(lasts: Duration) -> [Storm; 2] {
    ["static", "shuffle:1"].map(|policy| Storm {
        policy,
        threads: 8,
        lasts,
    })
}

impl Storm {
    /// Lets it pass over three boards of this machine. How often threads moved; or what is wrong.
    pub fn pass(&self) -> Result<u64, String> {
        let name = "coherence_storm";
        let source = checkout::root().join(format!("tests/conformance/pthread/{name}.c"));
        let guest = Guest::conformance("pthread", name, &source);
        // Every part passes, whatever its length.
        let native = outcome(self.set(Run::native(guest.path()), Duration::from_secs(1)))?;
        let run = Run::supervised(guest.path())
            .flags(["--boards", "local:3", "--policy", self.policy])
            .report();
        let outcome = outcome(self.set(run, self.lasts))?;
        compare(&native, &outcome)?;
        let moves = outcome.report().moves();
        // Each thread went somewhere at least.
        if moves < self.threads as u64 {
            return Err(format!("only {moves} moves"));
        }
        Ok(moves)
    }

    fn set(&self, run: Run, lasts: Duration) -> Run {
        run.variable("CHECK_SECONDS", lasts.as_secs_f64().to_string())
            .variable("CHECK_THREADS", self.threads.to_string())
            .timeout(lasts + SLACK)
    }
}

impl fmt::Display for Storm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "coherence storm, {}, {} threads, 3 boards, {:.0?}",
            self.policy, self.threads, self.lasts
        )
    }
}
