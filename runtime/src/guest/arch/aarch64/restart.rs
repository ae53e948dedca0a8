//! What the kernel does with a call that a stop interrupted (arch/arm64/kernel/signal.c, do_signal).
//!
//! It has wound the thread back to the instruction before a tracer can see it, and remembers by itself
//! why: the tracer sees the same of a thread that is in a call and of one that is about to make it. So
//! the reason is found by the call's number here. For one that is not in the call yet it makes a
//! difference only if a handler runs right then; see [`is_confirmed`] for sleeps.

/// A handler with SA_RESTART runs first and the call is made again; any other ends it with EINTR
/// (-ERESTARTSYS).
const BY_ACTION: i64 = -512;
/// The call is made again in any case (-ERESTARTNOINTR).
const ALWAYS: i64 = -513;
/// Any handler ends the call with EINTR (-ERESTARTNOHAND).
pub(super) const UNLESS_HANDLED: i64 = -514;
/// The kernel goes on with a sleep by restart_syscall(2) (-ERESTART_RESTARTBLOCK).
pub(super) const GO_ON: i64 = -516;

/// One of the kernel's own results.
pub(super) fn is_restart(result: i64) -> bool {
    matches!(result, BY_ACTION | ALWAYS | UNLESS_HANDLED | GO_ON)
}

/// What call `nr` with `args` returns inside the kernel when a stop interrupts it.
pub(super) fn reason(nr: i64, args: &[u64; 6]) -> i64 {
    const FUTEX_WAIT_BITSET: u64 = libc::FUTEX_WAIT_BITSET as u64;
    const FUTEX_WAIT: u64 = libc::FUTEX_WAIT as u64;
    let absolute = |flags: u64| flags & libc::TIMER_ABSTIME as u64 != 0;
    match nr {
        libc::SYS_restart_syscall | libc::SYS_nanosleep => GO_ON,
        libc::SYS_clock_nanosleep if !absolute(args[1]) => GO_ON,
        libc::SYS_futex
            if args[3] != 0 && matches!(args[1] & 0x7f, FUTEX_WAIT | FUTEX_WAIT_BITSET) =>
        {
            GO_ON
        }
        libc::SYS_clock_nanosleep
        | libc::SYS_rt_sigsuspend
        | libc::SYS_ppoll
        | libc::SYS_pselect6
        | libc::SYS_msgrcv
        | libc::SYS_msgsnd => UNLESS_HANDLED,
        nr if BLOCKING.contains(&nr) => BY_ACTION,
        _ => ALWAYS,
    }
}

/// Whether a thread that stopped in a sleep is really in it: the kernel, when it goes on, has put
/// `number` into the register for it.
pub(super) fn is_confirmed(number: u64) -> bool {
    number == libc::SYS_restart_syscall as u64
}

/// Calls that wait for something and can be interrupted.
const BLOCKING: &[i64] = &[
    libc::SYS_futex,
    libc::SYS_futex_waitv,
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_preadv,
    libc::SYS_pwritev,
    libc::SYS_preadv2,
    libc::SYS_pwritev2,
    libc::SYS_splice,
    libc::SYS_tee,
    libc::SYS_vmsplice,
    libc::SYS_sendfile,
    libc::SYS_copy_file_range,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_ioctl,
    libc::SYS_fcntl,
    libc::SYS_flock,
    libc::SYS_connect,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_recvmmsg,
    libc::SYS_wait4,
    libc::SYS_waitid,
    libc::SYS_mq_timedsend,
    libc::SYS_mq_timedreceive,
    libc::SYS_getrandom,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_made_again_as_the_kernel_does() {
        let of = |nr: i64, args: [u64; 6]| reason(nr, &args);
        assert_eq!(of(libc::SYS_read, [0; 6]), BY_ACTION);
        assert_eq!(of(libc::SYS_nanosleep, [0; 6]), GO_ON);
        assert_eq!(
            of(libc::SYS_clock_nanosleep, [1, 1, 0, 0, 0, 0]),
            UNLESS_HANDLED
        );
        assert_eq!(of(libc::SYS_clock_nanosleep, [1, 0, 0, 0, 0, 0]), GO_ON);
        assert_eq!(of(libc::SYS_futex, [0x10, 128, 0, 0, 0, 0]), BY_ACTION);
        assert_eq!(of(libc::SYS_futex, [0x10, 128, 0, 0x20, 0, 0]), GO_ON);
        assert_eq!(of(libc::SYS_futex, [0x10, 129, 1, 0x20, 0, 0]), BY_ACTION);
        assert_eq!(of(libc::SYS_clock_gettime, [0; 6]), ALWAYS);
        assert!(is_restart(ALWAYS) && !is_restart(-4) && !is_restart(-515));
    }
}
