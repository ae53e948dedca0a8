//! Threads that come home for a signal's handler. They leave again when it returns, not only at the next
//! tick: a program that gets many signals would hardly ever be away. A handler returns by a call
//! (rt_sigreturn), so its calls are watched; one that makes many, or that never returns (it jumps),
//! is left alone.

use super::error::JobError;
use super::supervisor::{Supervisor, alive};
use crate::calls;
use crate::guest::ptrace::{self, Tid};

/// Calls of a handler that are watched.
const WATCHED: u8 = 16;

/// A handler that a thread is home for.
#[derive(Clone, Copy, Debug)]
pub struct Handler {
    /// How many more of its calls are watched.
    calls: u8,
    /// It is in the call by which it returns.
    returning: bool,
}

impl Supervisor {
    /// A thread that has come home is about to run a handler.
    pub(super) fn await_return(&mut self, tid: Tid) {
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.handler = Some(Handler {
                calls: WATCHED,
                returning: false,
            });
        }
    }

    /// A thread at home whose calls are watched, because of a handler or a deadline, is at the entry to
    /// or the exit from one.
    pub(super) fn on_watched_call(&mut self, tid: Tid) -> Result<(), JobError> {
        let (Some(enters), Some(mut regs)) = (
            alive(ptrace::enters_call(tid), "read an event")?,
            alive(ptrace::registers(tid), "read registers")?,
        ) else {
            return Ok(());
        };
        let handler = self.threads.get_mut(&tid).map(|t| &mut t.handler);
        if enters {
            if let Some(watched) = handler
                && let Some(handler) = watched
            {
                handler.returning = regs.call_in_progress() == Some(libc::SYS_rt_sigreturn as u64);
                handler.calls -= 1;
                if handler.calls == 0 {
                    *watched = None;
                }
            }
        } else if let Some(watched) = handler
            && watched.is_some_and(|h| h.returning)
        {
            *watched = None;
            if alive(ptrace::signal_is_pending(tid), "look for signals")?.unwrap_or(true) {
                // The next handler runs before anything else does.
                self.await_return(tid);
                return self.resume(tid, 0);
            }
            return self.settle(tid);
        } else if regs.call_will_restart()
            || calls::driven_out(&regs)
            || self.is_to_go_on(tid, &mut regs)?
        {
            // This stop may have used up the one that drove it out.
            alive(ptrace::interrupt(tid), "stop a thread")?;
        } else {
            self.deadlines.remove(&tid);
        }
        self.resume(tid, 0)
    }
}
