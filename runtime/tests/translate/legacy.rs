//! Calls that only x86-64 has, made by a program of x86-64 whose home is an ARM64 machine: translated to
//! what that has, and from there to what this machine has. The program sees what it sees natively.

use std::os::unix::fs::MetadataExt;

use super::shadow::{Directory, Memory, PAGE, native, path, protect, x86_at_arm};

const EFAULT: i64 = -(libc::EFAULT as i64);
const EINVAL: i64 = -(libc::EINVAL as i64);
const EBADF: i64 = -(libc::EBADF as i64);

/// Names in a directory of a test's own, as a program has them.
struct Names {
    directory: Directory,
    memory: Memory,
}

impl Names {
    fn new(name: &str) -> Self {
        let (directory, memory) = (Directory::new(name), Memory::new(4));
        Self { directory, memory }
    }

    /// The address of a path; there is room for four.
    fn at(&self, place: usize, name: &str) -> u64 {
        path(&self.memory, place * 1024, &self.directory.0.join(name))
    }

    fn metadata(&self, name: &str) -> std::fs::Metadata {
        std::fs::symlink_metadata(self.directory.0.join(name)).expect("it is there")
    }
}

#[test]
fn files_are_made_and_unmade() {
    let names = Names::new("files");
    let file = names.at(0, "file");
    let created = x86_at_arm("creat", [file, 0o600]);
    assert!(created >= 0, "{created}");
    assert_eq!(native("write", [created as u64, file, 5]), 5);
    assert_eq!(native("close", [created as u64]), 0);
    assert_eq!(
        x86_at_arm("open", [file, libc::O_DIRECTORY as u64, 0]),
        -i64::from(libc::ENOTDIR)
    );
    let opened = x86_at_arm("open", [file, libc::O_RDONLY as u64, 0]);
    assert!(opened >= 0, "{opened}");
    let flags = [x86_at_arm::<3>, native::<3>]
        .map(|way| way("fcntl", [opened as u64, libc::F_GETFL as u64, 0]));
    assert_eq!(flags[0], flags[1]);
    assert_eq!(native("close", [opened as u64]), 0);

    assert_eq!(x86_at_arm("chmod", [file, 0o640]), 0);
    assert_eq!(names.metadata("file").mode() & 0o7777, 0o640);
    let unchanged = u64::from(u32::MAX);
    assert_eq!(x86_at_arm("chown", [file, unchanged, unchanged]), 0);
    assert_eq!(x86_at_arm("access", [file, libc::R_OK as u64]), 0);
    let (second, third) = (names.at(1, "second"), names.at(2, "third"));
    assert_eq!(x86_at_arm("link", [file, second]), 0);
    assert_eq!(names.metadata("file").nlink(), 2);
    assert_eq!(x86_at_arm("rename", [second, third]), 0);
    assert_eq!(x86_at_arm("unlink", [third]), 0);
    assert_eq!(x86_at_arm("access", [third, 0]), -i64::from(libc::ENOENT));

    assert_eq!(x86_at_arm("symlink", [file, second]), 0);
    assert_eq!(x86_at_arm("lchown", [second, unchanged, unchanged]), 0);
    assert_eq!(
        x86_at_arm("open", [second, libc::O_NOFOLLOW as u64, 0]),
        -i64::from(libc::ELOOP)
    );
    let target = names.memory.at(PAGE);
    let length = x86_at_arm("readlink", [second, target, 1000]);
    let expected = names.directory.0.join("file");
    assert_eq!(
        names.memory.get(PAGE, length as usize),
        expected.as_os_str().as_encoded_bytes()
    );
    assert_eq!(x86_at_arm("mkdir", [third, 0o700]), 0);
    assert!(names.metadata("third").is_dir());
    assert_eq!(x86_at_arm("unlink", [third]), -i64::from(libc::EISDIR));
    assert_eq!(x86_at_arm("rmdir", [third]), 0);
    assert_eq!(
        x86_at_arm("mknod", [third, u64::from(libc::S_IFIFO) | 0o600, 0]),
        0
    );
    assert_eq!(names.metadata("third").mode() & libc::S_IFMT, libc::S_IFIFO);
}

