//! Handlers that do not return to a foreign thread, but jump (siglongjmp). The handler runs at home, and the
//! frames to which it jumps are on the board: there the thread goes on in longjmp itself.

use super::{Beneath, What};
use crate::continuations::JUMP;
use crate::guest::ptrace::{self, Tid};
use crate::home::error::JobError;
use crate::home::supervisor::{Supervisor, alive};
use crate::home::thread::{AtHome, Place, Shadow};
use crate::report::RecallCause;
use crate::wire::message::{Amend, Jump};

impl Supervisor {
    /// A thread at home is at the entry to or the exit from a call: whether it jumps to its board by it.
    pub(in crate::home) fn jumps(&mut self, tid: Tid) -> Result<bool, JobError> {
        let may = self.threads.get(&tid).is_some_and(|thread| {
            thread.beneath.is_some() && matches!(thread.place, Place::Home(AtHome::Free))
        });
        if !may {
            return Ok(false);
        }
        let Some(regs) = alive(ptrace::registers(tid), "read registers")? else {
            return Ok(false);
        };
        if regs.call_in_progress() != Some(JUMP as u64)
            || !alive(ptrace::enters_call(tid), "read an event")?.unwrap_or(false)
        {
            return Ok(false);
        }
        let [function, first, second, ..] = regs.call_arguments();
        let jump = Jump {
            function,
            first,
            second,
        };
        let Some(thread) = self.threads.get_mut(&tid) else {
            return Ok(false);
        };
        let Some(Beneath { board, what }) = thread.beneath.take() else {
            return Ok(false);
        };
        if let What::InCall(mut away) = what {
            // Its registers are still there, waiting for the call, which nobody makes any more.
            thread.jumps = Some(jump);
            thread.cancelled = None;
            (away.call, away.shadow) = (None, Shadow::Held(0));
            thread.place = Place::Away(away);
            self.end_translated(tid);
            self.recall(tid, RecallCause::Signal)?;
            return Ok(true);
        }
        thread.beneath = Some(Beneath { board, what });
        let amend = Amend {
            jump: Some(jump),
            ..Amend::default()
        };
        self.go_back(tid, amend)?;
        Ok(true)
    }
}
