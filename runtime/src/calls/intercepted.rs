//! Which calls of any thread of the program are intercepted from the first offload on, and why.

use super::barriers::{Barrier, barrier};
use super::beyond::beyond;
use super::cpu_time::{CpuTime, cpu_time, may_concern_cpu_time};
use super::opens::{Opening, opening};
use super::unseen::{Unseen, may_be_unseen, unseen};
use crate::guest::arch::{self, Registers};

/// Why a call is intercepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intercepted {
    /// It changes memory, and nothing else tells.
    Unseen(Unseen),
    /// It begins what boards cannot follow.
    Beyond(&'static str),
    /// It has to do with CPU time.
    CpuTime(CpuTime),
    /// It asks whether there is a filter: home's does not count.
    FilterMode,
    /// It tells the kernel where to write at the thread's end.
    TidAddress,
    /// It copies the memory for a new process; clone3 only perhaps, which its flags in memory tell.
    Copies,
    /// It is a barrier on every processor that runs the program.
    Barrier(Barrier),
    /// It opens a file, whose path in memory tells what that begins.
    Opens(Opening),
}

/// Whether and why call `nr` is intercepted.
pub fn intercepted(nr: i64, args: &[u64; 6]) -> Option<Intercepted> {
    let of_memory = || unseen(nr, args).map(Intercepted::Unseen);
    let of_time = || cpu_time(nr, args).map(Intercepted::CpuTime);
    let of_filter = nr == libc::SYS_prctl && args[0] as i32 == libc::PR_GET_SECCOMP;
    let of_end = nr == libc::SYS_set_tid_address;
    let beyond = beyond(nr, args).map(Intercepted::Beyond);
    beyond
        .or_else(of_memory)
        .or_else(of_time)
        .or(copies(nr, args).then_some(Intercepted::Copies))
        .or(of_end.then_some(Intercepted::TidAddress))
        .or(of_filter.then_some(Intercepted::FilterMode))
        .or_else(|| barrier(nr, args).map(Intercepted::Barrier))
        .or_else(|| opening(nr, args).map(Intercepted::Opens))
}

/// Whether the call makes a process with a copy of the memory, as far as its registers tell.
fn copies(nr: i64, args: &[u64; 6]) -> bool {
    nr == libc::SYS_clone3 || super::copies_memory(nr, args[0], |_| None)
}

/// Calls of which some are intercepted.
pub fn may_be_intercepted(nr: i64) -> bool {
    may_be_unseen(nr)
        || may_concern_cpu_time(nr)
        || matches!(
            nr,
            libc::SYS_prctl
                | libc::SYS_set_tid_address
                | libc::SYS_io_uring_register
                | libc::SYS_userfaultfd
                | libc::SYS_clone
                | libc::SYS_clone3
                | libc::SYS_membarrier
        )
        || opening(nr, &[0; 6]).is_some()
        || arch::COPYING_CALLS.contains(&nr)
}

/// Which calls of number `nr` are intercepted, and what becomes of them; for users.
pub fn interception(nr: i64) -> Option<&'static str> {
    may_be_intercepted(nr).then_some(match nr {
        libc::SYS_madvise => "made by the pager if it drops content; guard pages are refused",
        libc::SYS_process_madvise => "refused if it drops content",
        libc::SYS_shmat => "made by the pager if it replaces mappings",
        libc::SYS_mremap => "made by the pager if it may move the mapping",
        libc::SYS_clock_gettime => "CPU-time clocks have the time on boards added",
        libc::SYS_getrusage => "of the process or thread: has the time on boards added",
        libc::SYS_times => "has the time on boards added",
        libc::SYS_setitimer => {
            "of CPU time (ITIMER_VIRTUAL, ITIMER_PROF): the program stays at home from then on"
        }
        libc::SYS_timer_create | libc::SYS_clock_nanosleep => {
            "on a CPU-time clock: the program stays at home from then on"
        }
        libc::SYS_setrlimit | libc::SYS_prlimit64 => {
            "setting RLIMIT_CPU: the program stays at home from then on"
        }
        nr if [libc::SYS_clone, libc::SYS_clone3].contains(&nr) || arch::COPYING_CALLS.contains(&nr) => {
            "copying the memory: waits until every page is at home"
        }
        libc::SYS_set_tid_address => "home learns which page the kernel writes at the thread's end",
        libc::SYS_futex => {
            "FUTEX_WAKE_OP is made by the pager; with priority-inheriting ones the program comes home for good"
        }
        libc::SYS_membarrier => "boards make a barrier too, before home does",
        libc::SYS_mincore => "made by the pager, which adds what boards have",
        libc::SYS_io_uring_register => "with buffers the program comes home for good",
        libc::SYS_userfaultfd => "the program comes home for good",
        libc::SYS_fcntl => "with O_DIRECT pages are taken with care from then on",
        nr if opening(nr, &[0; 6]).is_some() => {
            "with O_DIRECT pages are taken with care from then on; for memory in /proc (mem, pagemap, \
             clear_refs) and userfaultfd the program comes home for good"
        }
        libc::SYS_pkey_mprotect => {
            "made by the pager if it may take rights away; with a key the program comes home for good"
        }
        libc::SYS_prctl => "PR_GET_SECCOMP does not count home's filter",
        _ => "made by the pager if it may take rights away",
    })
}

/// Winds a thread back to an intercepted call if a signal drove it out before anybody had heard of
/// it. Natively no signal ends these calls, so that no handler may make one fail with EINTR; but
/// sleeping can end so.
pub fn wind_back(regs: &mut Registers) -> bool {
    let driven_out = regs.call_will_restart()
        && regs.call_in_progress().is_some_and(|nr| {
            intercepted(nr as i64, &regs.call_arguments()).is_some()
                && nr as i64 != libc::SYS_clock_nanosleep
        });
    if driven_out {
        regs.rewind_call();
    }
    driven_out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_intercepted_call_may_be_one() {
        let all = [u64::MAX; 6];
        for nr in 0..600 {
            let some = (0..=255u64).any(|low| {
                let args = [
                    [0, 0, low, low, 0, 0],
                    [low, 0, 0, 0, 0, 0],
                    [0, low, 0, 0, 0, 0],
                ];
                args.iter().any(|args| intercepted(nr, args).is_some())
            });
            assert!(
                may_be_intercepted(nr) || !(some || intercepted(nr, &all).is_some()),
                "{nr}"
            );
        }
    }
}
