//! Equipping a process for sharing: a userfaultfd of its memory and a helper inside it. The guest
//! and a replica are equipped the same way.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::unistd::Pid;

use super::arch;
use super::inject::{InjectError, Injector, check};
use super::ptrace::Tid;
use super::stub::{self, Stub};
use crate::memory::helper::{Helper, HelperError, Scratch};
use crate::memory::maps::{Kind, Vma};
use crate::memory::remote;
use crate::memory::uffd::Uffd;

/// Why a process could not be equipped.
#[derive(Debug, thiserror::Error)]
pub enum EquipError {
    /// An injected call failed.
    #[error(transparent)]
    Inject(#[from] InjectError),
    /// A step outside of the process failed.
    #[error("cannot {0}")]
    Step(
        &'static str,
        #[source] Box<dyn std::error::Error + Send + Sync>,
    ),
    /// There is no room for the stub.
    #[error(
        "the program leaves no gap in its address space for the {} pages that rtx reserves",
        stub::PAGES
    )]
    NoRoom,
    /// The process waits for answers that nobody gives: it cannot go on.
    #[error("cannot answer the program's calls")]
    Unserved(#[source] io::Error),
}

/// Maps a failure outside of the process.
pub fn step<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    what: &'static str,
) -> impl Fn(E) -> EquipError {
    move |e| EquipError::Step(what, e.into())
}

/// Only faults of user code, not of the kernel on its behalf (UFFD_USER_MODE_ONLY).
pub const USER_FAULTS_ONLY: u64 = 1;
/// `USERFAULTFD_IOC_NEW` (linux/userfaultfd.h).
const USERFAULTFD_IOC_NEW: u64 = 0xAA00;

/// The address of a system call instruction: the vDSO has one; else some executable mapping does.
pub fn find_call_instruction(pid: Tid, maps: &[Vma]) -> Option<u64> {
    let mut candidates: Vec<&Vma> = maps
        .iter()
        .filter(|m| m.prot.x && m.kind != Kind::Vsyscall)
        .collect();
    candidates.sort_by_key(|m| m.kind != Kind::Vdso);
    candidates.into_iter().find_map(|vma| {
        let mut code = vec![0u8; vma.len().min(4 << 20) as usize];
        remote::read_into(Pid::from_raw(pid), vma.start, &mut code).ok()?;
        let pattern = arch::SYSCALL_INSTRUCTION;
        let at = (0..code.len())
            .step_by(arch::INSTRUCTION_ALIGN)
            .find(|&i| code[i..].starts_with(pattern))?;
        Some(vma.start + at as u64)
    })
}

/// Opens a userfaultfd in the process and takes it over; the process keeps no descriptor.
pub fn open_userfaultfd(
    pid: Tid,
    injector: &mut Injector,
    stub: Stub,
    extra: u64,
) -> Result<Uffd, EquipError> {
    let (uffd, there) = open_userfaultfd_twice(pid, injector, stub, extra)?;
    let args = [there, 0, 0, 0, 0, 0];
    injector.call(stub.gadget(), "close", libc::SYS_close, args)?;
    Ok(uffd)
}

/// Opens a userfaultfd in the process, which keeps a descriptor: its number is returned too.
pub fn open_userfaultfd_twice(
    pid: Tid,
    injector: &mut Injector,
    stub: Stub,
    extra: u64,
) -> Result<(Uffd, u64), EquipError> {
    let gadget = stub.gadget();
    let flags = (libc::O_CLOEXEC | libc::O_NONBLOCK) as u64 | extra;
    let direct = injector.raw(gadget, libc::SYS_userfaultfd, [flags, 0, 0, 0, 0, 0])?;
    let fd = if direct == -i64::from(libc::EPERM) || direct == -i64::from(libc::ENOSYS) {
        remote::write(Pid::from_raw(pid), stub.scratch(), b"/dev/userfaultfd\0")
            .map_err(step("write the stub"))?;
        let open = (libc::O_RDWR | libc::O_CLOEXEC) as u64;
        let args = [libc::AT_FDCWD as i64 as u64, stub.scratch(), open, 0, 0, 0];
        let device = injector.call(gadget, "open(/dev/userfaultfd)", libc::SYS_openat, args)?;
        let args = [device, USERFAULTFD_IOC_NEW, flags, 0, 0, 0];
        let fd = injector.call(gadget, "ioctl(USERFAULTFD_IOC_NEW)", libc::SYS_ioctl, args);
        injector.call(gadget, "close", libc::SYS_close, [device, 0, 0, 0, 0, 0])?;
        fd?
    } else {
        check(pid, "userfaultfd", direct)?
    };
    let ours = fetch_fd(pid, fd as i32).map_err(step("take over a userfaultfd"))?;
    let uffd = Uffd::new(ours).map_err(step("use a userfaultfd"))?;
    Ok((uffd, fd))
}

