//! Replay: a policy decides again on what was recorded.

use serde::Serialize;

use crate::record::Recording;
use crate::{Action, AtSync, Decision, Policy};

/// What a policy decides on a recording, look by look.
pub fn replay(recording: &Recording, policy: &mut dyn Policy) -> Vec<Vec<Decision>> {
    let looks = recording.looks.iter();
    looks.map(|look| policy.decide(&look.snapshot)).collect()
}

/// A look at which a policy decides something else than was recorded.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The line of the recording, counted from 1.
    pub line: usize,
    /// When, in milliseconds since the job began.
    pub time_ms: u64,
    /// What was recorded.
    pub recorded: Vec<Decision>,
    /// What is decided now.
    pub replayed: Vec<Decision>,
}

/// Where decisions differ from the recorded ones, reasons included.
pub fn differences(recording: &Recording, replayed: &[Vec<Decision>]) -> Vec<Difference> {
    let pairs = recording.looks.iter().zip(replayed).enumerate();
    pairs
        .filter(|(_, (look, now))| look.decisions != **now)
        .map(|(index, (look, now))| Difference {
            line: index + 2,
            time_ms: look.snapshot.time_ms,
            recorded: look.decisions.clone(),
            replayed: now.clone(),
        })
        .collect()
}

/// A decision in words.
pub fn words(decision: &Decision, board: impl Fn(u8) -> String) -> String {
    let Decision { tid, reason, .. } = decision;
    let what = match decision.action {
        Action::Offload { board: id } => format!("offload {tid} to {}", board(id)),
        Action::Recall => format!("recall {tid}"),
        Action::AtSync(AtSync::Immediate) => format!("{tid} goes on at once after synchronising"),
        Action::AtSync(AtSync::StickyMs(ms)) => {
            format!("{tid} stays home {ms} ms after synchronising")
        }
        Action::AtSync(AtSync::Stay) => format!("{tid} stays home after synchronising"),
    };
    format!("{what}: {reason}")
}
