//! Home calls that get ahead of signals. Handlers of a foreign thread that waits for a home call run on its shadow, and the
//! kernel hands the shadow whatever signal waits before it runs one instruction. If signals come faster than handlers
//! return, it would never make the call. So after a handler it goes into the call with all signals blocked, and has its
//! mask again at the entry to that: signals that wait then make of the call what they natively do.

use crate::guest::ptrace::{self, Tid};
use crate::home::error::JobError;
use crate::home::supervisor::{Supervisor, alive};

const ALL: u64 = u64::MAX;

impl Supervisor {
    /// A stopped shadow is to go into its call before any signal comes.
    pub(super) fn go_ahead(&mut self, tid: Tid) -> Result<(), JobError> {
        let Some(mask) = alive(ptrace::signal_mask(tid), "read a signal mask")? else {
            return Ok(());
        };
        let blocked = alive(ptrace::set_signal_mask(tid, ALL), "block signals")?;
        if let Some(thread) = self.threads.get_mut(&tid).filter(|_| blocked.is_some()) {
            thread.own_mask = Some(mask);
        }
        Ok(())
    }

    /// A thread has stopped: its mask is its own again.
    pub(in crate::home) fn take_own_mask(&mut self, tid: Tid) -> Result<(), JobError> {
        let thread = self.threads.get_mut(&tid);
        match thread.and_then(|thread| thread.own_mask.take()) {
            Some(mask) => alive(ptrace::set_signal_mask(tid, mask), "unblock signals").map(drop),
            None => Ok(()),
        }
    }
}
