//! Letting the guest go: every thread comes back, every page comes home, and tracing ends.

use super::error::JobError;
use super::messages::ToPager;
use super::supervisor::{Ended, Supervisor, Waiting, alive};
use crate::guest::ptrace::{self, Tid};
use crate::guest::stop::Stop;
use crate::report::RecallCause;

impl Supervisor {
    /// Begins to let the guest go.
    pub(super) fn detach(&mut self) -> Result<(), JobError> {
        self.closed = true;
        self.detaching = true;
        self.recall_all(RecallCause::Detach)?;
        self.check_detached()
    }

    /// Has every thread come back, in the middle of calls too.
    pub(super) fn recall_all(&mut self, cause: RecallCause) -> Result<(), JobError> {
        let away: Vec<Tid> = self
            .threads
            .values()
            .filter(|t| t.is_away())
            .map(|t| t.tid)
            .collect();
        for tid in away {
            self.bring_home(tid, cause)?;
        }
        Ok(())
    }

    /// No thread needs a board, not even one that is still being made.
    pub(super) fn nobody_is_away(&self) -> bool {
        self.births.is_empty() && self.threads.values().all(|t| t.needs().is_none())
    }

    /// Goes on with letting go once no thread is away.
    pub(super) fn check_detached(&mut self) -> Result<(), JobError> {
        if self.detaching && self.nobody_is_away() {
            if self.setup.is_none() {
                return self.let_go();
            }
            let token = self.ask(Waiting::Detach);
            self.tell(ToPager::FetchAll { token });
        }
        Ok(())
    }

    /// Everything is home: stop tracing. The pager closes the userfaultfd when it ends.
    pub(super) fn let_go(&mut self) -> Result<(), JobError> {
        self.detaching = false;
        let frozen = self.freeze()?;
        for tid in self.threads.keys().copied().collect::<Vec<_>>() {
            self.stop_asking(tid)?;
        }
        // The pager must have nothing left to serve before its userfaultfd is closed, and every
        // page is home: from here on the kernel serves faults itself.
        self.tell(ToPager::Finish);
        drop(frozen);
        let deferred: Vec<(Tid, i32)> = self.deferred.drain(..).collect();
        for tid in self.threads.keys().copied().collect::<Vec<_>>() {
            let stop = deferred.iter().find(|(t, _)| *t == tid);
            let stop = stop.map(|(_, status)| Stop::decode(*status));
            let signal = match stop {
                Some(Stop::Signal(signal)) => signal,
                _ => 0,
            };
            let at_call = stop == Some(Stop::Call);
            self.give_up_remainder(tid, at_call)?;
            if signal == 0 {
                self.mend_driven_out(tid)?;
            }
            self.mend_unseen(tid, signal)?;
            alive(ptrace::detach(tid, signal), "let a thread go")?;
        }
        for child in std::mem::take(&mut self.children).into_keys() {
            alive(ptrace::detach(child, 0), "let a child go")?;
        }
        self.ended = Some(Ended::Detached);
        Ok(())
    }
}
