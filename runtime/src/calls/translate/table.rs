//! What becomes of every call of either instruction set. Nothing is a default: a call that is not here is
//! refused. `docs/translation.md` is written from here.

use super::script::{Call, Plan};
use super::{
    arguments, descriptors, directory, epoll, handlers, legacy, opening, semaphores, stat, times,
    waiting,
};
use super::{isa::Ends, open_flags};

/// Calls of one kind.
pub struct Section {
    /// A heading.
    pub title: &'static str,
    /// What they have in common.
    pub what: &'static str,
    /// The calls.
    pub rules: &'static [Rule],
}

/// Calls of which the same becomes.
pub struct Rule {
    /// The kernel's names.
    pub calls: &'static [&'static str],
    /// What becomes of them, or why they are refused.
    pub what: &'static str,
    pub(super) treatment: Treatment,
}

/// What becomes of a call.
#[derive(Clone, Copy)]
pub(super) enum Treatment {
    /// Arguments, structures and flags were compared, and are the same.
    Same,
    /// A function decides.
    By(fn(Ends, &[u64; 6]) -> Plan),
    /// The runtime makes it of the thread itself.
    Native,
    /// With this error.
    Refused(i32),
}

use Treatment::{By, Native, Refused, Same};

const fn rule(calls: &'static [&'static str], treatment: Treatment, what: &'static str) -> Rule {
    Rule {
        calls,
        what,
        treatment,
    }
}

/// The flags of open(2) are argument `at`.
fn flags_at(name: &'static str, at: usize, ends: Ends, args: &[u64; 6]) -> Plan {
    let mut args = *args;
    args[at] = open_flags::to_home(ends, args[at]);
    Plan::Plain(Call { name, args })
}

/// The structure is argument `at`.
fn stat_at(name: &'static str, at: usize, ends: Ends, args: &[u64; 6]) -> Plan {
    let args = *args;
    stat::stat(ends, Call { name, args }, at)
}

/// The events are the second argument.
fn events(name: &'static str, ends: Ends, args: &[u64; 6]) -> Plan {
    let args = *args;
    epoll::wait(ends, Call { name, args })
}

