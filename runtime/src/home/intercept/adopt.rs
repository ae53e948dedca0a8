//! A guest that was let go and is joined again: it is under the filter already, and its keeper has
//! the listener.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{keeper, start};
use crate::guest::equip::{self, EquipError, fetch_fd, step};
use crate::guest::ptrace::Tid;

/// How long a keeper may take to end, in milliseconds.
const PATIENCE_MS: u16 = 5000;

/// Takes the listener over from the keeper of `guest`, which ends. `None`: it has none but `ours`,
/// which waits for the listener.
pub fn listener(guest: Tid, ours: Tid) -> Result<Option<OwnedFd>, EquipError> {
    let Some(keeper) = find(guest, ours).map_err(step("look for the keeper of the program"))?
    else {
        return Ok(None);
    };
    take(keeper)
        .map(Some)
        .map_err(step("take over from the keeper of the program"))
}

/// The keeper of `guest` other than `ours`, by what it was called with.
fn find(guest: Tid, ours: Tid) -> io::Result<Option<Tid>> {
    let [pid, start] = start::arguments(guest)?;
    let wanted = format!("{}\0{pid}\0{start}\0", keeper::NAME);
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|n| n.parse().ok());
        let Some(pid) = number.filter(|pid| *pid != ours) else {
            continue;
        };
        // Most are others, and some end while we look.
        if std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|c| c == wanted.as_bytes()) {
            return Ok(Some(pid));
        }
    }
    Ok(None)
}

/// Copies the listener and ends the keeper. Calls that come meanwhile wait in the kernel.
fn take(keeper: Tid) -> io::Result<OwnedFd> {
    let pidfd = equip::pidfd(keeper)?;
    let listener = fetch_fd(keeper, keeper::LISTENER)?;
    // SAFETY: kill takes integers. The process is the keeper: it ends when nobody is under the
    // filter, and the guest, which is stopped, is.
    if unsafe { libc::kill(keeper, libc::SIGTERM) } == -1 {
        return Err(io::Error::last_os_error());
    }
    let mut fds = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
    match poll(&mut fds, PollTimeout::from(PATIENCE_MS))? {
        0 => Err(io::ErrorKind::TimedOut.into()),
        _ => Ok(listener),
    }
}
