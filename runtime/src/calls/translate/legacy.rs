//! Calls that only x86-64 has, and for which ARM64 has another that does the same with more arguments. The
//! kernel itself defines the old ones so.

use super::isa::Ends;
use super::open_flags;
use super::script::{Call, Plan};
use super::{epoll, stat};

const CWD: u64 = libc::AT_FDCWD as u64;
const NO_FOLLOW: u64 = libc::AT_SYMLINK_NOFOLLOW as u64;

fn plain(name: &'static str, args: [u64; 6]) -> Plan {
    Plan::Plain(Call { name, args })
}

/// Paths, relative to the working directory.
pub(super) fn open(ends: Ends, args: &[u64; 6]) -> Plan {
    let flags = open_flags::to_home(ends, args[1]);
    plain("openat", [CWD, args[0], flags, args[2], 0, 0])
}

pub(super) fn creat(_ends: Ends, args: &[u64; 6]) -> Plan {
    let flags = libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC;
    plain("openat", [CWD, args[0], flags as u64, args[1], 0, 0])
}

pub(super) fn access(_ends: Ends, args: &[u64; 6]) -> Plan {
    plain("faccessat", [CWD, args[0], args[1], 0, 0, 0])
}

pub(super) fn mkdir(_ends: Ends, args: &[u64; 6]) -> Plan {
    plain("mkdirat", [CWD, args[0], args[1], 0, 0, 0])
}

pub(super) fn mknod(_ends: Ends, args: &[u64; 6]) -> Plan {
    plain("mknodat", [CWD, args[0], args[1], args[2], 0, 0])
}

pub(super) fn rmdir(_ends: Ends, args: &[u64; 6]) -> Plan {
    plain(
        "unlinkat",
        [CWD, args[0], libc::AT_REMOVEDIR as u64, 0, 0, 0],
    )
}

pub(super) fn unlink(_ends: Ends, args: &[u64; 6]) -> Plan {
    plain("unlinkat", [CWD, args[0], 0, 0, 0, 0])
}

pub(super) fn rename(_ends: Ends, args: &[u64; 6]) -> Plan {
    plain("renameat", [CWD, args[0], CWD, args[1], 0, 0])
}

pub(super) fn link(_ends: Ends, args: &[u64; 6]) -> Plan {
    plain("linkat", [CWD, args[0], CWD, args[1], 0, 0])
}

pub(super) fn symlink(_ends: Ends, args: &[u64; 6]) -> Plan {
    plain("symlinkat", [args[0], CWD, args[1], 0, 0, 0])
}

pub(super) fn readlink(_ends: Ends, args: &[u64; 6]) -> Plan {
    plain("readlinkat", [CWD, args[0], args[1], args[2], 0, 0])
}

pub(super) fn chmod(_ends: Ends, args: &[u64; 6]) -> Plan {
    plain("fchmodat", [CWD, args[0], args[1], 0, 0, 0])
}

pub(super) fn chown(_ends: Ends, args: &[u64; 6]) -> Plan {
    plain("fchownat", [CWD, args[0], args[1], args[2], 0, 0])
}

pub(super) fn lchown(_ends: Ends, args: &[u64; 6]) -> Plan {
    plain("fchownat", [CWD, args[0], args[1], args[2], NO_FOLLOW, 0])
}

/// What is told about files.
pub(super) fn stat(ends: Ends, args: &[u64; 6]) -> Plan {
    stat_at(ends, args, 0)
}

pub(super) fn lstat(ends: Ends, args: &[u64; 6]) -> Plan {
    stat_at(ends, args, NO_FOLLOW)
}

fn stat_at(ends: Ends, args: &[u64; 6], flags: u64) -> Plan {
    let call = Call {
        name: "newfstatat",
        args: [CWD, args[0], args[1], flags, 0, 0],
    };
    stat::stat(ends, call, 2)
}

/// Descriptors.
pub(super) fn pipe(_ends: Ends, args: &[u64; 6]) -> Plan {
    plain("pipe2", [args[0], 0, 0, 0, 0, 0])
}

