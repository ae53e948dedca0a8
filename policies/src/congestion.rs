//! `congestion`: threads leave while home has more of them than cores, and return when it has not.
//!
//! A first version. It looks at run queues only: what a thread's memory traffic costs on a board,
//! it does not weigh. It acts on what lasts: an excess must be seen in two snapshots in a row, and
//! cores must have idled for [`IDLE_MS`] before a thread is called home for them.

use std::cmp::Reverse;
use std::time::Duration;

use crate::{Action, BoardLoad, Decision, NodeLoad, Policy, Snapshot, ThreadState, ThreadView};

/// Milliseconds between two looks at the run queues.
const TICK_MS: u64 = 100;

/// Milliseconds for which home must have idle cores before threads are recalled.
const IDLE_MS: u64 = 1000;

/// Offloads while runnable threads at home exceed its cores.
#[derive(Debug, Clone, Default)]
pub struct Congestion {
    /// When the last snapshot that counts was taken, in milliseconds.
    seen_ms: Option<u64>,
    /// Runnable threads beyond home's cores in that snapshot.
    excess: u32,
    /// Since when home has had idle cores, in milliseconds.
    idle_since: Option<u64>,
}

impl Policy for Congestion {
    fn name(&self) -> &str {
        "congestion"
    }

    /// Snapshots that follow another within half a tick (a thread was just created) are not
    /// looked at: two of them would not show anything that lasts.
    fn decide(&mut self, snapshot: &Snapshot) -> Vec<Decision> {
        let now = snapshot.time_ms;
        if self.seen_ms.is_some_and(|seen| now < seen + TICK_MS / 2) {
            return Vec::new();
        }
        self.seen_ms = Some(now);
        let excess = snapshot.home.runnable.saturating_sub(snapshot.home.cores);
        let lasting = excess.min(self.excess);
        if lasting > 0 {
            self.excess = 0;
            self.idle_since = None;
            return relieve(snapshot, lasting);
        }
        self.excess = excess;
        if snapshot.home.runnable >= snapshot.home.cores {
            self.idle_since = None;
            return Vec::new();
        }
        let since = *self.idle_since.get_or_insert(now);
        if now - since < IDLE_MS {
            return Vec::new();
        }
        self.idle_since = None;
        fill(snapshot, snapshot.home.cores - snapshot.home.runnable)
    }

    fn wants_ticks(&self) -> Option<Duration> {
        Some(Duration::from_millis(TICK_MS))
    }
}

/// Offloads up to `count` threads, longest-running first.
fn relieve(snapshot: &Snapshot, count: u32) -> Vec<Decision> {
    let mut leaving: Vec<&ThreadView> = snapshot
        .threads
        .iter()
        .filter(|t| t.may_leave() && t.state == ThreadState::Running)
        .collect();
    leaving.sort_by_key(|t| (Reverse(t.cpu_ns), t.tid));

    let mut home = snapshot.home.clone();
    let mut boards = snapshot.boards.clone();
    let mut decisions = Vec::new();
    for thread in leaving.into_iter().take(count as usize) {
        let Some(board) = least_loaded(&mut boards, &home) else {
            break;
        };
        decisions.push(Decision {
            tid: thread.tid,
            action: Action::Offload { board: board.id },
            reason: format!(
                "{} runnable threads on {} cores at home; {} has {} on {}",
                home.runnable, home.cores, board.name, board.runnable, board.cores
            ),
        });
        board.threads = board.threads.saturating_add(1);
        board.runnable = board.runnable.saturating_add(1);
        home.runnable = home.runnable.saturating_sub(1);
    }
    decisions
}

/// The board with the fewest runnable threads per core among those that have a free slot and
/// would, with one thread more, not be more crowded than home is now.
fn least_loaded<'a>(boards: &'a mut [BoardLoad], home: &NodeLoad) -> Option<&'a mut BoardLoad> {
    let per_core = |runnable: u32, cores: u32| f64::from(runnable) / f64::from(cores.max(1));
    let limit = per_core(home.runnable, home.cores);
    boards
        .iter_mut()
        .filter(|b| b.free_slots() > 0)
        .filter(|b| per_core(b.runnable.saturating_add(1), b.cores) <= limit)
        .min_by(|a, b| {
            let crowd = |board: &BoardLoad| per_core(board.runnable, board.cores);
            crowd(a).total_cmp(&crowd(b)).then(a.id.cmp(&b.id))
        })
}

/// Recalls up to `count` threads, those first that talk to home most.
fn fill(snapshot: &Snapshot, count: u32) -> Vec<Decision> {
    let mut away: Vec<&ThreadView> = snapshot
        .threads
        .iter()
        .filter(|t| t.may_return().is_some() && t.state == ThreadState::Running)
        .collect();
    away.sort_by_key(|t| (Reverse(t.faults.saturating_add(t.home_calls)), t.tid));
    away.into_iter()
        .take(count as usize)
        .map(|thread| Decision {
            tid: thread.tid,
            action: Action::Recall,
            reason: format!("home has had {count} idle cores for {IDLE_MS} ms"),
        })
        .collect()
}

#[cfg(test)]
#[path = "congestion_tests.rs"]
mod tests;
