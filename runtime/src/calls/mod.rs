//! System calls of offloaded threads: where each runs, and what it does to the memory map.
//!
//! A board hands every call to [`route`]. `Local` calls run on the board; `Native` ones need the
//! thread's whole context at home (they copy, replace or end it), so the thread is recalled and
//! makes the call there; `Home` calls, all others, are made by the thread's shadow with the same
//! arguments, which are valid there because the memory is the same memory. After a home call,
//! [`effect`] says what boards must be told about mappings.

use crate::guest::arch;

/// Where a system call of an offloaded thread runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// On the board itself.
    Local,
    /// At home, by the thread's shadow.
    Home,
    /// At home, by the thread itself after a recall.
    Native,
}

/// The route of system call `nr` (of this ISA).
pub fn route(nr: i64) -> Route {
    match nr {
        libc::SYS_sched_yield => Route::Local,
        // These copy, replace, end or restore the context of the thread, or look at its stack
        // pointer or thread register.
        libc::SYS_clone
        | libc::SYS_clone3
        | libc::SYS_execve
        | libc::SYS_execveat
        | libc::SYS_exit
        | libc::SYS_exit_group
        | libc::SYS_rt_sigreturn
        | libc::SYS_sigaltstack
        | libc::SYS_rseq
        | libc::SYS_restart_syscall
        | libc::SYS_seccomp
        | libc::SYS_ptrace => Route::Native,
        nr if arch::NATIVE_CALLS.contains(&nr) => Route::Native,
        _ => Route::Home,
    }
}

/// A call at which a thread synchronises with others: a home call of it is a back-migration.
pub fn synchronises(nr: i64) -> bool {
    nr == libc::SYS_futex || nr == SYS_FUTEX_WAITV
}

const SYS_FUTEX_WAITV: i64 = 449;

/// Calls that end with a spurious EINTR when a tracer stops a thread in them (measured on 6.18):
/// the kernel does not restart them, so they must be made again.
fn fails_when_interrupted(nr: i64) -> bool {
    matches!(
        nr,
        libc::SYS_epoll_pwait
            | libc::SYS_epoll_pwait2
            | libc::SYS_rt_sigtimedwait
            | libc::SYS_semtimedop
            | libc::SYS_semop
            | libc::SYS_io_getevents
            | libc::SYS_recvfrom
            | libc::SYS_recvmsg
            | libc::SYS_recvmmsg
            | libc::SYS_accept
            | libc::SYS_accept4
            | libc::SYS_connect
            | libc::SYS_sendto
            | libc::SYS_sendmsg
    ) || arch::FAIL_WHEN_INTERRUPTED.contains(&nr)
}

/// A thread stopped by its tracer was driven out of a call that the kernel does not restart.
pub fn driven_out(regs: &arch::Registers) -> bool {
    regs.call_in_progress().is_some_and(|nr| {
        regs.result() == -i64::from(libc::EINTR) && fails_when_interrupted(nr as i64)
    })
}

/// The answer to calls whose result home knows without asking the kernel.
pub fn known(nr: i64, pid: i32, tid: i32) -> Option<i64> {
    match nr {
        libc::SYS_getpid => Some(pid.into()),
        libc::SYS_gettid => Some(tid.into()),
        _ => None,
    }
}

/// What a finished home call did to mappings, beyond what userfaultfd events tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Pages lost their content but stay mapped.
    Discard {
        /// First byte.
        start: u64,
        /// First byte after.
        end: u64,
    },
    /// Mappings went, came or changed their protection: what boards hold of it must be looked up
    /// again.
    Remapped {
        /// First byte.
        start: u64,
        /// First byte after.
        end: u64,
    },
}

/// What home call `nr` with `args` did, given its result (-errno on failure).
pub fn effect(nr: i64, args: &[u64; 6], result: i64) -> Option<Effect> {
    if (-4095..0).contains(&result) {
        return None;
    }
    let span = |start: u64, len: u64| {
        let end = start
            .saturating_add(len)
            .checked_next_multiple_of(crate::coherence::PAGE_SIZE as u64);
        (start, end.unwrap_or(u64::MAX))
    };
    let remapped = |(start, end)| Some(Effect::Remapped { start, end });
    match nr {
        libc::SYS_munmap | libc::SYS_mprotect | libc::SYS_pkey_mprotect => {
            remapped(span(args[0], args[1]))
        }
        libc::SYS_mremap => remapped(span(args[0], args[1].max(args[2]))),
        libc::SYS_mmap if args[3] & (libc::MAP_FIXED as u64) != 0 => {
            remapped(span(args[0], args[1]))
        }
        libc::SYS_madvise => match args[2] as i32 {
            libc::MADV_DONTNEED | libc::MADV_FREE | libc::MADV_REMOVE | 24 => {
                let (start, end) = span(args[0], args[1]);
                Some(Effect::Discard { start, end })
            }
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_need_the_thread_itself_recall_it() {
        for nr in [
            libc::SYS_clone,
            libc::SYS_exit,
            libc::SYS_execve,
            libc::SYS_rt_sigreturn,
        ] {
            assert_eq!(route(nr), Route::Native);
        }
        assert_eq!(route(libc::SYS_sched_yield), Route::Local);
        assert_eq!(route(libc::SYS_write), Route::Home);
        assert_eq!(route(libc::SYS_futex), Route::Home);
    }

    #[test]
    fn effects_follow_success_only() {
        let args = [0x1000, 100, 0, 0, 0, 0];
        let gone = Effect::Remapped {
            start: 0x1000,
            end: 0x2000,
        };
        assert_eq!(effect(libc::SYS_munmap, &args, 0), Some(gone));
        assert_eq!(effect(libc::SYS_munmap, &args, -22), None);
        let args = [0x1000, 0x1000, libc::MADV_DONTNEED as u64, 0, 0, 0];
        let gone = Effect::Discard {
            start: 0x1000,
            end: 0x2000,
        };
        assert_eq!(effect(libc::SYS_madvise, &args, 0), Some(gone));
        assert_eq!(
            effect(libc::SYS_mmap, &[0, 4096, 3, 0x22, 0, 0], 0x7000),
            None
        );
    }
}
