//! System calls of offloaded threads: where each runs, and what it does to the memory map.
//!
//! A board hands every call to [`route`]. `Local` calls run on the board; `Native` ones need the
//! thread's whole context at home (they copy, replace or end it), so the thread is recalled and
//! makes the call there; `Home` calls, all others, are made by the thread's shadow with the same
//! arguments, which are valid there because the memory is the same memory. After a home call,
//! [`remapped`] says where boards' mappings may have changed. [`intercepted`] says which calls of any
//! thread must be intercepted, because nothing else tells what they do; [`beyond`], in which boards
//! cannot follow the program at all.

mod barriers;
mod beyond;
mod cpu_time;
pub mod cut_short;
mod driven_out;
mod intercepted;
mod opens;
mod table;
pub mod translate;
mod unseen;

use crate::guest::arch;

pub use barriers::{BARRIERS, Barrier, barrier};
pub use beyond::{
    FUTEX_COMMAND, NO_KEY, OWN_FAULTS, PI_OPERATIONS, PINNING, REGISTERED_BUFFERS, beyond,
};
pub use cpu_time::{CpuTime, Reading, Whose, counts_cpu_time, reading, sets_cpu_timer};
pub use driven_out::{Patience, driven_out, fails_when_interrupted, patience, timed_out};
pub use intercepted::{Intercepted, intercepted, interception, may_be_intercepted, wind_back};
pub use opens::{Begins, Flags, Opening, begins, opening};
pub use table::{GROUPS, Group, REMARKS, number};
pub use unseen::{DROPPING, FULL, REFUSED, Unseen, unseen};

/// `-ERESTARTNOINTR` (include/linux/errno.h): the kernel makes the call again, whatever happened. Only
/// threads that have a stop ahead, and shadows, may be answered so: programs never see it.
pub const MAKE_AGAIN: i64 = -513;

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

/// The route of system call `nr` (of this ISA): what its [`GROUPS`] say.
pub fn route(nr: i64) -> Route {
    table::route(nr)
}

/// Whether call `nr` copies the thread's memory for a new process; `read` reads a word of it.
pub fn copies_memory(nr: i64, first: u64, read: impl FnOnce(u64) -> Option<u64>) -> bool {
    let shares = |flags: u64| flags & libc::CLONE_VM as u64 != 0;
    match nr {
        libc::SYS_clone => !shares(first),
        // Flags that cannot be read are an error of the call.
        libc::SYS_clone3 => read(first).is_some_and(|flags| !shares(flags)),
        nr => arch::COPYING_CALLS.contains(&nr),
    }
}

/// Whether in call `nr` a thread waits while a child runs in its memory, until that executes a program
/// or ends; `read` reads a word of that memory.
pub fn lends_memory(nr: i64, first: u64, read: impl FnOnce(u64) -> Option<u64>) -> bool {
    let lends = |flags: u64| flags & libc::CLONE_VFORK as u64 != 0;
    match nr {
        libc::SYS_clone => lends(first),
        libc::SYS_clone3 => read(first).is_some_and(lends),
        nr => arch::LENDING_CALLS.contains(&nr),
    }
}

/// Where the kernel writes zero when a thread ends that call `nr` with `args` made (0: nowhere). `None`:
/// the arguments alone do not tell.
pub fn clears_at_end(nr: i64, args: &[u64; 6]) -> Option<u64> {
    let clears = args[0] & libc::CLONE_CHILD_CLEARTID as u64 != 0;
    let address = if clears {
        args[arch::CLONE_TID_ARGUMENT]
    } else {
        0
    };
    (nr == libc::SYS_clone).then_some(address)
}

/// Whether call `nr` executes another program.
pub fn executes(nr: i64) -> bool {
    matches!(nr, libc::SYS_execve | libc::SYS_execveat)
}

/// A call at which a thread synchronises with others: a home call of it is a back-migration.
pub fn synchronises(nr: i64) -> bool {
    nr == libc::SYS_futex || nr == SYS_FUTEX_WAITV
}

const SYS_FUTEX_WAITV: i64 = 449;

