//! Calls that end with EINTR when a tracer stops a thread in them (measured on 6.18): the kernel does
//! not restart them, so they must be made again. Those that end by themselves after a while must then
//! not begin that anew.

use std::time::Duration;

use crate::guest::arch;

/// Where it stands how long a call waits at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// It waits for ever.
    Endless,
    /// For so long.
    For(Duration),
    /// In a `struct timespec` at this address.
    At(u64),
    /// In this socket, for what receives from it (SO_RCVTIMEO).
    Receiving(i32),
    /// In this socket, for what sends to it (SO_SNDTIMEO).
    Sending(i32),
}

/// A thread stopped by its tracer was driven out of a call that the kernel does not restart.
pub fn driven_out(regs: &arch::Registers) -> bool {
    regs.call_in_progress().is_some_and(|nr| {
        let args = regs.call_arguments();
        regs.result() == -i64::from(libc::EINTR) && patience(nr as i64, &args).is_some()
    })
}

/// Calls that end with a spurious EINTR when a tracer stops a thread in them.
pub fn fails_when_interrupted(nr: i64) -> bool {
    patience(nr, &[0; 6]).is_some()
}

/// How long call `nr` waits, if it is one that is driven out.
pub fn patience(nr: i64, args: &[u64; 6]) -> Option<Patience> {
    let at = |address: u64| match address {
        0 => Patience::Endless,
        address => Patience::At(address),
    };
    let milliseconds = |ms: u64| match u64::try_from(ms as i32) {
        Ok(ms) => Patience::For(Duration::from_millis(ms)),
        Err(_) => Patience::Endless,
    };
    Some(match nr {
        libc::SYS_epoll_pwait => milliseconds(args[3]),
        nr if arch::FAIL_WHEN_INTERRUPTED.contains(&nr) => milliseconds(args[3]),
        libc::SYS_epoll_pwait2 | libc::SYS_semtimedop => at(args[3]),
        libc::SYS_rt_sigtimedwait => at(args[2]),
        libc::SYS_io_getevents => at(args[4]),
        libc::SYS_semop => Patience::Endless,
        // Of descriptors: only sockets with a timeout are driven out of these.
        libc::SYS_read
        | libc::SYS_readv
        | libc::SYS_recvfrom
        | libc::SYS_recvmsg
        | libc::SYS_recvmmsg
        | libc::SYS_accept
        | libc::SYS_accept4 => Patience::Receiving(args[0] as i32),
        libc::SYS_write
        | libc::SYS_writev
        | libc::SYS_sendto
        | libc::SYS_sendmsg
        | libc::SYS_sendmmsg
        | libc::SYS_sendfile
        | libc::SYS_connect => Patience::Sending(args[0] as i32),
        _ => return None,
    })
}

/// What such a call returns when its time is over.
pub fn timed_out(nr: i64) -> i64 {
    match nr {
        libc::SYS_epoll_pwait | libc::SYS_epoll_pwait2 | libc::SYS_io_getevents => 0,
        nr if arch::FAIL_WHEN_INTERRUPTED.contains(&nr) => 0,
        libc::SYS_connect => -i64::from(libc::EINPROGRESS),
        _ => -i64::from(libc::EAGAIN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::arch::Registers;

    #[test]
    fn only_some_calls_are_driven_out() {
        let mut regs = Registers::zeroed();
        let mut of = |nr: i64, result: i64| {
            regs.prepare_call(0x1000, nr as u64, [0; 6]);
            regs.enter_call();
            regs.set_result(result);
            driven_out(&regs)
        };
        assert!(of(libc::SYS_rt_sigtimedwait, -4));
        assert!(!of(libc::SYS_rt_sigtimedwait, -11));
        assert!(!of(libc::SYS_nanosleep, -4));
    }

    #[test]
    fn timeouts_are_found() {
        let args = [3, 0, 0x20, u64::from(u32::MAX), 0x40, 0];
        let of = |nr: i64| patience(nr, &args);
        assert_eq!(of(libc::SYS_epoll_pwait), Some(Patience::Endless));
        assert_eq!(of(libc::SYS_rt_sigtimedwait), Some(Patience::At(0x20)));
        assert_eq!(of(libc::SYS_io_getevents), Some(Patience::At(0x40)));
        assert_eq!(of(libc::SYS_recvfrom), Some(Patience::Receiving(3)));
        assert_eq!(of(libc::SYS_ppoll), None);
        let waits = patience(libc::SYS_epoll_pwait, &[0, 0, 0, 7, 0, 0]);
        assert_eq!(waits, Some(Patience::For(Duration::from_millis(7))));
    }
}
