//! Calls that open files, of which some begin what boards cannot follow or must be taken care of. Their
//! path and, for openat2(2), their flags stand in memory: who receives such a call reads them.
//!
//! - /proc/PID/mem, pagemap and clear_refs reach memory in ways that do not wait for pages: what is on a
//!   board cannot be read so (EIO), looks as if it was never there, or is not marked as written.
//! - /dev/userfaultfd gives the program faults to serve itself ([`super::beyond()`]).
//! - With O_DIRECT devices begin to write into memory (`memory/mover.rs`).

use super::beyond::OWN_FAULTS;
use crate::guest::arch;

/// Where an opening call tells what it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The address of the path.
    pub path: u64,
    /// How.
    pub flags: Flags,
}

/// The flags of an opening call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flags {
    /// These.
    Given(i32),
    /// The first word of struct open_how at this address (openat2(2)).
    At(u64),
}

/// What an opening call begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// Nothing of interest.
    Nothing,
    /// Direct I/O.
    DirectIo,
    /// What boards cannot follow, in words for its user.
    Beyond(&'static str),
}

/// What a program does that opens memory as a file, in words for its user.
pub const MEMORY_AS_A_FILE: &str = "its memory through /proc (mem, pagemap, clear_refs)";

/// The opening call with this number, if it is one.
pub fn opening(nr: i64, args: &[u64; 6]) -> Option<Opening> {
    let (path, flags) = match nr {
        libc::SYS_openat => (args[1], Flags::Given(args[2] as i32)),
        libc::SYS_openat2 => (args[1], Flags::At(args[2])),
        nr if arch::OPEN == Some(nr) => (args[0], Flags::Given(args[1] as i32)),
        _ => return None,
    };
    Some(Opening { path, flags })
}

/// What it begins to open `path` with `flags`.
pub fn begins(path: &[u8], flags: i32) -> Begins {
    if reaches_memory(path) {
        Begins::Beyond(MEMORY_AS_A_FILE)
    } else if path.ends_with(b"dev/userfaultfd") {
        Begins::Beyond(OWN_FAULTS)
    } else if flags & libc::O_DIRECT != 0 {
        Begins::DirectIo
    } else {
        Begins::Nothing
    }
}

/// Whether a path may be that of a file in /proc through which memory is reached: by its last name, and
/// unless it is an absolute path to elsewhere.
fn reaches_memory(path: &[u8]) -> bool {
    let mut names = path.split(|byte| *byte == b'/').filter(|n| !n.is_empty());
    let elsewhere = path.starts_with(b"/")
        && names.clone().find(|name| *name != b".") != Some(b"proc".as_slice())
        && !names.clone().any(|name| name == b"..");
    let last = names.next_back().unwrap_or_default();
    !elsewhere && [b"mem".as_slice(), b"pagemap", b"clear_refs"].contains(&last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_known_by_its_names_in_proc() {
        for path in [
            "/proc/self/mem",
            "/proc/77/task/78/mem",
            "//proc//self/./pagemap",
            "/./proc/self/clear_refs",
            "/tmp/../proc/self/mem",
            "self/mem",
            "mem",
        ] {
            let begins = begins(path.as_bytes(), 0);
            assert_eq!(begins, Begins::Beyond(MEMORY_AS_A_FILE), "{path}");
        }
        for path in [
            "/dev/mem",
            "/home/x/mem",
            "/proc/self/maps",
            "/proc/self/mem/x",
            "memory",
            "",
            "/",
        ] {
            assert_eq!(begins(path.as_bytes(), 0), Begins::Nothing, "{path}");
        }
        assert_eq!(begins(b"x", libc::O_DIRECT), Begins::DirectIo);
        let both = begins(b"mem", libc::O_DIRECT);
        assert_eq!(both, Begins::Beyond(MEMORY_AS_A_FILE));
        let faults = begins(b"/dev/userfaultfd", libc::O_RDWR);
        assert_eq!(faults, Begins::Beyond(OWN_FAULTS));
    }

    #[test]
    fn opening_calls_tell_where_path_and_flags_are() {
        let args = [1, 2, 3, 4, 5, 6];
        let at = |nr| opening(nr, &args).map(|o| (o.path, o.flags));
        assert_eq!(at(libc::SYS_openat), Some((2, Flags::Given(3))));
        assert_eq!(at(libc::SYS_openat2), Some((2, Flags::At(3))));
        if let Some(open) = arch::OPEN {
            assert_eq!(at(open), Some((1, Flags::Given(2))));
        }
        assert_eq!(at(libc::SYS_read), None);
    }
}
