//! The sleep of a tracer thread: it wakes when a tracee stops (SIGCHLD) or a command comes.
//!
//! SIGCHLD is blocked in every thread and read from a signalfd. The kernel sends it to the
//! process, not to the thread whose tracee stopped, so whichever tracer reads it rings every
//! other tracer of the process.

use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

static TRACERS: Mutex<Vec<Weak<EventFd>>> = Mutex::new(Vec::new());

/// Makes SIGCHLD come (rtx may have been started with it ignored, and then there would be no
/// children to wait for) and blocks it in the calling thread and all threads it makes from now on. Call it in `main`
/// before any thread exists.
pub fn block_child_signal() -> nix::Result<()> {
    // SAFETY: the default disposition runs no code of ours.
    unsafe { nix::sys::signal::signal(Signal::SIGCHLD, nix::sys::signal::SigHandler::SigDfl) }?;
    let mut set = SigSet::empty();
    set.add(Signal::SIGCHLD);
    set.thread_block()
}

/// Rings a tracer thread; clones ring the same one.
#[derive(Clone)]
pub struct Bell(Arc<EventFd>);

impl Bell {
    /// Wakes the tracer.
    pub fn ring(&self) {
        // A full counter (EAGAIN) means that it rings already.
        let _ = self.0.write(1);
    }
}

/// The tracer's side: where it sleeps.
pub struct Sleeper {
    bell: Bell,
    children: SignalFd,
}

impl Sleeper {
    /// Makes a sleeper for the calling thread.
    pub fn new() -> nix::Result<Sleeper> {
        block_child_signal()?;
        let mut set = SigSet::empty();
        set.add(Signal::SIGCHLD);
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        let children = SignalFd::with_flags(&set, flags)?;
        let event =
            EventFd::from_value_and_flags(0, EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?;
        let bell = Bell(Arc::new(event));
        let mut tracers = TRACERS.lock().expect("no tracer panics holding the list");
        tracers.retain(|t| t.strong_count() > 0);
        tracers.push(Arc::downgrade(&bell.0));
        Ok(Sleeper { bell, children })
    }

    /// What others ring.
    pub fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// Sleeps until a child changed state, the bell rang or `timeout` passed. The caller then
    /// looks at both its children and its commands.
    pub fn sleep(&self, timeout: Option<Duration>) -> nix::Result<()> {
        let timeout = timeout.map_or(PollTimeout::NONE, |t| {
            // Round up, so that a timer that is due is not polled for in a tight loop.
            PollTimeout::try_from(t.as_micros().div_ceil(1000) as i64).unwrap_or(PollTimeout::MAX)
        });
        let mut fds = [
            PollFd::new(self.children.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.bell.0.as_fd(), PollFlags::POLLIN),
        ];
        match nix::poll::poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(e) => return Err(e),
        }
        let _ = self.bell.0.read();
        let mut child = false;
        while let Ok(Some(_)) = self.children.read_signal() {
            child = true;
        }
        if child {
            let tracers = TRACERS.lock().expect("no tracer panics holding the list");
            for other in tracers.iter().filter_map(Weak::upgrade) {
                if !Arc::ptr_eq(&other, &self.bell.0) {
                    let _ = other.write(1);
                }
            }
        }
        Ok(())
    }
}
