//! `rtx replay`: a policy decides again on what was recorded.

use std::fs;
use std::path::{Path, PathBuf};

use rtx_policies::record::{Recording, RecordingError};
use rtx_policies::replay::{Difference, differences, replay, words};
use rtx_policies::{Decision, PolicySpec, SpecError};
use serde::Serialize;

use crate::errors::Explain;

/// A recording could not be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no recording.
    #[error("{}: {source}", path.display())]
    Recording {
        /// Which.
        path: PathBuf,
        /// Why.
        source: RecordingError,
    },
    /// The policy means nothing.
    #[error(transparent)]
    Policy(#[from] SpecError),
}

impl Explain for ReplayError {
    fn fix(&self) -> Option<String> {
        match self {
            Self::Recording { .. } => Some("Make one with rtx-run --record FILE".to_owned()),
            _ => None,
        }
    }
}

/// What came of a replay.
#[derive(Debug, Serialize)]
pub struct Replayed {
    /// The policy that was recorded.
    pub recorded: String,
    /// The policy that decided now.
    pub policy: String,
    /// Looks.
    pub looks: usize,
    /// The recording ends in the middle of a line.
    pub cut_off: bool,
    /// All decisions of now, in their order.
    pub decisions: Vec<Moment>,
    /// Where they differ from the recorded ones.
    pub differences: Vec<Difference>,
    /// Whether it was the recorded policy, which must decide the same.
    #[serde(skip)]
    same_policy: bool,
    #[serde(skip)]
    boards: Vec<(u8, String)>,
}

/// Decisions of one look.
#[derive(Debug, Serialize)]
pub struct Moment {
    /// In milliseconds since the job began.
    pub time_ms: u64,
    /// What was decided.
    pub decisions: Vec<Decision>,
}

/// Reads a file for a policy.
pub fn read_file(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| error.to_string())
}

/// Replays a recording under its own policy or another one.
pub fn run(path: &Path, other: Option<&str>) -> Result<Replayed, ReplayError> {
    let text = fs::read_to_string(path).map_err(|source| ReplayError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let recording = Recording::parse(&text).map_err(|source| ReplayError::Recording {
        path: path.to_owned(),
        source,
    })?;
    let spec = match other {
        Some(text) => PolicySpec::parse(text, &read_file)?,
        None => recording.header.policy.clone(),
    };
    let mut policy = spec.build()?;
    let decided = replay(&recording, &mut *policy);
    let differences = differences(&recording, &decided);
    let last = recording.looks.last();
    let boards = last.map_or(Vec::new(), |look| {
        let boards = look.snapshot.boards.iter();
        boards.map(|b| (b.id, b.name.clone())).collect()
    });
    let moments = recording.looks.iter().zip(decided);
    let moments = moments.filter(|(_, decisions)| !decisions.is_empty());
    Ok(Replayed {
        recorded: recording.header.policy.text,
        policy: spec.text,
        looks: recording.looks.len(),
        cut_off: recording.cut_off,
        decisions: moments
            .map(|(look, decisions)| Moment {
                time_ms: look.snapshot.time_ms,
                decisions,
            })
            .collect(),
        differences,
        same_policy: other.is_none(),
        boards,
    })
}

impl Replayed {
    /// Whether the recorded policy has decided otherwise than was recorded, which must not be.
    pub fn failed(&self) -> bool {
        self.same_policy && !self.differences.is_empty()
    }

    /// For people.
    pub fn text(&self) -> String {
        let name = |id: u8| {
            let board = self.boards.iter().find(|(board, _)| *board == id);
            board.map_or(format!("board {id}"), |(_, name)| name.clone())
        };
        let time = |ms: u64| format!("{:>9.3} s", ms as f64 / 1000.0);
        let mut lines = vec![format!(
            "policy {} on {} looks recorded under {}",
            self.policy, self.looks, self.recorded
        )];
        if self.same_policy {
            for difference in &self.differences {
                lines.push(format!("line {} differs:", difference.line));
                let of = |decisions: &[Decision], sign: char| {
                    let words = decisions.iter().map(|d| words(d, name));
                    let at = time(difference.time_ms);
                    let words = words.map(|w| format!("{sign}{at}  {w}"));
                    words.collect::<Vec<_>>()
                };
                lines.extend(of(&difference.recorded, '-'));
                lines.extend(of(&difference.replayed, '+'));
            }
        }
        if self.differences.is_empty() || !self.same_policy {
            for moment in &self.decisions {
                let words = moment.decisions.iter().map(|d| words(d, name));
                lines.extend(words.map(|w| format!("{}  {w}", time(moment.time_ms))));
            }
        }
        lines.push(match (self.differences.len(), self.same_policy) {
            (0, _) => "the decisions are those of the recording".to_owned(),
            (n, true) => {
                format!("{n} looks differ: the recording is of another version, or was changed")
            }
            (n, false) => format!("{n} looks are answered otherwise than in the recording"),
        });
        if self.cut_off {
            lines.push("the recording ends in the middle of a line, which is left out".to_owned());
        }
        lines.join("\n") + "\n"
    }
}