/// A descriptor for a process, given by any of its threads (before Linux 6.9: by its first).
pub fn pidfd(tid: Tid) -> io::Result<OwnedFd> {
    const PIDFD_THREAD: i32 = libc::O_EXCL;
    let mut last = io::Error::from(io::ErrorKind::InvalidInput);
    for flags in [PIDFD_THREAD, 0] {
        // SAFETY: pidfd_open takes integers and returns a new descriptor.
        match unsafe { libc::syscall(libc::SYS_pidfd_open, tid, flags) } {
            -1 => last = io::Error::last_os_error(),
            // SAFETY: a new descriptor that nobody else owns.
            fd => return Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) }),
        }
    }
    Err(last)
}

/// Copies a descriptor out of another process (pidfd_getfd(2)), given by any of its threads.
pub fn fetch_fd(pid: Tid, fd: i32) -> io::Result<OwnedFd> {
    let pidfd = pidfd(pid)?;
    // SAFETY: pidfd_getfd takes integers and returns a new descriptor.
    match unsafe { libc::syscall(libc::SYS_pidfd_getfd, pidfd.as_raw_fd(), fd, 0) } {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: a new descriptor that nobody else owns.
        fd => Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) }),
    }
}

/// The two ends of the helper's socket. Nobody but us has ours: when we are gone, the helper ends.
pub struct HelperSocket {
    /// Our end.
    pub ours: OwnedFd,
    /// The number of the helper's end in the process.
    pub theirs: u64,
}

/// Makes the helper's socket.
pub fn helper_socket(
    pid: Tid,
    injector: &mut Injector,
    stub: Stub,
) -> Result<HelperSocket, EquipError> {
    let kind = (libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC) as u64;
    let args = [libc::AF_UNIX as u64, kind, 0, stub.scratch(), 0, 0];
    injector.call(stub.gadget(), "socketpair", libc::SYS_socketpair, args)?;
    let mut pair = [0u8; 8];
    remote::read_into(Pid::from_raw(pid), stub.scratch(), &mut pair)
        .map_err(step("read the stub"))?;
    let half = |i: usize| {
        u64::from(u32::from_ne_bytes([
            pair[i],
            pair[i + 1],
            pair[i + 2],
            pair[i + 3],
        ]))
    };
    let ours = fetch_fd(pid, half(0) as i32).map_err(step("take over the helper's socket"))?;
    let args = [half(0), 0, 0, 0, 0, 0];
    injector.call(stub.gadget(), "close", libc::SYS_close, args)?;
    let theirs = half(4);
    Ok(HelperSocket { ours, theirs })
}

/// clone(2) flags of a guest's helper: it shares memory and nothing else, and no tracer sees it.
/// Its exit signal is 0, so that the guest's wait(2) does not see it either.
const HELPER_FLAGS: u64 = (libc::CLONE_VM | libc::CLONE_UNTRACED) as u64;

/// Starts a helper as a process of its own that shares the memory of `pid`, and nothing else. It takes
/// over descriptor `uffd`. Returns its pid too: the memory can be reached through it even when the
/// first thread of `pid` has ended.
pub fn spawn_helper(
    pid: Tid,
    tid: Tid,
    injector: &mut Injector,
    stub: Stub,
    uffd: u64,
) -> Result<(Helper, Tid), EquipError> {
    let socket = helper_socket(pid, injector, stub)?;
    let mut regs = *injector.saved();
    regs.prepare_call(
        stub.spawn(),
        libc::SYS_clone as u64,
        arch::clone_args(HELPER_FLAGS, 0),
    );
    regs.prepare_helper(socket.theirs, stub.commands());
    let spawned = injector.run(&regs)?;
    for fd in [socket.theirs, uffd] {
        injector.call(stub.gadget(), "close", libc::SYS_close, [fd, 0, 0, 0, 0, 0])?;
    }
    let spawned = check(tid, "clone", spawned)? as Tid;
    let mut helper = Helper::new(socket.ours);
    detach_helper(&mut helper, [socket.theirs, uffd]).map_err(step("prepare the helper"))?;
    equip_helper(&mut helper, spawned, stub).map_err(step("prepare the helper"))?;
    Ok((helper, spawned))
}

/// Detaches a fresh helper from everything but the memory: its process group, and all descriptors but
/// these.
fn detach_helper(helper: &mut Helper, mut but: [u64; 2]) -> Result<(), HelperError> {
    helper.call(libc::SYS_setsid, &[])?;
    but.sort_unstable();
    let mut first = 0;
    for fd in but {
        if fd > first {
            helper.call(libc::SYS_close_range, &[first, fd - 1, 0])?;
        }
        first = fd + 1;
    }
    helper.call(libc::SYS_close_range, &[first, u64::from(u32::MAX), 0])?;
    Ok(())
}

/// Gives a helper what it needs to drop many pages at once.
pub fn equip_helper(helper: &mut Helper, pid: Tid, stub: Stub) -> Result<(), HelperError> {
    let pidfd = helper.call(libc::SYS_pidfd_open, &[pid as u64, 0])?;
    if pidfd >= 0 {
        helper.set_scratch(Scratch {
            pid: Pid::from_raw(pid),
            pidfd: pidfd as i32,
            addr: stub.ranges(),
            len: stub::RANGES_SIZE,
        });
    }
    Ok(())
}
