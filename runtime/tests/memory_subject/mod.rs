//! The other process of the memory tests: a forked child that runs the helper's loop, and a second
//! one, sharing its memory, that touches pages on request. Its pages are watched by a real
//! userfaultfd that the test has fetched with pidfd_getfd, as in a job.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork};
use rtx_runtime::memory::PAGE;
use rtx_runtime::memory::helper::{CALL_BYTES, Helper, REPLY_BYTES, REQUEST_BYTES, Scratch};
use rtx_runtime::memory::uffd::{Event, Uffd};

/// Pages of the watched area.
pub const PAGES: u64 = 256;

const TOUCHER_STACK: usize = 64 * 1024;

pub struct Subject {
    pub pid: Pid,
    pub uffd: Uffd,
    pub helper: Helper,
    /// The watched area, registered, empty.
    pub base: u64,
    toucher: OwnedFd,
}

/// What the toucher does at an address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Touch {
    Read,
    Write(u64),
    Increment,
}

impl Subject {
    /// With a userfaultfd that has these features.
    pub fn start(features: u64) -> Self {
        let (helper, helper_end) = seqpacket();
        let (toucher, toucher_end) = seqpacket();
        // SAFETY: the child uses only its own sockets, raw system calls and its stack.
        let pid = match unsafe { fork() }.expect("fork") {
            ForkResult::Parent { child } => child,
            ForkResult::Child => subject(&helper_end, &toucher_end),
        };
        drop((helper_end, toucher_end));
        let mut helper = Helper::new(helper);
        let flags = (libc::O_CLOEXEC | libc::O_NONBLOCK) as u64;
        let fd = helper.call(libc::SYS_userfaultfd, &[flags]).unwrap();
        let uffd = Uffd::new(fetch_fd(pid, fd as i32)).unwrap();
        uffd.handshake(features).unwrap();
        helper.call(libc::SYS_close, &[fd as u64]).unwrap();
        let base = map(&mut helper, PAGES);
        // The largest fork-shared area could be huge: keep pages small, as the coherence does.
        helper
            .call(
                libc::SYS_madvise,
                &[base, PAGES * PAGE, libc::MADV_NOHUGEPAGE as u64],
            )
            .unwrap();
        uffd.register(base, PAGES * PAGE).unwrap();
        Self {
            pid,
            uffd,
            helper,
            base,
            toucher,
        }
    }

    pub fn page(&self, i: u64) -> u64 {
        self.base + i * PAGE
    }

    /// Gives the helper what process_madvise needs.
    pub fn give_scratch(&mut self) {
        let addr = map(&mut self.helper, 1);
        let pid = self.pid;
        let pidfd = self
            .helper
            .call(libc::SYS_pidfd_open, &[pid.as_raw() as u64, 0])
            .unwrap();
        assert!(pidfd >= 0);
        self.helper.set_scratch(Scratch {
            pid,
            pidfd: pidfd as i32,
            addr,
            len: PAGE,
        });
    }

    /// Starts a touch; it may fault and wait.
    pub fn touch(&self, addr: u64, touch: Touch) {
        let words = match touch {
            Touch::Read => [addr, 0, 0],
            Touch::Write(value) => [addr, 1, value],
            Touch::Increment => [addr, 2, 0],
        };
        let mut message = [0u8; 24];
        for (slot, word) in message.chunks_exact_mut(8).zip(words) {
            slot.copy_from_slice(&word.to_ne_bytes());
        }
        send(self.toucher.as_raw_fd(), &message, MsgFlags::empty()).unwrap();
    }

    /// The value at the address after the touch, once it is done.
    pub fn touched(&self) -> u64 {
        assert!(
            wait_readable(&self.toucher, Duration::from_secs(5)),
            "the touch is not done"
        );
        let mut value = [0u8; 8];
        recv(self.toucher.as_raw_fd(), &mut value, MsgFlags::empty()).unwrap();
        u64::from_ne_bytes(value)
    }

    pub fn is_touching(&self) -> bool {
        !wait_readable(&self.toucher, Duration::from_millis(30))
    }

    /// The next event, which must come.
    pub fn event(&self) -> Event {
        let mut events = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(5);
        while events.is_empty() {
            assert!(Instant::now() < deadline, "no event came");
            wait_readable(&self.uffd, Duration::from_secs(1));
            self.uffd.read_events(&mut events).unwrap();
        }
        assert_eq!(events.len(), 1, "one event expected: {events:?}");
        events.remove(0)
    }

    /// The next event as a fault: (address, write, wp).
    pub fn fault(&self) -> (u64, bool, bool) {
        match self.event() {
            Event::Fault {
                addr, write, wp, ..
            } => (addr, write, wp),
            other => panic!("a fault expected, not {other:?}"),
        }
    }

