//! Handlers of signals to foreign threads. They run on the shadow, in home's ISA: as code of the program at
//! home, in its memory, under the thread's own number, mask and alternate stack.

use super::{Beneath, What, stand_below};
use crate::guest::ptrace::{self, Tid};
use crate::home::error::JobError;
use crate::home::messages::{Foreign, Held};
use crate::home::shadow::Outcome;
use crate::home::supervisor::{Supervisor, alive};
use crate::home::thread::{AtHome, Place};

impl Supervisor {
    /// A signal is delivered to the shadow of a thread that waits on its board for a home call, whether
    /// the shadow has begun that or not.
    pub(in crate::home) fn handle_in_call(
        &mut self,
        tid: Tid,
        signal: i32,
        outcome: Outcome,
    ) -> Result<(), JobError> {
        let thread = self.threads.get_mut(&tid).expect("caller checked");
        match std::mem::replace(&mut thread.place, Place::Home(AtHome::Free)) {
            Place::Away(away) => {
                let board = away.board;
                let what = What::InCall(away);
                thread.beneath = Some(Beneath { board, what });
            }
            Place::Home(_) => unreachable!("caller checked"),
        }
        self.give_up_remainder(tid, false)?;
        self.deadlines.remove(&tid);
        self.owe(tid)?;
        self.paid(tid, signal);
        self.handle(tid, signal, outcome)
    }

    /// Delivers `signal`, for which the kernel thread is stopped, on the stack under the foreign thread's
    /// frames.
    pub(super) fn handle(
        &mut self,
        tid: Tid,
        signal: i32,
        outcome: Outcome,
    ) -> Result<(), JobError> {
        let Some(mut regs) = alive(ptrace::registers(tid), "read registers")? else {
            return Ok(());
        };
        let beneath = self.threads.get(&tid).and_then(|t| t.beneath.as_ref());
        let sp = match beneath.map(|b| &b.what) {
            Some(What::InCall(away)) => away.call.map_or(0, |call| call.sp),
            Some(What::Still(context) | What::Makes(context, _)) => match &context.state {
                Held::Theirs(Foreign { sp, .. }) => *sp,
                Held::Ours { .. } => regs.sp(),
            },
            None => regs.sp(),
        };
        if outcome == Outcome::Handler {
            self.note_cancel(tid, signal)?;
        }
        stand_below(&mut regs, sp);
        if !self.stand(tid, &regs, signal)? {
            return Ok(());
        }
        match outcome {
            Outcome::Core => self.on_fatal(tid, signal),
            Outcome::Handler => self.resume(tid, signal),
            // Its disposition has changed since.
            Outcome::Plain | Outcome::Ignored => {
                let signal = if outcome == Outcome::Plain { signal } else { 0 };
                self.resume_beneath(tid, signal)
            }
        }
    }
}
