//! The ways in which a program is run.

use std::fmt;

use super::program::Program;
use super::way::Way;
use crate::{Guest, Run};

/// A way to run a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Without rtx.
    Native,
    /// `--policy never`.
    Never,
    /// `--policy static`.
    Static,
    /// `--policy shuffle:SEED`.
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

    /// A run of a program, which has been built, in this mode, in a scratch directory of its own.
    pub fn run(self, program: &Program, built: &Guest, way: &Way) -> Run {
        let path = built.path();
        let run = match self {
            Mode::Native => Run::native(path),
            Mode::Never => Run::never(path),
            Mode::Static | Mode::Shuffle(_) => {
                let run = way.with_boards(Run::supervised(path));
                run.flags(["--policy".to_owned(), self.to_string()])
                    .report()
            }
        };
        run.args(program.args.iter().copied())
            .timeout(program.claims.limit() * patience())
    }
}

/// How many times as long things may take, where the machine is slow: `RTX_TEST_PATIENCE`.
fn patience() -> u32 {
    let times = std::env::var("RTX_TEST_PATIENCE").ok();
    times.map_or(1, |times| {
        times.parse().expect("RTX_TEST_PATIENCE is a number")
    })
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