#[test]
fn times_of_files_are_set() {
    let names = Names::new("times");
    std::fs::write(names.directory.0.join("file"), "").unwrap();
    let file = names.at(0, "file");
    let times = names.memory.at(PAGE);
    let set = |name: &str, words: &[u64]| {
        names.memory.put_words(PAGE, words);
        x86_at_arm(name, [file, times])
    };
    let found = || {
        let data = names.metadata("file");
        [
            data.atime(),
            data.atime_nsec(),
            data.mtime(),
            data.mtime_nsec(),
        ]
    };
    assert_eq!(set("utime", &[1000, 2000]), 0);
    assert_eq!(found(), [1000, 0, 2000, 0]);
    assert_eq!(set("utimes", &[1001, 5, 2001, 999_999]), 0);
    assert_eq!(found(), [1001, 5000, 2001, 999_999_000]);
    assert_eq!(set("utimes", &[1001, 1_000_000, 2001, 0]), EINVAL);
    names.memory.put_words(PAGE, &[7, 8, 9, 10]);
    let working = libc::AT_FDCWD as u64;
    assert_eq!(x86_at_arm("futimesat", [working, file, times]), 0);
    assert_eq!(found(), [7, 8000, 9, 10_000]);
    for (name, end) in [("utime", 8), ("utimes", 16)] {
        let bad = names.memory.end() - end;
        assert_eq!(x86_at_arm(name, [file, bad]), EFAULT);
    }
    // Now.
    assert_eq!(x86_at_arm("utimes", [file, 0]), 0);
    assert!(found()[2] > 1_000_000);
}

/// Entries of getdents: file, position, length, name, kind. What stands behind a name is nothing.
fn entries(mut data: &[u8]) -> Vec<(Vec<u8>, u8)> {
    let mut all = Vec::new();
    while !data.is_empty() {
        let length = usize::from(u16::from_le_bytes([data[16], data[17]]));
        let (entry, rest) = data.split_at(length);
        let name = entry[18..].iter().position(|byte| *byte == 0).unwrap();
        all.push((entry[..18 + name].to_vec(), entry[length - 1]));
        data = rest;
    }
    all
}

#[test]
fn entries_of_directories_are_those_of_getdents() {
    let names = Names::new("entries");
    for i in 0..100 {
        std::fs::write(names.directory.0.join(format!("a file {i}")), "").unwrap();
    }
    std::fs::create_dir(names.directory.0.join("directory")).unwrap();
    let directory = names.at(0, "");
    let buffer = names.memory.at(PAGE);
    let all = |way: fn(&str, [u64; 3]) -> i64| {
        let opened = native("open", [directory, libc::O_DIRECTORY as u64, 0]) as u64;
        let mut all = Vec::new();
        loop {
            let count = way("getdents", [opened, buffer, 300]);
            assert!(count >= 0, "{count}");
            if count == 0 {
                break;
            }
            all.extend(entries(&names.memory.get(PAGE, count as usize)));
        }
        native("close", [opened]);
        all
    };
    let found = all(native);
    assert_eq!(found.len(), 103);
    assert!(all(x86_at_arm) == found);

    let opened = native("open", [directory, libc::O_DIRECTORY as u64, 0]) as u64;
    assert_eq!(x86_at_arm("getdents", [opened, buffer, 8]), EINVAL);
    assert_eq!(x86_at_arm("getdents", [u64::MAX, buffer, 300]), EBADF);
    // No entry is lost where there is no place for it.
    for bad in [8, names.memory.end() - 100] {
        assert_eq!(x86_at_arm("getdents", [opened, bad, 300]), EFAULT);
    }
    let first = x86_at_arm("getdents", [opened, buffer, 300]) as usize;
    let first = entries(&names.memory.get(PAGE, first));
    assert_eq!(first[..], found[..first.len()]);
    native("close", [opened]);
}

#[test]
fn descriptors_are_made() {
    let memory = Memory::new(1);
    assert_eq!(x86_at_arm("pipe", [memory.at(0)]), 0);
    let [reads, writes] = [memory.half(0), memory.half(4)].map(u64::from);
    assert_eq!(x86_at_arm("pipe", [8]), EFAULT);
    assert_eq!(x86_at_arm("dup2", [reads, reads]), reads as i64);
    assert_eq!(x86_at_arm("dup2", [0x7fff_0000, 0x7fff_0000]), EBADF);
    assert_eq!(x86_at_arm("dup2", [reads, u64::MAX]), EBADF);
    let twin = native("dup", [writes]);
    assert_eq!(x86_at_arm("dup2", [reads, twin as u64]), twin);
    memory.put_words(0, &[1 << 40]);
    let made = [
        twin,
        x86_at_arm("eventfd", [3]),
        x86_at_arm("signalfd", [u64::MAX, memory.at(0), 8]),
        x86_at_arm("inotify_init", []),
        x86_at_arm("epoll_create", [1]),
        reads as i64,
        writes as i64,
    ];
    assert_eq!(x86_at_arm("epoll_create", [0]), EINVAL);
    assert_eq!(native("read", [made[1] as u64, memory.at(8), 8]), 8);
    assert_eq!(memory.word(8), 3);
    for descriptor in made {
        assert!(descriptor >= 0);
        assert_eq!(native("close", [descriptor as u64]), 0);
    }
}

