//! Every system call by its kernel's name: where it runs when a thread on a board makes it, and why.
//! [`super::route`] looks here, and `docs/semantics.md` is written from here.

use std::str::FromStr;
use std::sync::LazyLock;

use syscalls::Sysno;

use super::Route;

/// Calls that run in the same place for the same reason.
pub struct Group {
    /// A heading.
    pub title: &'static str,
    /// Where they run.
    pub route: Route,
    /// Why there.
    pub why: &'static str,
    /// Their names, of any ISA.
    pub calls: &'static [&'static str],
}

const fn at_home(title: &'static str, why: &'static str, calls: &'static [&'static str]) -> Group {
    Group {
        title,
        route: Route::Home,
        why,
        calls,
    }
}

/// All of them. A call that is not here (a newer kernel's) is a home call.
#[rustfmt::skip]
pub const GROUPS: &[Group] = &[
    Group {
        title: "On the board",
        route: Route::Local,
        why: "It concerns the processor on which the thread runs, and nothing else.",
        calls: &["sched_yield"],
    },
    Group {
        title: "Threads and processes: made, replaced, ended",
        route: Route::Native,
        why: "They copy, replace or end the calling thread itself, so all of it must be at home.",
        calls: &["clone", "clone3", "fork", "vfork", "execve", "execveat", "exit", "exit_group"],
    },
    Group {
        title: "The thread's own registers and stack",
        route: Route::Native,
        why: "They set or use registers, segments or the stack pointer of the calling thread, or stay with it for the \
              rest of its life.",
        calls: &[
            "rt_sigreturn", "sigaltstack", "rseq", "restart_syscall", "seccomp", "ptrace", "arch_prctl", "modify_ldt",
            "set_thread_area", "iopl", "ioperm",
        ],
    },
    at_home("Files and directories", "Files are home's; a replica has none.", &[
        "read", "write", "open", "close", "stat", "fstat", "lstat", "lseek", "pread64", "pwrite64", "readv", "writev",
        "access", "dup", "dup2", "dup3", "fcntl", "flock", "fsync", "fdatasync", "truncate", "ftruncate", "getdents",
        "getdents64", "getcwd", "chdir", "fchdir", "rename", "mkdir", "rmdir", "creat", "link", "unlink", "symlink",
        "readlink", "chmod", "fchmod", "chown", "fchown", "lchown", "umask", "utime", "utimes", "mknod", "statfs",
        "fstatfs", "ustat", "sysfs", "readahead", "setxattr", "lsetxattr", "fsetxattr", "getxattr", "lgetxattr",
        "fgetxattr", "listxattr", "llistxattr", "flistxattr", "removexattr", "lremovexattr", "fremovexattr",
        "setxattrat", "getxattrat", "listxattrat", "removexattrat", "fadvise64", "openat", "openat2", "mkdirat",
        "mknodat", "fchownat", "futimesat", "newfstatat", "fstatat", "unlinkat", "renameat", "renameat2", "linkat",
        "symlinkat", "readlinkat", "fchmodat", "fchmodat2", "faccessat", "faccessat2", "sync_file_range", "utimensat",
        "fallocate", "preadv", "pwritev", "preadv2", "pwritev2", "name_to_handle_at", "open_by_handle_at", "syncfs",
        "sync", "copy_file_range", "statx", "close_range", "cachestat", "file_getattr", "file_setattr", "ioctl",
        "lookup_dcookie", "sendfile", "quotactl", "quotactl_fd", "inotify_init", "inotify_init1", "inotify_add_watch",
        "inotify_rm_watch", "fanotify_init", "fanotify_mark",
    ]),
    at_home("Pipes, events, waiting for descriptors", "Descriptors are home's, and so is waiting for them.", &[
        "pipe", "pipe2", "poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl",
        "epoll_wait", "epoll_pwait", "epoll_pwait2", "epoll_ctl_old", "epoll_wait_old", "eventfd", "eventfd2",
        "signalfd", "signalfd4", "timerfd_create", "timerfd_settime", "timerfd_gettime", "splice", "tee", "vmsplice",
    ]),
    at_home("Sockets", "The network is home's; a replica has none.", &[
        "socket", "socketpair", "connect", "accept", "accept4", "bind", "listen", "shutdown", "sendto", "recvfrom",
        "sendmsg", "recvmsg", "sendmmsg", "recvmmsg", "getsockname", "getpeername", "setsockopt", "getsockopt",
    ]),
    at_home("Waiting for other threads",
        "There is one queue for each futex, at home. Only the word is shared memory: a lock without contention makes no \
         call.", &[
        "futex", "futex_waitv", "futex_wait", "futex_wake", "futex_requeue", "set_robust_list", "get_robust_list",
        "membarrier",
    ]),
    at_home("Memory", "The map of the address space is home's; boards follow it.", &[
        "mmap", "munmap", "mremap", "brk", "mprotect", "pkey_mprotect", "pkey_alloc", "pkey_free", "madvise",
        "process_madvise", "msync", "mincore", "mlock", "mlock2", "munlock", "mlockall", "munlockall",
        "remap_file_pages", "mbind", "set_mempolicy", "get_mempolicy", "set_mempolicy_home_node", "migrate_pages",
        "move_pages", "memfd_create", "memfd_secret", "userfaultfd", "process_vm_readv", "process_vm_writev",
        "process_mrelease", "map_shadow_stack", "mseal",
    ]),
    at_home("Shared memory, semaphores, message queues", "They are objects of home's kernel.", &[
        "shmget", "shmat", "shmctl", "shmdt", "semget", "semop", "semctl", "semtimedop", "msgget", "msgsnd", "msgrcv",
        "msgctl", "mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify", "mq_getsetattr",
    ]),
    at_home("Asynchronous input and output", "The files are home's.", &[
        "io_setup", "io_destroy", "io_getevents", "io_pgetevents", "io_submit", "io_cancel", "io_uring_setup",
        "io_uring_enter", "io_uring_register",
    ]),
    at_home("Signals", "Signals are sent to the shadow, which has the thread's mask and its id.", &[
        "rt_sigaction", "rt_sigprocmask", "rt_sigpending", "rt_sigtimedwait", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
        "rt_sigsuspend", "pause", "kill", "tkill", "tgkill", "pidfd_send_signal",
    ]),
    at_home("Clocks, timers, sleeping",
        "They are home's; where board and home are one machine, the clocks behind the vDSO's functions are read on the \
         board.", &[
        "clock_gettime", "clock_settime", "clock_getres", "clock_adjtime", "adjtimex", "gettimeofday", "settimeofday",
        "time", "times", "nanosleep", "clock_nanosleep", "alarm", "getitimer", "setitimer", "timer_create",
        "timer_settime", "timer_gettime", "timer_getoverrun", "timer_delete",
    ]),
    at_home("Who one is", "Ids, names, limits and credentials are those of the shadow and of its process.", &[
        "getpid", "gettid", "getppid", "getpgrp", "getpgid", "setpgid", "getsid", "setsid", "getuid", "geteuid",
        "getgid", "getegid", "setuid", "setgid", "setreuid", "setregid", "setresuid", "getresuid", "setresgid",
        "getresgid", "setfsuid", "setfsgid", "getgroups", "setgroups", "capget", "capset", "prctl", "personality",
        "set_tid_address", "getrlimit", "setrlimit", "prlimit64", "getrusage", "unshare", "setns", "chroot",
        "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "lsm_get_self_attr",
        "lsm_set_self_attr", "lsm_list_modules", "add_key", "request_key", "keyctl", "get_thread_area",
    ]),
    at_home("Other processes", "Children and other processes are home's.", &[
        "wait4", "waitid", "pidfd_open", "pidfd_getfd", "kcmp",
    ]),
    at_home("Scheduling", "It is set for the shadow. What a board gives its threads, it decides itself.", &[
        "getpriority", "setpriority", "sched_setparam", "sched_getparam", "sched_setscheduler", "sched_getscheduler",
        "sched_get_priority_max", "sched_get_priority_min", "sched_rr_get_interval", "sched_setaffinity",
        "sched_getaffinity", "sched_setattr", "sched_getattr", "ioprio_set", "ioprio_get", "getcpu",
    ]),
    at_home("The machine", "They ask or change home.", &[
        "uname", "sysinfo", "syslog", "sethostname", "setdomainname", "getrandom", "mount", "umount2", "pivot_root",
        "open_tree", "open_tree_attr", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr",
        "statmount", "listmount", "swapon", "swapoff", "reboot", "acct", "vhangup", "kexec_load", "kexec_file_load",
        "init_module", "finit_module", "delete_module", "create_module", "get_kernel_syms", "query_module", "uselib",
        "_sysctl", "perf_event_open", "bpf", "nfsservctl", "getpmsg", "putpmsg", "afs_syscall", "tuxcall", "security",
        "vserver",
    ]),
    at_home("Probes", "The kernel makes them up for probed programs; nobody else may.", &["uretprobe", "uprobe"]),
];

