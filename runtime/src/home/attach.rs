//! Seizing a process that runs already: all its threads, while it makes others, ends some, or executes
//! another program.

use std::io;
use std::time::{Duration, Instant};

use crate::guest::procfs;
use crate::guest::ptrace::{self, Tid};

/// How long a process may be in the middle of executing a program, in which its first thread has ended
/// and another is about to take its place.
const EXEC_PATIENCE: Duration = Duration::from_secs(1);

/// Seizes every thread of process `pid`. They run on.
pub(super) fn seize_all(pid: Tid) -> io::Result<Tid> {
    let own = nix::unistd::gettid().as_raw();
    let end = Instant::now() + EXEC_PATIENCE;
    loop {
        let mut changes = false;
        for tid in procfs::threads(pid).map_err(gone)? {
            // The kernel is asked each time: who executes a program takes the first thread's number.
            if procfs::tracer(pid, tid).is_ok_and(|tracer| tracer == own) {
                continue;
            }
            match ptrace::seize(tid, ptrace::GUEST_OPTIONS) {
                Ok(()) => changes = true,
                Err(e) if e.raw_os_error() == Some(libc::ESRCH) && tid != pid => changes = true,
                Err(e) if e.raw_os_error() == Some(libc::EPERM) => {
                    // It came to be traced with its maker; or it is ending, perhaps for another that
                    // executes a program; or this is forbidden.
                    let traced = procfs::tracer(pid, tid).is_ok_and(|tracer| tracer == own);
                    if !traced && Instant::now() > end {
                        return Err(e);
                    }
                    std::thread::sleep(Duration::from_millis(1));
                    changes = true;
                }
                Err(e) => return Err(e),
            }
        }
        if !changes {
            return Ok(pid);
        }
    }
}

/// What is no longer in /proc is no process any more.
fn gone(e: io::Error) -> io::Error {
    match e.kind() {
        io::ErrorKind::NotFound => io::Error::from_raw_os_error(libc::ESRCH),
        _ => e,
    }
}
