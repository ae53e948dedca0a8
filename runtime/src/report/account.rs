//! What is told of a job to say why each thread moved, or did not: of a report, or of a job that runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::schema::Report;
use super::timeline::Timeline;

/// The account.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Account {
    /// The policy's name.
    pub policy: String,
    /// Names of boards.
    pub boards: Vec<String>,
    /// How often each thread went to boards; under 0 those that are not told one by one, together.
    pub offloads: BTreeMap<i32, u64>,
    /// Why the policy left threads at home that live.
    pub stays: BTreeMap<i32, String>,
    /// Where threads were when; without load.
    pub timeline: Timeline,
}

impl From<Report> for Account {
    fn from(report: Report) -> Self {
        let mut offloads = BTreeMap::new();
        for thread in &report.threads {
            *offloads.entry(thread.tid).or_default() += thread.offloads;
        }
        Self {
            policy: report.policy,
            boards: report.boards.into_iter().map(|board| board.name).collect(),
            offloads,
            stays: BTreeMap::new(),
            timeline: report.timeline,
        }
    }
}
