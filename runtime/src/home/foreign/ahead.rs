//! Home calls that get ahead of signals. Handlers of a foreign thread that waits for a home call run on its shadow, and the
//! kernel hands the shadow whatever signal waits before it runs one instruction. If signals come faster than handlers
//! return, it would never make the call, or never be told its result. So only signals that were there first come first:
//! those that waited at the first handler before the call's beginning, and those at its end before its result. Then the
//! shadow goes into the call with all signals blocked, and has its mask again at the entry to that: signals that wait
//! then make of the call what they natively do.

use crate::guest::ptrace::{self, Signals, Tid, bit};
use crate::home::error::JobError;
use crate::home::supervisor::{Supervisor, alive};
use crate::home::thread::{PendingCall, Thread};

const ALL: u64 = u64::MAX;
/// Signals from this one on queue.
const REAL_TIME: i32 = 32;

impl Supervisor {
    /// A handler is about to run before a home call: it and what waits now come before that.
    pub(super) fn owe(&mut self, tid: Tid) -> Result<(), JobError> {
        if self.pending_call(tid).is_some_and(|c| c.owed.is_none()) {
            let waiting = alive(ptrace::signals_pending(tid), "look for signals")?;
            if let Some(call) = self.pending_call(tid) {
                call.owed = waiting;
            }
        }
        Ok(())
    }

    /// A signal is delivered.
    pub(in crate::home) fn paid(&mut self, tid: Tid, signal: i32) {
        if let Some(thread) = self.threads.get_mut(&tid)
            && let Some(at) = thread.sent.iter().position(|sent| *sent == signal)
        {
            thread.sent.swap_remove(at);
        }
        if let Some(call) = self.pending_call(tid)
            && let Some(owed) = &mut call.owed
            && owed.numbers & bit(signal) != 0
        {
            owed.count = owed.count.saturating_sub(1);
            if signal < REAL_TIME {
                owed.numbers &= !bit(signal);
            }
        }
    }

    /// Whether signals still come before what is next in a stopped thread's home call.
    pub(super) fn owes(&mut self, tid: Tid) -> Result<bool, JobError> {
        let owed = self.pending_call(tid).and_then(|call| call.owed);
        let Some(owed) = owed.filter(|owed| owed.count > 0) else {
            return Ok(false);
        };
        let waiting = alive(ptrace::signals_pending(tid), "look for signals")?;
        let waiting: Signals = waiting.unwrap_or_default();
        Ok(waiting.numbers & owed.numbers != 0)
    }

    fn pending_call(&mut self, tid: Tid) -> Option<&mut PendingCall> {
        let away = self.threads.get_mut(&tid).and_then(Thread::abroad)?;
        away.call.as_mut()
    }

    /// A stopped shadow is to go into its call before any signal comes.
    pub(super) fn go_ahead(&mut self, tid: Tid) -> Result<(), JobError> {
        let Some(mask) = alive(ptrace::signal_mask(tid), "read a signal mask")? else {
            return Ok(());
        };
        let blocked = alive(ptrace::set_signal_mask(tid, ALL), "block signals")?;
        if let Some(thread) = self.threads.get_mut(&tid).filter(|_| blocked.is_some()) {
            thread.own_mask.get_or_insert(mask);
        }
        Ok(())
    }

    /// A thread has stopped, or enters no call: its mask is its own again.
    pub(in crate::home) fn take_own_mask(&mut self, tid: Tid) -> Result<(), JobError> {
        let thread = self.threads.get_mut(&tid);
        match thread.and_then(|thread| thread.own_mask.take()) {
            Some(mask) => alive(ptrace::set_signal_mask(tid, mask), "unblock signals").map(drop),
            None => Ok(()),
        }
    }
}
