//! Whether a process's system calls can be answered by another: seccomp's user notification, with
//! which a board hands home calls on, and home hears of what changes memory.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::child::in_child;
use super::{Missing, Outcome};

/// What the trial's call answers; the kernel would never give it as a parent's pid.
const ANSWER: i64 = 0x0072_7478;

/// Tries it: a grandchild asks for its parent's pid, and the child answers with [`ANSWER`].
pub fn notify() -> Outcome {
    match in_child(trial) {
        Ok(()) => Ok("system calls can be answered by another process".to_owned()),
        Err(error) => {
            let fix = match error.raw_os_error() {
                Some(libc::EBUSY) => "Run outside the sandbox that answers system calls already",
                _ => "Use Linux 5.19 or later with CONFIG_SECCOMP_FILTER=y",
            };
            let what = "cannot answer system calls with seccomp user notification";
            Err(Missing::call(what, &error, fix))
        }
    }
}

/// Whether a program that is offloaded may go on to execute set-user-ID programs.
pub fn privileged() -> Outcome {
    match in_child(|| install().map(drop)) {
        Ok(()) => Ok("an offloaded program may execute set-user-ID programs".to_owned()),
        Err(error) => {
            let what = "cannot filter system calls without giving up set-user-ID programs";
            let fix = "Run rtx-run as root if an offloaded program has to execute one";
            Err(Missing::call(what, &error, fix))
        }
    }
}

fn trial() -> io::Result<()> {
    nix::sys::prctl::set_no_new_privs()?;
    let listener = install()?;
    in_two(
        || {
            // SAFETY: the call takes no argument.
            match unsafe { libc::syscall(libc::SYS_getppid) } == ANSWER {
                true => Ok(()),
                false => Err(io::Error::from_raw_os_error(libc::EBADMSG)),
            }
        },
        || answer(&listener),
    )
}

/// Runs `asks` in a child while this process runs `answers`; the first error counts.
fn in_two(
    asks: impl FnOnce() -> io::Result<()>,
    answers: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::{ForkResult, alarm, fork};
    // SAFETY: the child makes one system call and ends; it uses neither heap nor locks.
    match unsafe { fork() }? {
        ForkResult::Child => {
            alarm::set(5);
            let status = i32::from(asks().is_err());
            // SAFETY: _exit has no preconditions.
            unsafe { libc::_exit(status) }
        }
        ForkResult::Parent { child } => {
            answers()?;
            match waitpid(child, None)? {
                WaitStatus::Exited(_, 0) => Ok(()),
                _ => Err(io::Error::from_raw_os_error(libc::EBADMSG)),
            }
        }
    }
}

/// Puts a filter on this process that lets getppid be answered by whoever has the descriptor, and
/// everything else pass. Nothing takes it away again.
fn install() -> io::Result<OwnedFd> {
    const LOAD_NR: u16 = 0x20;
    const JUMP_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut steps = [
        step(LOAD_NR, 0, 0, 0),
        step(JUMP_EQUAL, 0, 1, libc::SYS_getppid as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_USER_NOTIF),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: steps.len() as u16,
        filter: steps.as_mut_ptr(),
    };
    // As a program is put under its filter (home) and a replica (board).
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER
        | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
        | libc::SECCOMP_FILTER_FLAG_TSYNC
        | libc::SECCOMP_FILTER_FLAG_TSYNC_ESRCH
        | libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    // SAFETY: the filter's program is valid for the duration of the call, which copies it.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            flags,
            &raw const program,
        )
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just made this descriptor and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// Receives one call and answers it.
fn answer(listener: &OwnedFd) -> io::Result<()> {
    let mut call = MaybeUninit::<libc::seccomp_notif>::zeroed();
    let fd = listener.as_raw_fd();
    // SAFETY: the kernel writes one structure, which it wants zeroed before.
    if unsafe { libc::ioctl(fd, libc::SECCOMP_IOCTL_NOTIF_RECV as _, call.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: all bytes zero is a valid value of this plain structure, which the kernel then wrote.
    let call = unsafe { call.assume_init() };
    let mut response = libc::seccomp_notif_resp {
        id: call.id,
        val: ANSWER,
        error: 0,
        flags: 0,
    };
    // SAFETY: the kernel reads one structure.
    match unsafe { libc::ioctl(fd, libc::SECCOMP_IOCTL_NOTIF_SEND as _, &raw mut response) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