#[test]
fn poll_and_select_wait_and_tell() {
    let memory = Memory::new(2);
    assert_eq!(native("pipe", [memory.at(0)]), 0);
    let [reads, writes] = [memory.half(0), memory.half(4)].map(u64::from);
    // struct pollfd.
    memory.put_words(64, &[reads | 1 << 32]);
    let poll = |millis: i32| x86_at_arm("poll", [memory.at(64), 1, millis as u64]);
    assert_eq!((poll(0), poll(2)), (0, 0));

    let (set, time) = (memory.at(128), memory.at(PAGE));
    let fds = reads + 1;
    let select = |words: [u64; 2]| {
        memory.put(128, &[0; 128]);
        memory.put_words(128 + reads as usize / 64 * 8, &[1 << (reads % 64)]);
        memory.put_words(PAGE, &words);
        x86_at_arm("select", [fds, set, 0, 0, time])
    };
    assert_eq!(select([0, 3000]), 0);
    assert_eq!(memory.get(PAGE, 16), [0; 16], "nothing is left");
    assert_eq!(memory.word(128 + reads as usize / 64 * 8), 0);
    assert_eq!(select([-1i64 as u64, 0]), EINVAL);
    assert_eq!(
        x86_at_arm("select", [fds, set, 0, 0, memory.end() - 8]),
        EFAULT
    );

    assert_eq!(native("write", [writes, memory.at(0), 1]), 1);
    assert_eq!((poll(-1), poll(5000)), (1, 1));
    assert_eq!(memory.half(68) >> 16, 1, "revents");
    assert_eq!(select([100, 2_500_000]), 1);
    let left = [memory.word(PAGE), memory.word(PAGE + 8)];
    assert!(
        left[0] > 50 && left[0] <= 102 && left[1] < 1_000_000,
        "{left:?}"
    );
    // A time that cannot be written is no error.
    memory.put_words(PAGE, &[100, 0]);
    protect(time, PAGE, libc::PROT_READ);
    memory.put_words(128 + reads as usize / 64 * 8, &[1 << (reads % 64)]);
    assert_eq!(x86_at_arm("select", [fds, set, 0, 0, time]), 1);
    assert_eq!(
        x86_at_arm("select", [0x7fff, set, 0, 0, 0]),
        native("select", [0x7fff, set, 0, 0, 0])
    );
    for descriptor in [reads, writes] {
        native("close", [descriptor]);
    }
}

#[test]
fn a_signal_ends_pause_and_select() {
    extern "C" fn nothing(_: i32) {}
    // SAFETY: the handler does nothing; no other test uses this signal.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = nothing as *const () as usize;
        libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut());
    }
    for select in [true, false] {
        let (sender, receiver) = std::sync::mpsc::channel();
        let waiter = std::thread::spawn(move || {
            let memory = Memory::new(1);
            memory.put_words(0, &[1000, 0]);
            sender.send(native("gettid", [])).unwrap();
            if !select {
                return (x86_at_arm("pause", []), 999);
            }
            let result = x86_at_arm("select", [0, 0, 0, 0, memory.at(0)]);
            (result, memory.word(0))
        });
        let (pid, tid) = (std::process::id(), receiver.recv().unwrap());
        while !waiter.is_finished() {
            native("tgkill", [pid.into(), tid as u64, libc::SIGUSR1 as u64]);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let (result, left) = waiter.join().unwrap();
        assert_eq!(result, -i64::from(libc::EINTR));
        assert!((500..1000).contains(&left), "{left}");
    }
}

#[test]
fn clocks_and_ids_are_homes() {
    let memory = Memory::new(1);
    let before = native("time", [0]);
    let told = x86_at_arm("time", [memory.at(0)]);
    let after = native("time", [0]);
    assert!((before..=after).contains(&told));
    assert_eq!(memory.word(0) as i64, told);
    assert!(x86_at_arm("time", [0]) >= told);
    assert_eq!(x86_at_arm("time", [memory.end()]), EFAULT);
    assert_eq!(x86_at_arm("getpgrp", []), native("getpgrp", []));
    assert_eq!(x86_at_arm("alarm", [1000]), 0);
    let left = x86_at_arm("alarm", [0]);
    assert!((900..=1000).contains(&left), "{left}");
    assert_eq!(x86_at_arm("alarm", [0]), 0);
}
