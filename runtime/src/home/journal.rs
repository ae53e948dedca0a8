//! Telling what happens to threads: the one place where the supervisor makes events.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::messages::BoardId;
use super::operator::status::Decided;
use super::supervisor::Supervisor;
use super::thread::Thread;
use crate::guest::ptrace::Tid;
use crate::report::timeline::{Recorder, Timeline};
use crate::report::{Event, Gauges, RecallCause, Refusal, What};

/// What has to be remembered to tell it well.
pub(super) struct Journal {
    pub gauges: Arc<Gauges>,
    /// Where threads were until now, for an operator.
    recorder: Recorder,
    /// Why threads are wanted on a board, until they leave.
    wishes: BTreeMap<Tid, String>,
    /// Why threads stayed last, until they leave.
    refused: BTreeMap<Tid, Refusal>,
}

/// What is decided about a thread, or about the whole program.
#[derive(Clone, Copy, Debug)]
pub(super) enum Decision {
    /// It is wanted on a board. The event is made when it leaves.
    Offload,
    /// The policy wants it back.
    Recall,
    /// The program stays at home from now on.
    KeepHome,
    /// The same, and its threads come home.
    Withdraw,
    /// Something that makes no event.
    Other(&'static str),
}

impl Decision {
    fn words(self) -> &'static str {
        match self {
            Decision::Offload => "offload",
            Decision::Recall => "recall",
            Decision::KeepHome => "keep home",
            Decision::Withdraw => "withdraw",
            Decision::Other(words) => words,
        }
    }
}

impl Journal {
    pub fn new(gauges: Arc<Gauges>) -> Self {
        Self {
            gauges,
            recorder: Recorder::default(),
            wishes: BTreeMap::new(),
            refused: BTreeMap::new(),
        }
    }
}

impl Supervisor {
    pub(super) fn note(&mut self, tid: Tid, what: What) {
        let t_s = self.started.elapsed().as_secs_f64();
        let event = Event { t_s, tid, what };
        self.journal.recorder.take(&event);
        self.observer.event(event);
    }

    /// Where threads were until now.
    pub(super) fn so_far(&self) -> Timeline {
        let t_s = self.started.elapsed().as_secs_f64();
        self.journal.recorder.so_far(t_s)
    }

    fn board_name(&self, board: BoardId) -> String {
        let facts = usize::from(board).checked_sub(1);
        let facts = facts.and_then(|i| self.boards.get(i));
        facts.map_or_else(String::new, |facts| facts.name.clone())
    }

    /// Takes note of a decision, and tells who observes the job: the one way for all of them.
    pub(super) fn decided(&mut self, tid: Tid, decision: Decision, reason: &str) {
        let what = decision.words();
        self.observer.decision(tid, what, reason);
        self.decisions.push(Decided {
            time_ms: self.started.elapsed().as_millis() as u64,
            tid,
            what: what.to_owned(),
            reason: reason.to_owned(),
        });
        let reason = reason.to_owned();
        match decision {
            Decision::Offload => drop(self.journal.wishes.insert(tid, reason)),
            Decision::Recall if self.threads.get(&tid).is_some_and(Thread::is_away) => {
                self.note(tid, What::Recall { reason });
            }
            Decision::KeepHome | Decision::Withdraw => self.note(tid, What::Keep { reason }),
            Decision::Recall | Decision::Other(_) => {}
        }
    }

    /// A thread leaves for a board; `otherwise` is why, if not because the policy wanted it.
    pub(super) fn note_leaves(&mut self, tid: Tid, board: BoardId, otherwise: &str) {
        let wish = self.journal.wishes.remove(&tid);
        self.journal.refused.remove(&tid);
        let what = What::Offload {
            board: self.board_name(board),
            reason: wish.unwrap_or_else(|| otherwise.to_owned()),
        };
        self.note(tid, what);
    }

    pub(super) fn note_runs(&mut self, tid: Tid, board: BoardId) {
        let board = self.board_name(board);
        self.note(tid, What::Runs { board });
    }

    pub(super) fn note_home(&mut self, tid: Tid, board: BoardId, cause: RecallCause) {
        let board = self.board_name(board);
        self.note(tid, What::Home { board, cause });
    }

    /// A thread was to go to a board and stays.
    pub(super) fn note_refused(&mut self, tid: Tid, board: Option<BoardId>, reason: Refusal) {
        self.journal.gauges.refused(reason);
        if self.journal.refused.insert(tid, reason) != Some(reason) {
            let board = board.map(|board| self.board_name(board));
            self.note(tid, What::Refused { board, reason });
        }
    }

    /// A thread has ended; `left`: it was on a board.
    pub(super) fn note_ended(&mut self, tid: Tid, left: bool) {
        self.journal.wishes.remove(&tid);
        self.journal.refused.remove(&tid);
        // Who never left stayed for a reason.
        let stayed = (!left).then(|| self.policy.why_here(tid)).flatten();
        self.note(tid, What::Ended { stayed });
    }
}
