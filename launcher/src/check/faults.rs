//! What userfaultfd can do here: who may have one, and which features it has.

use std::io;
use std::os::fd::OwnedFd;

use super::sys::{self, Pages};
use super::{Missing, Outcome};

/// Features, as in linux/userfaultfd.h.
const EVENT_FORK: u64 = 1 << 1;
const EVENT_REMAP: u64 = 1 << 2;
const EVENT_UNMAP: u64 = 1 << 6;
const PAGEFAULT_FLAG_WP: u64 = 1;
const THREAD_ID: u64 = 1 << 8;
const WP_ASYNC: u64 = 1 << 15;
const MOVE: u64 = 1 << 16;

const PERMISSION_FIX: &str = "Run as root, or: sysctl vm.unprivileged_userfaultfd=1, or give access \
                              to /dev/userfaultfd";

/// Whether this user may have a userfaultfd that serves faults of the kernel too, as they happen
/// when a system call touches a page that is elsewhere.
pub fn userfaultfd() -> Outcome {
    match open() {
        Ok((_, how)) => Ok(format!("{how}, faults of the kernel included")),
        Err(error) => {
            let fix = match error.raw_os_error() {
                Some(libc::ENOSYS) => "Use a kernel with CONFIG_USERFAULTFD=y",
                _ => PERMISSION_FIX,
            };
            Err(Missing::call("cannot create a userfaultfd", &error, fix))
        }
    }
}

/// A userfaultfd, by the system call or, where that is not permitted, from the device. The error
/// is the system call's.
fn open() -> io::Result<(OwnedFd, &'static str)> {
    match sys::userfaultfd() {
        Ok(fd) => Ok((fd, "by the system call")),
        Err(error) => match sys::userfaultfd_device() {
            Ok(fd) => Ok((fd, "from /dev/userfaultfd")),
            Err(_) => Err(error),
        },
    }
}

/// A userfaultfd on which these features were agreed.
fn with(features: u64) -> io::Result<OwnedFd> {
    let (fd, _) = open()?;
    sys::uffd_api(&fd, features)?;
    Ok(fd)
}

/// What is missing if a feature's trial fails; it then matters whether there is a userfaultfd.
fn without(what: &str, error: &io::Error, fix: &str) -> Missing {
    let fix = match open() {
        Ok(_) => fix,
        Err(_) => PERMISSION_FIX,
    };
    let why = match error.raw_os_error() {
        Some(libc::EINVAL | libc::ENOTTY) => "this kernel does not have it".to_owned(),
        _ => sys::words(error),
    };
    Missing::new(what, why, fix)
}

/// Whether a page can be installed write-protected and the protection be taken away.
pub fn write_protect() -> Outcome {
    let trial = || {
        let fd = with(PAGEFAULT_FLAG_WP)?;
        let mut source = Pages::map(1)?;
        source.write(0, 7);
        let mut target = Pages::map(1)?;
        sys::uffd_register(&fd, &target)?;
        sys::uffd_copy_protected(&fd, &mut target, 0, &source)?;
        sys::uffd_protect(&fd, &target, false)?;
        target.write(0, 8);
        sys::uffd_protect(&fd, &target, true)?;
        match target.read(0) {
            8 => Ok(()),
            _ => Err(io::Error::other("a write was lost")),
        }
    };
    let fix = "Use Linux 5.7 or later, on ARM64 6.10 or later";
    match trial() {
        Ok(()) => Ok("pages can be installed read-only".to_owned()),
        Err(error) => Err(without("userfaultfd cannot write-protect", &error, fix)),
    }
}

/// Whether a fault says which thread had it.
pub fn thread_id() -> Outcome {
    match with(THREAD_ID) {
        Ok(_) => Ok("faults name their thread".to_owned()),
        Err(error) => {
            let what = "userfaultfd does not name threads";
            Err(without(what, &error, "Use Linux 4.14 or later"))
        }
    }
}

/// Whether munmap and mremap of the program can be followed.
pub fn events() -> Outcome {
    match with(EVENT_UNMAP | EVENT_REMAP) {
        Ok(_) => Ok("munmap and mremap can be followed".to_owned()),
        Err(error) => {
            let what = "userfaultfd does not tell of munmap and mremap";
            Err(without(what, &error, "Use Linux 4.11 or later"))
        }
    }
}

/// Whether fork of the program can be followed.
pub fn fork() -> Outcome {
    match with(EVENT_FORK) {
        Ok(_) => Ok("fork can be followed".to_owned()),
        Err(error) => {
            let fix = "Run as root, or give rtx-run the capability CAP_SYS_PTRACE";
            Err(without("userfaultfd does not tell of fork", &error, fix))
        }
    }
}

/// Whether a page can be taken by moving it, which is faster and sees pinned pages.
pub fn move_page() -> Outcome {
    let trial = || {
        let fd = with(MOVE)?;
        let (mut source, mut target) = (Pages::map(1)?, Pages::map(1)?);
        source.write(0, 9);
        sys::uffd_register(&fd, &target)?;
        sys::uffd_move(&fd, &mut target, &mut source)?;
        match target.read(0) {
            9 => Ok(()),
            _ => Err(io::Error::other("the page did not arrive")),
        }
    };
    match trial() {
        Ok(()) => Ok("pages can be moved".to_owned()),
        Err(error) => {
            let what = "userfaultfd cannot move pages";
            Err(without(what, &error, "Use Linux 6.8 or later"))
        }
    }
}

/// Whether writes can be tracked without faults.
pub fn asynchronous() -> Outcome {
    match with(WP_ASYNC) {
        Ok(_) => Ok("writes can be tracked without faults".to_owned()),
        Err(error) => {
            let what = "userfaultfd cannot track writes without faults";
            Err(without(what, &error, "Use Linux 6.7 or later"))
        }
    }
}