/// All of them.
#[rustfmt::skip]
pub const SECTIONS: &[Section] = &[
    Section {
        title: "The same but for the number",
        what: "Arguments, flags and structures were compared in the kernel's headers, and are the same.",
        rules: &[
            rule(&[
                "read", "write", "close", "lseek", "pread64", "pwrite64", "readv", "writev", "preadv", "pwritev", "preadv2",
                "pwritev2", "dup", "dup3", "flock", "fsync", "fdatasync", "truncate", "ftruncate", "getdents64", "getcwd",
                "chdir", "fchdir", "fchmod", "fchown", "umask", "statfs", "fstatfs", "readahead", "setxattr", "lsetxattr",
                "fsetxattr", "getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr", "removexattr",
                "lremovexattr", "fremovexattr", "setxattrat", "getxattrat", "listxattrat", "removexattrat", "fadvise64",
                "mkdirat", "mknodat", "fchownat", "unlinkat", "renameat", "renameat2", "linkat", "symlinkat", "readlinkat",
                "fchmodat", "fchmodat2", "faccessat", "faccessat2", "sync_file_range", "utimensat", "fallocate",
                "name_to_handle_at", "syncfs", "sync", "copy_file_range", "statx", "close_range", "cachestat",
                "file_getattr", "file_setattr", "lookup_dcookie", "sendfile", "quotactl", "quotactl_fd",
                "inotify_init1", "inotify_add_watch", "inotify_rm_watch", "fanotify_mark",
            ], Same, "Files and directories."),
            rule(&[
                "ppoll", "pselect6", "epoll_create1", "eventfd2", "signalfd4", "timerfd_create", "timerfd_settime",
                "timerfd_gettime", "splice", "tee", "vmsplice",
            ], Same, "Pipes, events, waiting for descriptors. O_CLOEXEC and O_NONBLOCK are the same."),
            rule(&[
                "socket", "socketpair", "connect", "accept", "accept4", "bind", "listen", "shutdown", "sendto", "recvfrom",
                "sendmsg", "recvmsg", "sendmmsg", "recvmmsg", "getsockname", "getpeername", "setsockopt", "getsockopt",
            ], Same, "Sockets."),
            rule(&[
                "futex", "futex_waitv", "futex_wait", "futex_wake", "futex_requeue", "set_robust_list",
                "get_robust_list", "membarrier",
            ], Same, "Waiting for other threads."),
            rule(&[
                "munmap", "mremap", "brk", "madvise", "process_madvise", "msync", "mincore", "mlock", "mlock2", "munlock",
                "mlockall", "munlockall", "remap_file_pages", "mbind", "set_mempolicy", "get_mempolicy",
                "set_mempolicy_home_node", "migrate_pages", "move_pages", "memfd_create", "memfd_secret", "userfaultfd",
                "process_vm_readv", "process_vm_writev", "process_mrelease", "mseal",
            ], Same, "Memory."),
            rule(&[
                "shmget", "shmat", "shmctl", "shmdt", "semget", "semop", "semtimedop", "msgget", "msgsnd", "msgrcv", "msgctl",
                "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify", "mq_getsetattr",
            ], Same, "Shared memory, semaphores, message queues."),
            rule(&[
                "io_setup", "io_destroy", "io_getevents", "io_pgetevents", "io_submit", "io_cancel", "io_uring_setup",
                "io_uring_enter", "io_uring_register",
            ], Same, "Asynchronous input and output. What stands in the queues of io_uring is for home's kernel, wherever it \
                      was written: flags of open(2) and events of epoll in it are home's."),
            rule(&[
                "rt_sigprocmask", "rt_sigpending", "rt_sigtimedwait", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "rt_sigsuspend",
                "kill", "tkill", "tgkill", "pidfd_send_signal",
            ], Same, "Signals."),
            rule(&[
                "clock_gettime", "clock_settime", "clock_getres", "clock_adjtime", "adjtimex", "gettimeofday",
                "settimeofday", "times", "nanosleep", "clock_nanosleep", "getitimer", "setitimer", "timer_create",
                "timer_settime", "timer_gettime", "timer_getoverrun", "timer_delete",
            ], Same, "Clocks, timers, sleeping."),
            rule(&[
                "getpid", "gettid", "getppid", "getpgid", "setpgid", "getsid", "setsid", "getuid", "geteuid", "getgid",
                "getegid", "setuid", "setgid", "setreuid", "setregid", "setresuid", "getresuid", "setresgid", "getresgid",
                "setfsuid", "setfsgid", "getgroups", "setgroups", "capget", "capset", "personality", "set_tid_address",
                "getrlimit", "setrlimit", "prlimit64", "getrusage", "unshare", "setns", "chroot", "landlock_create_ruleset",
                "landlock_add_rule", "landlock_restrict_self", "lsm_get_self_attr", "lsm_set_self_attr",
                "lsm_list_modules", "add_key", "request_key", "keyctl", "wait4", "waitid", "pidfd_open", "pidfd_getfd", "kcmp",
            ], Same, "Who one is, and other processes."),
            rule(&[
                "sched_yield", "getpriority", "setpriority", "sched_setparam", "sched_getparam", "sched_setscheduler",
                "sched_getscheduler", "sched_get_priority_max", "sched_get_priority_min", "sched_rr_get_interval",
                "sched_setaffinity", "sched_getaffinity", "sched_setattr", "sched_getattr", "ioprio_set", "ioprio_get",
                "getcpu",
            ], Same, "Scheduling."),
            rule(&[
                "uname", "sysinfo", "syslog", "sethostname", "setdomainname", "getrandom", "mount", "umount2", "pivot_root",
                "open_tree", "open_tree_attr", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr",
                "statmount", "listmount", "swapon", "swapoff", "reboot", "acct", "vhangup", "kexec_load", "kexec_file_load",
                "init_module", "finit_module", "delete_module", "perf_event_open", "bpf", "nfsservctl",
            ], Same, "The machine, which is home: uname(2) names home's instruction set wherever the thread is, since one \
                      program gets one answer."),
        ],
    },
    Section {
        title: "Flags that differ",
        what: "O_DIRECT, O_LARGEFILE, O_DIRECTORY (and with it O_TMPFILE) and O_NOFOLLOW have other bits; a few flags and \
               commands exist on one side only.",
        rules: &[
            rule(&["openat"], By(|ends, args| flags_at("openat", 2, ends, args)), "flags of open(2)"),
            rule(&["openat2"], By(opening::open), "flags of open(2) in struct open_how"),
            rule(&["open_by_handle_at"], By(|ends, args| flags_at("open_by_handle_at", 2, ends, args)), "flags of open(2)"),
            rule(&["mq_open"], By(|ends, args| flags_at("mq_open", 1, ends, args)), "flags of open(2)"),
            rule(&["pipe2"], By(|ends, args| flags_at("pipe2", 1, ends, args)), "flags of open(2)"),
            rule(&["fanotify_init"], By(|ends, args| flags_at("fanotify_init", 1, ends, args)),
                "flags of open(2) for the descriptors in its events"),
            rule(&["fcntl"], By(descriptors::control), "F_SETFL and the result of F_GETFL; all else is the same"),
            rule(&["mmap"], By(arguments::map),
                "MAP_32BIT and MAP_ABOVE4G from x86-64 are refused (EOPNOTSUPP); from ARM64 those bits have no meaning. PROT_BTI \
                 and PROT_MTE have none from x86-64"),
            rule(&["mprotect"], By(arguments::protect), "PROT_BTI and PROT_MTE from x86-64 are EINVAL, as there"),
            rule(&["pkey_mprotect"], By(arguments::protect_with_key), "only without a key; else EINVAL"),
            rule(&["prctl"], By(arguments::process_control),
                "commands about the process; those about the processor, and seccomp filters, are refused (EINVAL)"),
            rule(&["ioctl"], By(arguments::device),
                "flags of open(2) in TIOCGPTPEER; LOOP_GET_STATUS, LOOP_SET_STATUS (EINVAL) and KVM (ENOTTY) are refused; all \
                 other requests are the same"),
        ],
    },
    Section {
        title: "Structures that differ",
        what: "The call is made with a structure in the scratch area, which is copied to or from the program's memory by calls \
               of the shadow. Faults in between are EFAULT, as from the kernel.",
        rules: &[
            rule(&["newfstatat"], By(|ends, args| stat_at("newfstatat", 2, ends, args)), "struct stat"),
            rule(&["fstat"], By(|ends, args| stat_at("fstat", 1, ends, args)), "struct stat"),
            rule(&["epoll_ctl"], By(epoll::control), "struct epoll_event, packed on x86-64"),
            rule(&["epoll_pwait"], By(|ends, args| events("epoll_pwait", ends, args)),
                "struct epoll_event; at most as many events at once as the scratch area takes, the others with the next call"),
            rule(&["epoll_pwait2"], By(|ends, args| events("epoll_pwait2", ends, args)), "as epoll_pwait"),
            rule(&["semctl"], By(semaphores::control), "struct semid64_ds of IPC_STAT, IPC_SET, SEM_STAT, SEM_STAT_ANY"),
            rule(&["rt_sigaction"], By(handlers::action),
                "the restorer: ARM64's kernel has its own, x86-64's needs one (a handler without is EINVAL)"),
        ],
    },
    Section {
        title: "Calls that only x86-64 has",
        what: "ARM64's kernel has another call that does the same.",
        rules: &[
            rule(&["open"], By(legacy::open), "openat, with its flags"),
            rule(&["creat"], By(legacy::creat), "openat"),
            rule(&["access"], By(legacy::access), "faccessat"),
            rule(&["mkdir"], By(legacy::mkdir), "mkdirat"),
            rule(&["mknod"], By(legacy::mknod), "mknodat"),
            rule(&["rmdir"], By(legacy::rmdir), "unlinkat"),
            rule(&["unlink"], By(legacy::unlink), "unlinkat"),
            rule(&["rename"], By(legacy::rename), "renameat"),
            rule(&["link"], By(legacy::link), "linkat"),
            rule(&["symlink"], By(legacy::symlink), "symlinkat"),
            rule(&["readlink"], By(legacy::readlink), "readlinkat"),
            rule(&["chmod"], By(legacy::chmod), "fchmodat"),
            rule(&["chown"], By(legacy::chown), "fchownat"),
            rule(&["lchown"], By(legacy::lchown), "fchownat"),
            rule(&["stat"], By(legacy::stat), "newfstatat, with its structure"),
            rule(&["lstat"], By(legacy::lstat), "newfstatat, with its structure"),
            rule(&["utime"], By(|_, args| times::utime(args)), "utimensat, with times of another type"),
            rule(&["utimes"], By(|_, args| times::utimes(args)), "utimensat, with times of another type"),
            rule(&["futimesat"], By(|_, args| times::futimesat(args)), "utimensat, with times of another type"),
            rule(&["getdents"], By(|_, args| directory::entries(args)), "getdents64, with entries of another layout"),
            rule(&["pipe"], By(legacy::pipe), "pipe2"),
            rule(&["dup2"], By(|_, args| descriptors::duplicate(args)), "dup3; of a descriptor onto itself, fcntl"),
            rule(&["poll"], By(|_, args| waiting::poll(args)), "ppoll, with a timeout of another type"),
            rule(&["select"], By(|_, args| waiting::select(args)),
                "pselect6, with a timeout of another type, which afterwards tells what is left"),
            rule(&["epoll_create"], By(legacy::epoll_create), "epoll_create1"),
            rule(&["epoll_wait"], By(legacy::epoll_wait), "epoll_pwait, with its structure"),
            rule(&["eventfd"], By(legacy::eventfd), "eventfd2"),
            rule(&["signalfd"], By(legacy::signalfd), "signalfd4"),
            rule(&["inotify_init"], By(legacy::inotify_init), "inotify_init1"),
            rule(&["getpgrp"], By(legacy::getpgrp), "getpgid"),
            rule(&["pause"], By(legacy::pause), "ppoll for nothing"),
            rule(&["alarm"], By(|_, args| times::alarm(args)), "setitimer"),
            rule(&["time"], By(|_, args| times::time(args)), "clock_gettime"),
        ],
    },
    Section {
        title: "Made of the thread itself",
        what: "They make, replace or end the calling thread, or set what stays with it: the runtime makes them of the shadow, or \
               brings the thread home. They are not translated as home calls.",
        rules: &[
            rule(&["clone", "clone3", "fork", "vfork", "execve", "execveat", "exit", "exit_group"], Native,
                "threads and processes"),
            rule(&["rt_sigreturn", "sigaltstack", "rseq", "restart_syscall", "seccomp"], Native,
                "the thread's signal frame, alternate stack, restartable sequences, filters"),
        ],
    },
    Section {
        title: "Refused",
        what: "The program gets the error; rtx-run says so once.",
        rules: &[
            rule(&["ptrace"], Refused(libc::EPERM), "it reads and writes registers, and the program has a tracer already"),
            rule(&["pkey_alloc"], Refused(libc::ENOSPC), arguments::NO_KEYS),
            rule(&["pkey_free"], Refused(libc::EINVAL), arguments::NO_KEYS),
            rule(&["arch_prctl"], Refused(libc::EINVAL), "it sets registers of x86-64"),
            rule(&["modify_ldt", "set_thread_area", "get_thread_area"], Refused(libc::ENOSYS),
                "it is about segments of x86"),
            rule(&["iopl", "ioperm"], Refused(libc::EPERM), "it is about ports of x86"),
            rule(&["map_shadow_stack"], Refused(libc::EOPNOTSUPP), "shadow stacks are registers of the thread"),
            rule(&["uretprobe", "uprobe"], Refused(libc::ENOSYS), "only code that the kernel makes up calls it"),
            rule(&["ustat", "sysfs", "_sysctl", "uselib"], Refused(libc::ENOSYS),
                "it is obsolete, and ARM64's kernel has nothing that does the same"),
            rule(&[
                "epoll_ctl_old", "epoll_wait_old", "create_module", "get_kernel_syms", "query_module", "getpmsg",
                "putpmsg", "afs_syscall", "tuxcall", "security", "vserver",
            ], Refused(libc::ENOSYS), "no kernel has it any more"),
            rule(&[
                "clock_gettime64", "clock_settime64", "clock_adjtime64", "clock_getres_time64", "clock_nanosleep_time64",
                "timer_gettime64", "timer_settime64", "timerfd_gettime64", "timerfd_settime64", "utimensat_time64",
                "pselect6_time64", "ppoll_time64", "io_pgetevents_time64", "recvmmsg_time64", "mq_timedsend_time64",
                "mq_timedreceive_time64", "semtimedop_time64", "rt_sigtimedwait_time64", "futex_time64",
                "sched_rr_get_interval_time64",
            ], Refused(libc::ENOSYS), "only 32-bit processes have it"),
        ],
    },
];
