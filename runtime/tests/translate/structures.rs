//! Structures and flags that differ, as a program of ARM64 sees them at an x86-64 home, by calls that are
//! made for real.

use std::os::fd::AsRawFd;

use super::shadow::{Directory, Memory, PAGE, arm, native, path, protect, x86_at_arm};

const CWD: u64 = libc::AT_FDCWD as u64;
const EFAULT: i64 = -(libc::EFAULT as i64);
const EINVAL: i64 = -(libc::EINVAL as i64);
const EBADF: i64 = -(libc::EBADF as i64);

/// ARM64's flags of open(2).
const ARM_DIRECTORY: u64 = 0o40_000;
const ARM_NOFOLLOW: u64 = 0o100_000;
const ARM_DIRECT: u64 = 0o200_000;
const ARM_LARGEFILE: u64 = 0o400_000;

#[test]
fn arm64_sees_its_own_struct_stat() {
    let memory = Memory::new(3);
    let directory = Directory::new("stat");
    let file = directory.0.join("file");
    std::fs::write(&file, vec![7; 12345]).unwrap();
    std::fs::hard_link(&file, directory.0.join("other")).unwrap();
    let link = directory.0.join("link");
    std::os::unix::fs::symlink("file", &link).unwrap();
    let (arms, natives) = (PAGE, 2 * PAGE);
    for (name, flags) in [
        (file.as_path(), 0),
        (directory.0.as_path(), 0),
        (std::path::Path::new("/dev/null"), 0),
        (link.as_path(), libc::AT_SYMLINK_NOFOLLOW as u64),
    ] {
        let at = path(&memory, 0, name);
        // Bytes behind it stay.
        memory.put(arms, &[0xee; 160]);
        assert_eq!(arm("newfstatat", [CWD, at, memory.at(arms), flags]), 0);
        assert_eq!(memory.get(arms + 128, 32), [0xee; 32]);
        assert_eq!(
            native("newfstatat", [CWD, at, memory.at(natives), flags]),
            0
        );
        // Places of ARM64 and of x86-64; st_nlink and st_blksize are narrower there.
        for (arm, x86) in [(0, 0), (8, 8), (32, 40), (48, 48), (64, 64)] {
            assert_eq!(
                memory.word(arms + arm),
                memory.word(natives + x86),
                "{name:?} {arm}"
            );
        }
        for time in (72..120).step_by(8) {
            assert_eq!(memory.word(arms + time), memory.word(natives + time));
        }
        for (arm, x86) in [(16, 24), (20, 16), (24, 28), (28, 32), (56, 56)] {
            assert_eq!(
                memory.half(arms + arm),
                memory.half(natives + x86),
                "{name:?} {arm}"
            );
        }
    }
}

#[test]
fn x86_64_sees_its_own_struct_stat_wherever_home_is() {
    let memory = Memory::new(3);
    let directory = Directory::new("stat-x86");
    let link = directory.0.join("link");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    let at = path(&memory, 0, &link);
    let here = path(&memory, 2048, &directory.0);
    let opened = std::fs::File::open(&directory.0).unwrap();
    let descriptor = opened.as_raw_fd() as u64;
    for (name, first) in [("stat", here), ("lstat", at), ("fstat", descriptor)] {
        memory.put(PAGE, &[0xee; 2 * PAGE]);
        assert_eq!(x86_at_arm(name, [first, memory.at(PAGE)]), 0, "{name}");
        assert_eq!(native(name, [first, memory.at(2 * PAGE)]), 0, "{name}");
        assert_eq!(memory.get(PAGE, 160), memory.get(2 * PAGE, 160), "{name}");
    }
    let gone = -i64::from(libc::ENOENT);
    assert_eq!(x86_at_arm("stat", [at, memory.at(PAGE)]), gone);
    assert_eq!(x86_at_arm("fstat", [u64::MAX, memory.at(PAGE)]), EBADF);
}

#[test]
fn faults_are_the_kernels() {
    let memory = Memory::new(1);
    let here = path(&memory, 0, std::path::Path::new("."));
    // No memory; memory that ends before the structure does; an address of the kernel's.
    for bad in [8, memory.end(), memory.end() - 64, 1 << 63, u64::MAX - 10] {
        assert_eq!(arm("newfstatat", [CWD, here, bad, 0]), EFAULT, "{bad:#x}");
        assert_eq!(arm("fstat", [0, bad]), EFAULT, "{bad:#x}");
        assert_eq!(x86_at_arm("stat", [here, bad]), EFAULT, "{bad:#x}");
    }
    assert_eq!(
        arm("newfstatat", [CWD, memory.end(), memory.at(64), 0]),
        EFAULT
    );
    assert_eq!(arm("fstat", [0, memory.end() - 128]), 0);
    protect(memory.at(0), PAGE, libc::PROT_READ);
    assert_eq!(arm("fstat", [0, memory.at(64)]), EFAULT);
}

