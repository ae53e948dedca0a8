//! The ways in which a program is run.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use crate::Run;

/// How long a program that takes well under a second may take before it counts as hanging.
const LIMIT: Duration = Duration::from_secs(60);

/// A way to run a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Without rtx.
    Native,
    /// `--policy never`.
    Never,
    /// `--policy static`, two boards on this machine.
    Static,
    /// `--policy shuffle:SEED`, two boards on this machine.
    Shuffle(u64),
}

impl Mode {
    /// All modes, with these seeds.
    pub fn all(seeds: &[u64]) -> Vec<Mode> {
        let plain = [Mode::Native, Mode::Never, Mode::Static];
        plain
            .into_iter()
            .chain(seeds.iter().map(|seed| Mode::Shuffle(*seed)))
            .collect()
    }

    /// A run of a program in this mode, in a scratch directory of its own.
    pub fn run(self, program: &Path) -> Run {
        let run = match self {
            Mode::Native => Run::native(program),
            Mode::Never => Run::never(program),
            Mode::Static => Run::offloaded(program).report(),
            Mode::Shuffle(_) => Run::supervised(program)
                .flags(["--boards", "local:2", "--policy"])
                .flags([self.to_string()])
                .report(),
        };
        run.timeout(LIMIT)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mode::Native => f.write_str("native"),
            Mode::Never => f.write_str("never"),
            Mode::Static => f.write_str("static"),
            Mode::Shuffle(seed) => write!(f, "shuffle:{seed}"),
        }
    }
}