/// What else is to be known about single calls.
#[rustfmt::skip]
pub const REMARKS: &[(&str, &str)] = &[
    ("clone", "a new thread begins at home"),
    ("clone3", "a new thread begins at home"),
    ("vfork", "the child shares the memory and runs at home"),
    ("execve", "ends all offloading: the new program stays at home"),
    ("execveat", "ends all offloading: the new program stays at home"),
    ("exit", "pages that the kernel writes at a thread's end come home first"),
    ("exit_group", "ends the replicas"),
    ("rseq", "threads that have used it are not moved"),
    ("seccomp", "a filter with a listener keeps the program at home; EBUSY once something has been offloaded"),
    ("ptrace", "the program has a tracer already"),
    ("membarrier", "on every machine that runs threads of the program"),
    ("mincore", "does not know of pages that are on boards"),
    ("pkey_alloc", "boards know nothing of protection keys"),
    ("userfaultfd", "not for memory that boards share, which rtx watches itself"),
    ("shmat", "shared memory stays at home: who touches it comes home"),
    ("remap_file_pages", "shared mappings stay at home"),
    ("io_submit", "not into memory that boards use"),
    ("io_uring_setup", "not into memory that boards use"),
    ("sched_setaffinity", "binds the shadow; numbers are home's"),
    ("getcpu", "tells home's processor"),
];