#[test]
fn flags_of_open_mean_what_they_mean_on_arm64() {
    let memory = Memory::new(1);
    let directory = Directory::new("open");
    let file = directory.0.join("file");
    std::fs::write(&file, "x").unwrap();
    let link = directory.0.join("link");
    std::os::unix::fs::symlink("file", &link).unwrap();
    let open = |name: &std::path::Path, flags: u64| {
        let at = path(&memory, 0, name);
        arm("openat", [CWD, at, flags, 0o600])
    };
    assert_eq!(open(&file, ARM_DIRECTORY), -i64::from(libc::ENOTDIR));
    assert_eq!(open(&link, ARM_NOFOLLOW), -i64::from(libc::ELOOP));
    let opened = open(&link, libc::O_RDWR as u64 | ARM_LARGEFILE);
    assert!(opened >= 0, "{opened}");
    let flags = arm("fcntl", [opened as u64, libc::F_GETFL as u64, 0]);
    assert_eq!(flags as u64, ARM_LARGEFILE | 2);
    // What is set is told again; a file system may not have direct I/O.
    let set = arm(
        "fcntl",
        [opened as u64, libc::F_SETFL as u64, ARM_DIRECT | 0o2000],
    );
    let flags = arm("fcntl", [opened as u64, libc::F_GETFL as u64, 0]) as u64;
    let direct = if set == 0 { ARM_DIRECT | 0o2000 } else { 0 };
    assert_eq!(flags, ARM_LARGEFILE | direct | 2);
    native("close", [opened as u64]);
    assert_eq!(arm("fcntl", [u64::MAX, libc::F_GETFL as u64, 0]), EBADF);
    // O_TMPFILE has O_DIRECTORY in it.
    let unnamed = open(&directory.0, 0o20_000_000 | ARM_DIRECTORY | 2);
    assert!(
        unnamed >= 0 || unnamed == -i64::from(libc::EOPNOTSUPP),
        "{unnamed}"
    );
    native("close", [unnamed as u64]);
}

#[test]
fn flags_in_other_calls_are_translated_too() {
    let memory = Memory::new(1);
    // Packets, which a pipe has with O_DIRECT.
    assert_eq!(
        arm(
            "pipe2",
            [memory.at(0), ARM_DIRECT | libc::O_NONBLOCK as u64]
        ),
        0
    );
    let ends = [memory.half(0), memory.half(4)].map(u64::from);
    let flags = native("fcntl", [ends[1], libc::F_GETFL as u64, 0]);
    assert_eq!(flags as i32 & libc::O_DIRECT, libc::O_DIRECT);
    let flags = arm("fcntl", [ends[1], libc::F_GETFL as u64, 0]);
    assert_eq!(flags as u64 & 0o740_000, ARM_DIRECT);
    // x86-64's bit is no flag of pipe2 on ARM64.
    assert_eq!(arm("pipe2", [memory.at(0), libc::O_DIRECT as u64]), EINVAL);

    let file = path(&memory, 0, std::path::Path::new("/proc/self/exe"));
    let how = |flags: u64, more: u64| memory.put_words(1024, &[flags, 0, 0, more]);
    how(ARM_NOFOLLOW, 0);
    let open = |size: u64| arm("openat2", [CWD, file, memory.at(1024), size]);
    assert_eq!(open(24), -i64::from(libc::ELOOP));
    assert_eq!(open(23), EINVAL);
    how(ARM_DIRECTORY, 0);
    assert_eq!(open(32), -i64::from(libc::ENOTDIR));
    how(0, 1);
    assert_eq!(open(32), -i64::from(libc::E2BIG));
    assert_eq!(open(PAGE as u64 + 1), -i64::from(libc::E2BIG));
    let opened = open(24);
    assert!(opened >= 0, "{opened}");
    for bad in [memory.end() - 8, memory.end(), 16] {
        assert_eq!(arm("openat2", [CWD, file, bad, 24]), EFAULT);
    }
    for descriptor in [ends[0], ends[1], opened as u64] {
        assert_eq!(native("close", [descriptor]), 0);
    }
}

