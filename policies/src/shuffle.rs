//! `shuffle`: a test of everything else. Threads move to and fro at random moments.
//!
//! It spares nobody: neither the main thread nor a thread that waits in a system call. Which thread
//! moves when follows from the seed and the snapshots alone; what a real run shows in its snapshots
//! depends on time, so that a seed makes a failure likelier to be met again, not certain.

use std::time::Duration;

use crate::random::Random;
use crate::spec::Values;
use crate::{Action, BoardLoad, Decision, Place, Policy, Snapshot, ThreadView};

/// Milliseconds between two looks.
const TICK_MS: u64 = 2;

/// Threads that move as often as they are told.
const CROWD: usize = 8;

/// Moves any thread at any time.
#[derive(Debug, Clone)]
pub struct Shuffle {
    name: String,
    random: Random,
    mean_ms: u64,
    moves: u64,
}

impl Shuffle {
    pub(crate) fn new(values: &Values) -> Self {
        let (seed, mean_ms) = (values.count("seed"), values.count("mean"));
        Self {
            name: format!("shuffle:{seed}:{mean_ms}"),
            random: Random::new(seed),
            mean_ms,
            moves: 0,
        }
    }

    /// Looks that a thread sees pass on its board before it moves, on average. In a crowd each move
    /// takes longer, because all share the work: each thread moves less often, and all together too,
    /// or none would get on.
    fn looks(&self, threads: usize) -> u64 {
        let crowds = (threads / CROWD).max(1) as u64;
        (self.mean_ms / TICK_MS).max(1) * crowds * crowds
    }

    fn decision(&mut self, thread: &ThreadView, action: Action) -> Decision {
        self.moves += 1;
        Decision {
            tid: thread.tid,
            action,
            reason: format!("random move {} of {}", self.moves, self.name),
        }
    }

    /// One of the boards that take a thread.
    fn choose<'a>(&mut self, boards: &'a mut [BoardLoad]) -> Option<&'a mut BoardLoad> {
        let open = boards.iter_mut().filter(|b| b.free_slots() > 0);
        let mut open: Vec<_> = open.collect();
        if open.is_empty() {
            return None;
        }
        let index = self.random.below(open.len() as u64) as usize;
        Some(open.swap_remove(index))
    }
}

impl Policy for Shuffle {
    fn name(&self) -> &str {
        &self.name
    }

    /// A thread at home leaves sooner than one on a board returns, so that most time is spent on
    /// boards, where mistakes show.
    fn decide(&mut self, snapshot: &Snapshot) -> Vec<Decision> {
        let mut boards = snapshot.boards.clone();
        let mut decisions = Vec::new();
        let looks = self.looks(snapshot.threads.len());
        for thread in snapshot.threads.iter().filter(|t| !t.moving) {
            match thread.place {
                Place::Board(_) => {
                    if self.random.once_in(looks) {
                        decisions.push(self.decision(thread, Action::Recall));
                    }
                }
                Place::Home if thread.pinned => {}
                Place::Home => {
                    if self.random.once_in(looks.div_ceil(2))
                        && let Some(board) = self.choose(&mut boards)
                    {
                        board.add_thread();
                        let board = board.id;
                        decisions.push(self.decision(thread, Action::Offload { board }));
                    }
                }
            }
        }
        decisions
    }

    fn wants_ticks(&self) -> Option<Duration> {
        Some(Duration::from_millis(TICK_MS))
    }

    fn wants_figures(&self) -> bool {
        false
    }

    fn moves_blocked(&self) -> bool {
        true
    }
}

#[cfg(test)]
#[path = "shuffle_tests.rs"]
mod tests;
