//! Where everything is, for an operator.

use std::collections::VecDeque;

use rtx_policies::Snapshot;
use serde::{Deserialize, Serialize};

use crate::guest::ptrace::Tid;
use crate::report::HotPage;

/// Decisions that are remembered.
const REMEMBERED: usize = 64;

/// A decision, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// Milliseconds since the job began.
    pub time_ms: u64,
    pub tid: Tid,
    /// What becomes of the thread.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// The last decisions, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Decisions(VecDeque<Decided>);

impl Decisions {
    /// Remembers one more.
    pub fn push(&mut self, decided: Decided) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(decided);
    }

    /// All of them.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Decided> {
        self.0.iter()
    }
}

/// A job at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The process id of the program.
    pub pid: Tid,
    /// The name of its policy.
    pub policy: String,
    /// What the policy sees.
    pub snapshot: Snapshot,
    /// What was decided last.
    pub decisions: Decisions,
    /// The pages over which nodes fight, the worst first, at most 8. What lies in them the job does not find out: who
    /// asks can.
    #[serde(default)]
    pub hot_pages: Vec<HotPage>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_decisions_are_remembered() {
        let mut decisions = Decisions::default();
        for tid in 0..100 {
            decisions.push(Decided {
                tid,
                ..Decided::default()
            });
        }
        let tids: Vec<Tid> = decisions.iter().map(|d| d.tid).collect();
        assert_eq!(tids, (36..100).collect::<Vec<_>>());
    }
}
