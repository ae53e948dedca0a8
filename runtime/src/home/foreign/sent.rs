//! Signals that a handler sends to its own thread. Natively they come when the handler has returned, before the thread's
//! next instruction. So when they wait at the end of a handler that ran at home, they come before the frames on the board
//! go on, while what others send may come later.

use crate::guest::ptrace::{self, Tid, bit};
use crate::home::error::JobError;
use crate::home::supervisor::{Supervisor, alive};
use crate::home::thread::{AtHome, Place};

/// The highest number of a signal.
const LAST: u64 = 64;

/// Which argument of a call names the signal that it sends.
fn signal_argument(call: i64) -> Option<usize> {
    match call {
        libc::SYS_kill
        | libc::SYS_tkill
        | libc::SYS_rt_sigqueueinfo
        | libc::SYS_pidfd_send_signal => Some(1),
        libc::SYS_tgkill | libc::SYS_rt_tgsigqueueinfo => Some(2),
        _ => None,
    }
}

impl Supervisor {
    /// A thread at home is at the entry to or the exit from a call: whether it sends a signal in a handler is noted.
    pub(in crate::home) fn note_sent(&mut self, tid: Tid) -> Result<(), JobError> {
        let handles = self.threads.get(&tid).is_some_and(|thread| {
            thread.beneath.is_some() && matches!(thread.place, Place::Home(AtHome::Free))
        });
        if !handles {
            return Ok(());
        }
        let Some(regs) = alive(ptrace::registers(tid), "read registers")? else {
            return Ok(());
        };
        let call = regs.call_in_progress().map(|call| call as i64);
        let Some(argument) = call.and_then(signal_argument) else {
            return Ok(());
        };
        let signal = regs.call_arguments()[argument];
        if let Some(thread) = self.threads.get_mut(&tid)
            && (1..=LAST).contains(&signal)
        {
            thread.sent |= bit(signal as i32);
        }
        Ok(())
    }

    /// A handler of a stopped thread has returned: whether a signal that the thread has sent itself comes next.
    pub(super) fn comes_again(&mut self, tid: Tid) -> Result<bool, JobError> {
        let thread = self.threads.get_mut(&tid);
        let sent = thread.map_or(0, |thread| std::mem::take(&mut thread.sent));
        if sent == 0 {
            return Ok(false);
        }
        let waiting = alive(ptrace::signals_pending(tid), "look for signals")?.unwrap_or_default();
        let waiting = waiting.numbers & sent;
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.sent = waiting;
        }
        Ok(waiting != 0)
    }
}