#[test]
fn semaphores_tell_what_they_are() {
    const IPC_SET: u64 = 1;
    const IPC_STAT: u64 = 2;
    let memory = Memory::new(2);
    let set = native("semget", [0, 3, 0o640]);
    assert!(set >= 0, "{set}");
    let set = set as u64;
    // A semaphore operation sets its time.
    memory.put(0, &[0, 0, 1, 0, 0, 0]);
    assert_eq!(arm("semop", [set, memory.at(0), 1]), 0);
    let (arms, natives) = (1024, 2048);
    memory.put(arms, &[0xee; 120]);
    assert_eq!(arm("semctl", [set, 0, IPC_STAT, memory.at(arms)]), 0);
    assert_eq!(native("semctl", [set, 0, IPC_STAT, memory.at(natives)]), 0);
    assert_eq!(memory.get(arms, 56), memory.get(natives, 56));
    assert_ne!(memory.word(arms + 48), 0, "sem_otime");
    assert_eq!(
        memory.word(arms + 56),
        memory.word(natives + 64),
        "sem_ctime"
    );
    assert_eq!(memory.word(arms + 64), 3, "sem_nsems");
    assert_eq!(memory.get(arms + 88, 32), [0xee; 32]);
    // Its mode, set as ARM64 and read again.
    memory.put(arms + 20, &0o600u32.to_le_bytes());
    assert_eq!(arm("semctl", [set, 0, IPC_SET, memory.at(arms)]), 0);
    let way = [x86_at_arm::<4>, native::<4>].map(|way| {
        memory.put(natives, &[0; 104]);
        assert_eq!(way("semctl", [set, 0, IPC_STAT, memory.at(natives)]), 0);
        memory.get(natives, 104)
    });
    assert_eq!(way[0], way[1]);
    assert_eq!(memory.half(natives + 20) & 0o777, 0o600);
    // GETVAL has no structure.
    assert_eq!(arm("semctl", [set, 0, 12, 0]), 1);
    for (command, bad) in [
        (IPC_STAT, memory.end() - 80),
        (IPC_SET, memory.end() - 80),
        (IPC_STAT, 8),
    ] {
        assert_eq!(arm("semctl", [set, 0, command, bad]), EFAULT);
    }
    // ARM64's ends here, x86-64's would not.
    assert_eq!(arm("semctl", [set, 0, IPC_SET, memory.end() - 88]), 0);
    assert_eq!(native("semctl", [set, 0, 0, 0]), 0);
}

#[test]
fn handlers_have_what_home_needs_to_return() {
    const SA_RESTORER: u64 = 0x0400_0000;
    let memory = Memory::new(1);
    let (new, old) = (memory.at(0), memory.at(512));
    let signal = libc::SIGUSR2 as u64;
    // SIG_IGN needs nothing.
    memory.put_words(0, &[1, 0, 0, 0]);
    assert_eq!(arm("rt_sigaction", [signal, new, old, 8]), 0);
    assert_eq!(arm("rt_sigaction", [signal, 0, old, 8]), 0);
    assert_eq!(memory.word(512), 1);
    memory.put_words(0, &[0x1000, 0, 0, 0]);
    assert_eq!(arm("rt_sigaction", [signal, new, 0, 8]), EINVAL);
    memory.put_words(0, &[0x1000, SA_RESTORER, 0x2000, 1 << 3]);
    assert_eq!(arm("rt_sigaction", [signal, new, 0, 8]), 0);
    assert_eq!(native("rt_sigaction", [signal, 0, old, 8]), 0);
    assert_eq!(memory.get(512, 32), memory.get(0, 32));
    assert_eq!(
        arm("rt_sigaction", [signal, memory.end() - 16, 0, 8]),
        EFAULT
    );
    assert_eq!(arm("rt_sigaction", [signal, new, 0, 7]), EINVAL);
    memory.put_words(0, &[0, 0, 0, 0]);
    assert_eq!(arm("rt_sigaction", [signal, new, 0, 8]), 0);
}

#[test]
fn what_has_no_translation_fails_with_its_error() {
    for (name, errno) in [
        ("ptrace", libc::EPERM),
        ("clone", libc::ENOSYS),
        ("rseq", libc::ENOSYS),
        ("futex_time64", libc::ENOSYS),
        ("pkey_alloc", libc::ENOSPC),
    ] {
        assert_eq!(arm(name, [0; 6]), -i64::from(errno), "{name}");
    }
    assert_eq!(x86_at_arm("arch_prctl", [0x1002, 0]), EINVAL);
    assert_eq!(
        x86_at_arm("mmap", [0, 4096, 3, 0x62, u64::MAX, 0]),
        -i64::from(libc::EOPNOTSUPP)
    );
    let mapped = arm("mmap", [0, 4096, 3, 0x62, u64::MAX, 0]);
    assert!(mapped > 0);
    assert_eq!(arm("munmap", [mapped as u64, 4096]), 0);
}
