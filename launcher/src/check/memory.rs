//! Whether memory can be dropped in batches, and looked at.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use super::sys::{self, PAGE, Pages};
use super::{Missing, Outcome};

/// Whether a process may drop scattered pages of its own with one call.
pub fn drop_own() -> Outcome {
    let trial = || {
        let mut pages = Pages::map(1)?;
        pages.write(0, 5);
        let own = sys::pidfd_open(nix::unistd::getpid().as_raw())?;
        sys::process_madvise_drop(&own, &mut pages)?;
        match pages.read(0) {
            0 => Ok(()),
            _ => Err(io::Error::other("the page was kept")),
        }
    };
    let fix = "Use Linux 6.13 or later; until then pages are dropped one by one";
    match trial() {
        Ok(()) => Ok("process_madvise takes DONTNEED on oneself".to_owned()),
        Err(error) => {
            let what = "process_madvise does not take DONTNEED on oneself";
            Err(Missing::call(what, &error, fix))
        }
    }
}

/// Whether it can be seen which pages are populated.
pub fn pagemap() -> Outcome {
    const PRESENT: u64 = 1 << 63;
    let trial = || {
        let mut pages = Pages::map(2)?;
        pages.write(1, 5);
        let map = File::open("/proc/self/pagemap")?;
        let entry = |page: u64| -> io::Result<u64> {
            let mut bytes = [0; 8];
            let index = pages.start() / PAGE as u64 + page;
            map.read_exact_at(&mut bytes, index * 8)?;
            Ok(u64::from_ne_bytes(bytes))
        };
        match (entry(0)? & PRESENT, entry(1)? & PRESENT) {
            (0, PRESENT) => Ok(()),
            _ => Err(io::Error::other("it shows something else")),
        }
    };
    match trial() {
        Ok(()) => Ok("/proc/PID/pagemap shows which pages are there".to_owned()),
        Err(error) => {
            let fix = "Mount /proc, and use a kernel with CONFIG_PROC_PAGE_MONITOR=y";
            Err(Missing::call("cannot read /proc/self/pagemap", &error, fix))
        }
    }
}

/// Whether one mapping can be asked for, instead of reading the text of all.
pub fn procmap_query() -> Outcome {
    let trial = || {
        let pages = Pages::map(1)?;
        let maps = OwnedFd::from(File::open("/proc/self/maps")?);
        sys::procmap_query(&maps, pages.start())
    };
    match trial() {
        Ok(()) => Ok("single mappings can be asked for".to_owned()),
        Err(error) => {
            let why = match error.raw_os_error() {
                Some(libc::ENOTTY) => "this kernel does not have it".to_owned(),
                _ => sys::words(&error),
            };
            let what = "cannot ask for a single mapping with PROCMAP_QUERY";
            Err(Missing::new(what, why, "Use Linux 6.11 or later"))
        }
    }
}
