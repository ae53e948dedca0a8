//! Trying things in forked children, so that nothing of a trial remains.

use std::io;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, alarm, fork, pause};

/// A trial that takes longer than this many seconds has failed.
const PATIENCE_S: u32 = 5;

/// Runs `trial` in a forked child and returns what it returned, its error as an error number.
///
/// The trial must not use the heap or locks: in a test other threads may have held them.
pub fn in_child(trial: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    // SAFETY: the child runs the trial only, which by the contract above is sound after fork.
    match unsafe { fork() }? {
        ForkResult::Child => {
            alarm::set(PATIENCE_S);
            let number = match trial() {
                Ok(()) => 0,
                Err(error) => error.raw_os_error().unwrap_or(libc::EIO),
            };
            exit_now(number)
        }
        ForkResult::Parent { child } => match wait(child)? {
            WaitStatus::Exited(_, 0) => Ok(()),
            WaitStatus::Exited(_, number) => Err(io::Error::from_raw_os_error(number)),
            WaitStatus::Signaled(_, Signal::SIGALRM, _) => Err(Errno::ETIMEDOUT.into()),
            _ => Err(Errno::EIO.into()),
        },
    }
}

/// A child that does nothing until it is dropped.
pub struct Sleeper(Pid);

impl Sleeper {
    /// Starts one.
    pub fn start() -> io::Result<Self> {
        // SAFETY: the child makes a few system calls and nothing else.
        match unsafe { fork() }? {
            ForkResult::Child => {
                // If its parent is killed it goes too, at the latest by the alarm.
                let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
                alarm::set(10 * PATIENCE_S);
                loop {
                    pause();
                }
            }
            ForkResult::Parent { child } => Ok(Self(child)),
        }
    }

    /// Its process id.
    pub fn pid(&self) -> Pid {
        self.0
    }

    /// Waits until ptrace has stopped it.
    pub fn wait_stopped(&self) -> io::Result<()> {
        match waitpid(self.0, Some(WaitPidFlag::__WALL))? {
            WaitStatus::PtraceEvent(..) | WaitStatus::Stopped(..) => Ok(()),
            _ => Err(Errno::ECHILD.into()),
        }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        // It cannot be gone: it is our child and not yet waited for.
        let _ = kill(self.0, Signal::SIGKILL);
        let _ = wait(self.0);
    }
}

fn wait(child: Pid) -> io::Result<WaitStatus> {
    loop {
        match waitpid(child, None) {
            Err(Errno::EINTR) => {}
            // A seized child stops once more on its way out. It may be gone by now.
            Ok(WaitStatus::PtraceEvent(..) | WaitStatus::Stopped(..)) => {
                let _ = nix::sys::ptrace::cont(child, None);
            }
            other => return Ok(other?),
        }
    }
}

/// Ends this process without running anything of its parent's that was copied.
fn exit_now(status: i32) -> ! {
    // SAFETY: _exit has no preconditions.
    unsafe { libc::_exit(status) }
}