pub(super) fn eventfd(_ends: Ends, args: &[u64; 6]) -> Plan {
    plain("eventfd2", [args[0], 0, 0, 0, 0, 0])
}

pub(super) fn signalfd(_ends: Ends, args: &[u64; 6]) -> Plan {
    plain("signalfd4", [args[0], args[1], args[2], 0, 0, 0])
}

pub(super) fn inotify_init(_ends: Ends, _args: &[u64; 6]) -> Plan {
    plain("inotify_init1", [0; 6])
}

pub(super) fn epoll_create(_ends: Ends, args: &[u64; 6]) -> Plan {
    if args[0] as i32 <= 0 {
        return Plan::Done(-i64::from(libc::EINVAL));
    }
    plain("epoll_create1", [0; 6])
}

pub(super) fn epoll_wait(ends: Ends, args: &[u64; 6]) -> Plan {
    let [descriptor, events, most, timeout, ..] = *args;
    let call = Call {
        name: "epoll_pwait",
        args: [descriptor, events, most, timeout, 0, 0],
    };
    epoll::wait(ends, call)
}

/// The process.
pub(super) fn getpgrp(_ends: Ends, _args: &[u64; 6]) -> Plan {
    plain("getpgid", [0; 6])
}

/// Waits for a signal: for no descriptor, for ever.
pub(super) fn pause(_ends: Ends, _args: &[u64; 6]) -> Plan {
    plain("ppoll", [0; 6])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: Ends = Ends::FOREIGN[0];

    #[test]
    fn old_calls_become_new_ones() {
        type Row = (fn(Ends, &[u64; 6]) -> Plan, &'static str, [u64; 5]);
        let rows: [Row; 22] = [
            (open, "openat", [CWD, 1, 0o40_003, 3, 0]),
            (creat, "openat", [CWD, 1, 0o1101, 0o200_003, 0]),
            (access, "faccessat", [CWD, 1, 0o200_003, 0, 0]),
            (mkdir, "mkdirat", [CWD, 1, 0o200_003, 0, 0]),
            (mknod, "mknodat", [CWD, 1, 0o200_003, 3, 0]),
            (rmdir, "unlinkat", [CWD, 1, 0x200, 0, 0]),
            (unlink, "unlinkat", [CWD, 1, 0, 0, 0]),
            (rename, "renameat", [CWD, 1, CWD, 0o200_003, 0]),
            (link, "linkat", [CWD, 1, CWD, 0o200_003, 0]),
            (symlink, "symlinkat", [1, CWD, 0o200_003, 0, 0]),
            (readlink, "readlinkat", [CWD, 1, 0o200_003, 3, 0]),
            (chmod, "fchmodat", [CWD, 1, 0o200_003, 0, 0]),
            (chown, "fchownat", [CWD, 1, 0o200_003, 3, 0]),
            (lchown, "fchownat", [CWD, 1, 0o200_003, 3, 0x100]),
            (pipe, "pipe2", [1, 0, 0, 0, 0]),
            (eventfd, "eventfd2", [1, 0, 0, 0, 0]),
            (signalfd, "signalfd4", [1, 0o200_003, 3, 0, 0]),
            (inotify_init, "inotify_init1", [0; 5]),
            (epoll_create, "epoll_create1", [0; 5]),
            (getpgrp, "getpgid", [0; 5]),
            (pause, "ppoll", [0; 5]),
            (
                |_, args| super::super::descriptors::duplicate(args),
                "dup3",
                [1, 0o200_003, 0, 0, 0],
            ),
        ];
        for (rule, name, args) in rows {
            let Plan::Plain(call) = rule(ENDS, &[1, 0o200_003, 3, 4, 5, 6]) else {
                panic!("{name}")
            };
            assert_eq!((call.name, &call.args[..5]), (name, &args[..]));
        }
    }

    #[test]
    fn no_epoll_of_no_size() {
        for size in [0, -1i32 as u32 as u64] {
            let plan = epoll_create(ENDS, &[size, 0, 0, 0, 0, 0]);
            assert!(matches!(plan, Plan::Done(-22)));
        }
    }
}