/// A thread that was stopped inside a call can go to a board in the middle of it, while its shadow
/// goes on with the call at home.
pub fn can_be_carried(regs: &arch::Registers) -> bool {
    // A sleep that is gone on with is a call of its own, which only the shadow really makes.
    // Nor is a shadow to make one for which the program has to come home first.
    regs.call_in_progress().is_some_and(|nr| {
        nr as i64 == libc::SYS_restart_syscall
            || route(nr as i64) == Route::Home
                && beyond(nr as i64, &regs.call_arguments()).is_none()
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

/// Where home call `nr` with `args`, given its result (-errno on failure), may have removed,
/// replaced or changed mappings that userfaultfd does not watch, as (first byte, first after). What
/// is [`unseen`] has been followed before it returned.
///
/// Calls over several mappings may fail in the middle, after they changed some. To look mappings up
/// again is right in any case.
pub fn remapped(nr: i64, args: &[u64; 6], result: i64) -> Option<(u64, u64)> {
    let failed = (-4095..0).contains(&result);
    let untouched = failed && !args[0].is_multiple_of(crate::coherence::PAGE_SIZE as u64);
    if untouched || unseen(nr, args).is_some() {
        return None;
    }
    let span = |start: u64, len: u64| {
        let end = start
            .saturating_add(len)
            .checked_next_multiple_of(crate::coherence::PAGE_SIZE as u64);
        Some((start, end.unwrap_or(u64::MAX)))
    };
    match nr {
        libc::SYS_munmap | libc::SYS_mprotect | libc::SYS_pkey_mprotect => span(args[0], args[1]),
        libc::SYS_mremap => span(args[0], args[1].max(args[2])),
        libc::SYS_mmap if args[3] & (libc::MAP_FIXED as u64) != 0 => span(args[0], args[1]),
        _ => None,
    }
}

/// Calls that remove or move mappings of which userfaultfd tells the pager by itself.
pub fn told_by_userfaultfd(nr: i64) -> bool {
    matches!(
        nr,
        libc::SYS_munmap | libc::SYS_mremap | libc::SYS_brk | libc::SYS_mmap
    )
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
    fn only_new_memory_is_a_copy() {
        let thread = (libc::CLONE_VM | libc::CLONE_THREAD) as u64;
        assert!(copies_memory(libc::SYS_clone, 17, |_| None));
        assert!(!copies_memory(libc::SYS_clone, thread, |_| None));
        assert!(copies_memory(libc::SYS_clone3, 0x1000, |_| Some(0)));
        assert!(!copies_memory(libc::SYS_clone3, 0x1000, |_| Some(thread)));
        assert!(!copies_memory(libc::SYS_clone3, 0x1000, |_| None));
        assert!(!copies_memory(libc::SYS_execve, 17, |_| None));
    }

    #[test]
    fn memory_is_lent_until_an_exec() {
        let flags = (libc::CLONE_VM | libc::CLONE_VFORK) as u64;
        assert!(lends_memory(libc::SYS_clone, flags, |_| None));
        assert!(lends_memory(libc::SYS_clone3, 0x1000, |_| Some(flags)));
        assert!(!lends_memory(
            libc::SYS_clone,
            libc::CLONE_VM as u64,
            |_| { None }
        ));
        assert!(!lends_memory(libc::SYS_wait4, flags, |_| None));
    }

    #[test]
    fn a_clone_tells_what_is_cleared() {
        let mut args = [0; 6];
        args[arch::CLONE_TID_ARGUMENT] = 0x1000;
        assert_eq!(clears_at_end(libc::SYS_clone, &args), Some(0));
        args[0] = libc::CLONE_CHILD_CLEARTID as u64;
        assert_eq!(clears_at_end(libc::SYS_clone, &args), Some(0x1000));
        assert_eq!(clears_at_end(libc::SYS_clone3, &args), None);
    }

    #[test]
    fn mappings_follow_what_was_done() {
        let args = [0x1000, 100, 0, 0, 0, 0];
        let span = Some((0x1000, 0x2000));
        assert_eq!(remapped(libc::SYS_munmap, &args, 0), span);
        // It may have changed a part.
        assert_eq!(remapped(libc::SYS_munmap, &args, -12), span);
        let unaligned = [0x1001, 100, 0, 0, 0, 0];
        assert_eq!(remapped(libc::SYS_munmap, &unaligned, -22), None);
        // It has been followed.
        assert_eq!(remapped(libc::SYS_mprotect, &args, 0), None);
        assert_eq!(
            remapped(libc::SYS_mmap, &[0, 4096, 3, 0x22, 0, 0], 0x7000),
            None
        );
    }

    #[test]
    fn what_was_intercepted_is_not_followed_twice() {
        let none = [0x1000, 0x1000, libc::PROT_NONE as u64, 0, 0, 0];
        let both = [0x1000, 0x1000, FULL as u64, 0, 0, 0];
        assert_eq!(remapped(libc::SYS_mprotect, &none, 0), None);
        assert!(remapped(libc::SYS_mprotect, &both, 0).is_some());
    }
}
