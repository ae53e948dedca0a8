//! Cancelling foreign threads (pthread_cancel). libc's handler looks where it has interrupted its thread,
//! to end it only before a system call has done anything. At home it sees the shadow's place instead, so the
//! thread's words say whether it is in such a call (docs/continuations.md, "The thread"), and home ends the call
//! with EINTR, which libc takes for a cancellation: one that it has not begun, and one that the kernel would make again.

use nix::unistd::Pid;

use crate::continuations::CANCELLABLE;
use crate::guest::ptrace::{self, Tid};
use crate::home::error::JobError;
use crate::home::supervisor::{Supervisor, alive};
use crate::memory::remote;

/// The signal of musl's pthread_cancel.
const SIGCANCEL: i32 = 33;

impl Supervisor {
    /// A handler of `signal` is about to run in a stopped thread.
    pub(in crate::home) fn note_cancel(&mut self, tid: Tid, signal: i32) -> Result<(), JobError> {
        let foreign = self.threads.get(&tid).is_some_and(|t| t.beneath.is_some());
        let Some(pair) = self
            .pair
            .as_ref()
            .filter(|_| foreign && signal == SIGCANCEL)
        else {
            return Ok(());
        };
        let offset = pair.home.note.thread_pointer;
        let Some(regs) = alive(ptrace::registers(tid), "read registers")? else {
            return Ok(());
        };
        let pthread = regs.thread_pointer().wrapping_add_signed(-offset);
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.cancelled = Some(pthread + CANCELLABLE);
        }
        Ok(())
    }

    /// Whether a foreign thread, whose handlers have returned, is to leave the call in which it is: it has been
    /// signalled, and the call is one that may end by that.
    pub(in crate::home) fn leaves_call(&mut self, tid: Tid) -> Result<bool, JobError> {
        let thread = self.threads.get_mut(&tid);
        let at = thread.and_then(|thread| thread.cancelled.take());
        let (Some(at), Some(setup)) = (at, &self.setup) else {
            return Ok(false);
        };
        match remote::read_word(Pid::from_raw(setup.memory), at) {
            Ok(word) => Ok(word == 1),
            Err(remote::RemoteError::Gone { .. }) => Ok(false),
            Err(e) => Err(JobError::Kernel(
                "read the program's memory",
                std::io::Error::other(e),
            )),
        }
    }
}