/// The routes by number on this ISA.
static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let mut routes = Vec::new();
    for group in GROUPS {
        for nr in group.calls.iter().filter_map(|name| number(name)) {
            let at = nr as usize;
            if routes.len() <= at {
                routes.resize(at + 1, Route::Home);
            }
            routes[at] = group.route;
        }
    }
    routes
});

/// Where call `nr` of this ISA runs.
pub(super) fn route(nr: i64) -> Route {
    let known = usize::try_from(nr).ok().and_then(|nr| ROUTES.get(nr));
    known.copied().unwrap_or(Route::Home)
}

/// A call's number on this ISA, if it has it.
pub fn number(name: &str) -> Option<i64> {
    Sysno::from_str(name).ok().map(|call| call.id().into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_call_is_there_once() {
        let all: Vec<&str> = GROUPS.iter().flat_map(|g| g.calls).copied().collect();
        let names: BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(all.len(), names.len());
        // Names of 32-bit processes' calls, which ARM64's list has too.
        for call in Sysno::iter().filter(|call| !call.name().contains("time64")) {
            assert!(names.contains(call.name()), "{} is missing", call.name());
        }
        for (name, _) in REMARKS {
            assert!(names.contains(name), "{name}");
        }
    }

    #[test]
    fn numbers_beyond_the_table_are_home_calls() {
        assert_eq!(route(-1), Route::Home);
        assert_eq!(route(i64::MAX), Route::Home);
        assert_eq!(route(100_000), Route::Home);
    }
}
