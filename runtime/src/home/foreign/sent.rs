//! Signals that a handler sends to its own thread. Natively they come when the handler has returned, before the thread's
//! next instruction. So when they wait at the end of a handler that ran at home, they come before the frames on the board
//! go on, while what others send may come later.

use crate::guest::ptrace::{self, Tid, bit};
use crate::home::error::JobError;
use crate::home::supervisor::{Supervisor, alive};
use crate::home::thread::{AtHome, Place};

/// The highest number of a signal.
const LAST: i32 = 64;

/// The signal that a call sends to this thread of this process, if it is one that does.
fn sent_to_itself(call: i64, args: [u64; 6], (pid, tid): (Tid, Tid)) -> Option<i32> {
    let [first, second, third, ..] = args.map(|arg| arg as i32);
    let (to, signal) = match call {
        libc::SYS_kill | libc::SYS_rt_sigqueueinfo => (first == pid, second),
        libc::SYS_tkill => (first == tid, second),
        libc::SYS_tgkill | libc::SYS_rt_tgsigqueueinfo => (second == tid, third),
        _ => return None,
    };
    (to && (1..=LAST).contains(&signal)).then_some(signal)
}

impl Supervisor {
    /// A thread at home is at the entry to or the exit from a call: whether it sends itself a signal in a handler is
    /// noted.
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
        let entered = alive(ptrace::enters_call(tid), "read an event")?.unwrap_or(false);
        let call = regs.call_in_progress().filter(|_| entered);
        let ids = (self.pid, tid);
        let signal = call.and_then(|call| sent_to_itself(call as i64, regs.call_arguments(), ids));
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.sent.extend(signal);
        }
        Ok(())
    }

    /// A handler of a stopped thread has returned: whether a signal that the thread has sent itself comes next.
    pub(super) fn comes_again(&mut self, tid: Tid) -> Result<bool, JobError> {
        let sends = self.threads.get(&tid).is_some_and(|t| !t.sent.is_empty());
        if !sends {
            return Ok(false);
        }
        let waiting = alive(ptrace::signals_pending(tid), "look for signals")?.unwrap_or_default();
        let thread = self.threads.get_mut(&tid).expect("just seen");
        thread
            .sent
            .retain(|signal| waiting.numbers & bit(*signal) != 0);
        Ok(!thread.sent.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_sent_to_the_thread_itself_counts() {
        let ids = (100, 103);
        let sent =
            |call, args: [u64; 3]| sent_to_itself(call, [args[0], args[1], args[2], 0, 0, 0], ids);
        assert_eq!(sent(libc::SYS_tkill, [103, 10, 0]), Some(10));
        assert_eq!(sent(libc::SYS_tgkill, [100, 103, 34]), Some(34));
        assert_eq!(sent(libc::SYS_kill, [100, 15, 0]), Some(15));
        assert_eq!(sent(libc::SYS_tkill, [104, 10, 0]), None);
        assert_eq!(sent(libc::SYS_kill, [99, 15, 0]), None);
        assert_eq!(sent(libc::SYS_tkill, [103, 0, 0]), None, "it only asks");
        assert_eq!(sent(libc::SYS_tkill, [103, 65, 0]), None, "there is none");
        assert_eq!(sent(libc::SYS_write, [103, 10, 0]), None);
    }
}
