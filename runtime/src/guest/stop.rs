//! What `waitpid` reports about a traced thread, decoded (ptrace(2), "Stopped states").

/// `PTRACE_EVENT_STOP` (linux/ptrace.h); libc does not name it.
const EVENT_STOP: i32 = 128;

/// Why a thread stopped or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The thread is gone; its exit code.
    Exited(i32),
    /// The thread was killed by this signal.
    Killed {
        /// The signal.
        signal: i32,
        /// A core was written.
        core: bool,
    },
    /// About to be delivered this signal; the tracer decides.
    Signal(i32),
    /// The process is stopped by this signal (job control).
    Group(i32),
    /// Stopped because the tracer asked, or a new thread's first stop.
    Trap,
    /// At the entry to or the exit from a system call.
    Call,
    /// Made a new thread (its id is the event message).
    Clone,
    /// Made a new process.
    Fork,
    /// Runs a new program.
    Exec,
    /// Is about to end; its memory is still there.
    Exiting,
    /// About to make a call that a filter reports to the tracer.
    Filtered,
    /// An event rtx does not ask for.
    Other(i32),
}

impl Stop {
    /// Decodes a wait status.
    pub fn decode(status: i32) -> Stop {
        if libc::WIFEXITED(status) {
            return Stop::Exited(libc::WEXITSTATUS(status));
        }
        if libc::WIFSIGNALED(status) {
            return Stop::Killed {
                signal: libc::WTERMSIG(status),
                core: libc::WCOREDUMP(status),
            };
        }
        let signal = libc::WSTOPSIG(status);
        match status >> 16 {
            0 if signal == libc::SIGTRAP | 0x80 => Stop::Call,
            0 => Stop::Signal(signal),
            EVENT_STOP if signal == libc::SIGTRAP => Stop::Trap,
            EVENT_STOP => Stop::Group(signal),
            libc::PTRACE_EVENT_CLONE => Stop::Clone,
            libc::PTRACE_EVENT_FORK => Stop::Fork,
            libc::PTRACE_EVENT_EXEC => Stop::Exec,
            libc::PTRACE_EVENT_EXIT => Stop::Exiting,
            libc::PTRACE_EVENT_SECCOMP => Stop::Filtered,
            other => Stop::Other(other),
        }
    }

    /// The thread is no more.
    pub fn is_end(self) -> bool {
        matches!(self, Stop::Exited(_) | Stop::Killed { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_the_manual_lists() {
        let stopped = |signal: i32, event: i32| 0x7f | signal << 8 | event << 16;
        assert_eq!(Stop::decode(3 << 8), Stop::Exited(3));
        assert_eq!(
            Stop::decode(libc::SIGSEGV | 0x80),
            Stop::Killed {
                signal: libc::SIGSEGV,
                core: true
            }
        );
        assert_eq!(Stop::decode(stopped(33, 0)), Stop::Signal(33));
        assert_eq!(Stop::decode(stopped(libc::SIGTRAP | 0x80, 0)), Stop::Call);
        assert_eq!(Stop::decode(stopped(libc::SIGTRAP, 128)), Stop::Trap);
        assert_eq!(
            Stop::decode(stopped(libc::SIGTSTP, 128)),
            Stop::Group(libc::SIGTSTP)
        );
        assert_eq!(Stop::decode(stopped(libc::SIGTRAP, 6)), Stop::Exiting);
        assert!(Stop::decode(0).is_end());
    }
}