    pub fn no_event(&self) -> bool {
        let mut events = Vec::new();
        std::thread::sleep(Duration::from_millis(20));
        self.uffd.read_events(&mut events).unwrap() == 0
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _ = kill(self.pid, Signal::SIGKILL);
        let _ = waitpid(self.pid, None);
    }
}

/// Maps anonymous pages in the subject.
pub fn map(helper: &mut Helper, pages: u64) -> u64 {
    let prot = (libc::PROT_READ | libc::PROT_WRITE) as u64;
    let flags = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u64;
    let addr = helper
        .call(libc::SYS_mmap, &[0, pages * PAGE, prot, flags, u64::MAX, 0])
        .unwrap();
    assert!(addr > 0, "mmap: {addr}");
    addr as u64
}

pub fn wait_readable(fd: &impl AsFd, patience: Duration) -> bool {
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::try_from(patience).unwrap()).unwrap() == 1
}

fn seqpacket() -> (OwnedFd, OwnedFd) {
    socketpair(
        AddressFamily::Unix,
        SockType::SeqPacket,
        None,
        SockFlag::SOCK_CLOEXEC,
    )
    .unwrap()
}

fn fetch_fd(pid: Pid, fd: i32) -> OwnedFd {
    // SAFETY: pidfd_open and pidfd_getfd take numbers only; the new descriptors are ours alone.
    unsafe {
        let pidfd = libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0);
        assert!(pidfd >= 0, "pidfd_open: {}", io::Error::last_os_error());
        let pidfd = OwnedFd::from_raw_fd(pidfd as i32);
        let got = libc::syscall(libc::SYS_pidfd_getfd, pidfd.as_raw_fd(), fd, 0);
        assert!(got >= 0, "pidfd_getfd: {}", io::Error::last_os_error());
        OwnedFd::from_raw_fd(got as i32)
    }
}

/// The child: starts the toucher, then serves as helper until end-of-file.
fn subject(helper: &OwnedFd, toucher: &OwnedFd) -> ! {
    let mut fd = toucher.as_raw_fd();
    // SAFETY: the toucher gets a stack of its own and an argument that outlives it; it shares our
    // memory, and both use raw system calls only.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        // Ends a test that would wait for ever: its next call to the helper then fails.
        libc::alarm(60);
        let prot = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let stack = libc::mmap(std::ptr::null_mut(), TOUCHER_STACK, prot, flags, -1, 0);
        let flags = libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_SIGHAND | libc::CLONE_THREAD;
        let arg = std::ptr::from_mut(&mut fd).cast();
        libc::clone(toucher_main, stack.byte_add(TOUCHER_STACK), flags, arg);
        helper_loop(helper.as_raw_fd());
        libc::syscall(libc::SYS_exit_group, 0);
        unreachable!()
    }
}

/// What the lead's assembly does, in Rust.
unsafe fn helper_loop(fd: i32) {
    let mut request = [0u64; REQUEST_BYTES / 8];
    let mut reply = [0i64; REPLY_BYTES / 8];
    loop {
        // SAFETY: the buffers are as long as said; the calls are what the supervisor wants.
        unsafe {
            let buffer = request.as_mut_ptr();
            if libc::syscall(libc::SYS_recvfrom, fd, buffer, REQUEST_BYTES, 0, 0, 0) <= 0 {
                return;
            }
            let count = request[0] as usize;
            for i in 0..count {
                let call = &request[1 + i * CALL_BYTES / 8..];
                let result = libc::syscall(
                    call[0] as i64,
                    call[1],
                    call[2],
                    call[3],
                    call[4],
                    call[5],
                    call[6],
                );
                reply[1 + i] = if result == -1 {
                    -i64::from(*errno())
                } else {
                    result
                };
            }
            reply[0] = count as i64;
            libc::syscall(libc::SYS_sendto, fd, reply.as_ptr(), 8 + 8 * count, 0, 0, 0);
        }
    }
}

unsafe fn errno() -> *mut i32 {
    // SAFETY: returns the address of this thread's errno.
    unsafe { libc::__errno_location() }
}

/// Serves {address, what, value}; answers with the value that stands there after it. Raw system
/// calls never fail here, so that errno, shared with the helper, stays alone.
extern "C" fn toucher_main(arg: *mut libc::c_void) -> i32 {
    // SAFETY: the argument is the socket's number; addresses come from the test and are mapped.
    unsafe {
        let fd = *arg.cast::<i32>();
        let mut message = [0u64; 3];
        while libc::syscall(libc::SYS_recvfrom, fd, message.as_mut_ptr(), 24, 0, 0, 0) == 24 {
            let at = message[0] as *mut u64;
            match message[1] {
                1 => at.write_volatile(message[2]),
                2 => at.write_volatile(at.read_volatile() + 1),
                _ => {}
            }
            let value = at.read_volatile();
            libc::syscall(libc::SYS_sendto, fd, &raw const value, 8, 0, 0, 0);
        }
        libc::syscall(libc::SYS_exit, 0);
        0
    }
}
