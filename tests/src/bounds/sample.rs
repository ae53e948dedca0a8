//! Looking at rtx's processes.

use std::collections::BTreeMap;

use super::verdict::{Growth, Role, Sample};
use crate::procfs::Process;
use crate::{Running, checkout};

/// All samples so far, of each process.
#[derive(Debug, Default)]
pub(super) struct Watch {
    seen: BTreeMap<(Role, i32), Vec<Sample>>,
}

impl Watch {
    /// Takes a sample of each process of rtx that runs now.
    pub fn look(&mut self, run: &Running) {
        for (role, process) in processes(run) {
            let Some(resident) = process.resident() else {
                continue; // it has just ended
            };
            let sample = Sample {
                resident,
                files: process.open_files().len(),
            };
            self.seen
                .entry((role, process.pid))
                .or_default()
                .push(sample);
        }
    }

    /// What became of each.
    pub fn growths(self) -> Vec<Growth> {
        let growths = self.seen.into_iter();
        growths
            .map(|((role, pid), samples)| Growth::of(role, pid, &samples))
            .collect()
    }
}

/// The processes of rtx in a run, with what each is. The guest itself and what it shares its memory
/// with are the program's.
fn processes(run: &Running) -> Vec<(Role, Process)> {
    let mut found = Vec::new();
    found.extend(Process::find(run.pid()).map(|home| (Role::Home, home)));
    let boards = run.boards();
    let replicas = run.replicas(&boards);
    found.extend(run.keepers().into_iter().map(|p| (Role::Keeper, p)));
    // What a board starts as a replica executes no command of rtx's any more.
    let board = checkout::binary("rtx-board");
    let is_agent = |p: &Process| p.program().is_some_and(|path| path == board);
    found.extend(boards.into_iter().map(|p| (Role::Board, p)));
    found.extend(
        replicas
            .into_iter()
            .filter(|p| !is_agent(p))
            .map(|p| (Role::Replica, p)),
    );
    found
}
