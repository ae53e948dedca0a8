//! The listener of a seccomp filter: system calls arrive here and wait for an answer
//! (seccomp_unotify(2)).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// `struct seccomp_notif` (linux/seccomp.h).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct Notification {
    id: u64,
    pid: u32,
    flags: u32,
    nr: i32,
    arch: u32,
    instruction: u64,
    args: [u64; 6],
}

/// `struct seccomp_notif_resp`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct Response {
    id: u64,
    result: i64,
    error: i32,
    flags: u32,
}

const _: () = assert!(size_of::<Notification>() == 80 && size_of::<Response>() == 24);
/// `SECCOMP_IOCTL_NOTIF_RECV`: _IOWR('!', 0, struct seccomp_notif).
const RECEIVE: libc::c_ulong = 0xc050_2100;
/// `SECCOMP_IOCTL_NOTIF_SEND`: _IOWR('!', 1, struct seccomp_notif_resp).
const SEND: libc::c_ulong = 0xc018_2101;
/// `SECCOMP_IOCTL_NOTIF_ID_VALID`: _IOW('!', 2, __u64).
const ID_VALID: libc::c_ulong = 0x4008_2102;
/// `SECCOMP_IOCTL_NOTIF_SET_FLAGS`: _IOW('!', 4, __u64) (Linux 6.6).
const SET_FLAGS: libc::c_ulong = 0x4008_2104;
/// `SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP`: caller and answerer run on one processor, in turn.
const SYNC_WAKE_UP: libc::c_ulong = 1;
/// `SECCOMP_USER_NOTIF_FLAG_CONTINUE`.
const CONTINUE: u32 = 1;

/// A system call that waits for an answer.
#[derive(Clone, Copy, Debug)]
pub struct WaitingCall {
    /// Names the answer.
    pub id: u64,
    /// The calling thread.
    pub caller: i32,
    /// The call's number.
    pub nr: i64,
    /// AUDIT_ARCH_* of the way it entered the kernel.
    pub arch: u32,
    /// The program counter behind its instruction.
    pub pc: u64,
    /// Its arguments.
    pub args: [u64; 6],
}

/// The listener.
pub struct Listener(OwnedFd);

/// How an answer went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// The thread goes on.
    Yes,
    /// The call was interrupted meanwhile; the thread will make it again, or is gone.
    Interrupted,
}

impl Listener {
    /// Takes over the descriptor.
    pub fn new(fd: OwnedFd) -> io::Result<Listener> {
        use nix::fcntl::{FcntlArg, OFlag, fcntl};
        let flags = OFlag::from_bits_retain(fcntl(&fd, FcntlArg::F_GETFL)?);
        fcntl(&fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        Ok(Listener(fd))
    }

    /// For polling.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// The next waiting call. Call only when the descriptor is readable: the kernel blocks else.
    pub fn receive(&self) -> io::Result<Option<WaitingCall>> {
        let mut n = Notification::default();
        // SAFETY: RECEIVE writes one struct seccomp_notif, whose layout Notification has; it must
        // be zeroed before, and is.
        if unsafe { libc::ioctl(self.0.as_raw_fd(), RECEIVE as _, &raw mut n) } == -1 {
            let error = io::Error::last_os_error();
            return match error.raw_os_error() {
                // The caller was interrupted before we came.
                Some(libc::ENOENT | libc::EINTR | libc::EAGAIN) => Ok(None),
                _ => Err(error),
            };
        }
        Ok(Some(WaitingCall {
            id: n.id,
            caller: n.pid as i32,
            nr: n.nr.into(),
            arch: n.arch,
            pc: n.instruction,
            args: n.args,
        }))
    }

    /// Whether a call still waits: it was not interrupted, and its thread lives.
    pub fn is_waiting(&self, id: u64) -> bool {
        // SAFETY: ID_VALID reads one u64.
        unsafe { libc::ioctl(self.0.as_raw_fd(), ID_VALID as _, &raw const id) == 0 }
    }

    /// Lets a call return `result` (-errno on failure) without having been made.
    pub fn answer(&self, id: u64, result: i64) -> io::Result<Answered> {
        let failed = (-4095..0).contains(&result);
        self.send(Response {
            id,
            result: if failed { 0 } else { result },
            error: if failed { result as i32 } else { 0 },
            flags: 0,
        })
    }

    /// Lets a call be made.
    pub fn let_through(&self, id: u64) -> io::Result<Answered> {
        self.send(Response {
            id,
            result: 0,
            error: 0,
            flags: CONTINUE,
        })
    }

    fn send(&self, mut response: Response) -> io::Result<Answered> {
        // SAFETY: SEND reads one struct seccomp_notif_resp, whose layout Response has.
        if unsafe { libc::ioctl(self.0.as_raw_fd(), SEND as _, &raw mut response) } == -1 {
            let error = io::Error::last_os_error();
            return match error.raw_os_error() {
                Some(libc::ENOENT) => Ok(Answered::Interrupted),
                _ => Err(error),
            };
        }
        Ok(Answered::Yes)
    }

    /// Has caller and answerer wake each other without changing the processor, where the kernel
    /// can (Linux 6.6).
    pub fn wake_in_place(&self) {
        // SAFETY: SET_FLAGS takes an integer. An older kernel refuses it, and nothing is lost.
        unsafe { libc::ioctl(self.0.as_raw_fd(), SET_FLAGS as _, SYNC_WAKE_UP) };
    }

    /// Every process under the filter has ended: no call will come any more.
    pub fn is_deserted(&self) -> bool {
        self.polls(PollFlags::POLLHUP)
    }

    /// More calls wait.
    pub fn more(&self) -> bool {
        self.polls(PollFlags::POLLIN)
    }

    fn polls(&self, what: PollFlags) -> bool {
        let mut fds = [PollFd::new(self.fd(), what)];
        matches!(poll(&mut fds, PollTimeout::ZERO), Ok(1..))
            && fds[0].revents().is_some_and(|r| r.contains(what))
    }
}
