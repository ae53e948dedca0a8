//! Events of epoll between the instruction sets, by calls that are made for real: every event comes, once,
//! whatever becomes of the memory for it.

use std::collections::BTreeSet;

use super::shadow::{Memory, PAGE, Way, arm, native, protect, x86_at_arm};
use proptest::prelude::*;

const EFAULT: i64 = -(libc::EFAULT as i64);
const EINVAL: i64 = -(libc::EINVAL as i64);
const EBADF: i64 = -(libc::EBADF as i64);

const ADD: u64 = libc::EPOLL_CTL_ADD as u64;
const ONCE: u32 = (libc::EPOLLIN | libc::EPOLLET) as u32;

/// A program of one of the instruction sets: its calls and the size of its events.
#[derive(Clone, Copy)]
struct Program {
    call: Way<6>,
    size: usize,
    wait: &'static str,
}

const ARM: Program = Program {
    call: arm::<6>,
    size: 16,
    wait: "epoll_pwait",
};
const X86: Program = Program {
    call: x86_at_arm::<6>,
    size: 12,
    wait: "epoll_wait",
};

impl Program {
    fn event(self, flags: u32, data: u64) -> Vec<u8> {
        let mut event = flags.to_le_bytes().to_vec();
        event.resize(self.size - 8, 0);
        event.extend(data.to_le_bytes());
        event
    }

    fn events(self, memory: &Memory, offset: usize, count: i64) -> Vec<(u32, u64)> {
        (0..count as usize)
            .map(|i| offset + i * self.size)
            .map(|at| (memory.half(at), memory.word(at + self.size - 8)))
            .collect()
    }

    fn wait_at(self, epoll: u64, to: u64, most: i32, millis: i32) -> i64 {
        (self.call)(self.wait, [epoll, to, most as u64, millis as u64, 0, 0])
    }

    /// An event counter with one event, whose data is `data`.
    fn add(self, memory: &Memory, epoll: u64, flags: u32, data: u64) -> u64 {
        let counter = native("eventfd2", [1, 0]) as u64;
        memory.put(0, &self.event(flags, data));
        let added = (self.call)("epoll_ctl", [epoll, ADD, counter, memory.at(0), 0, 0]);
        assert_eq!(added, 0);
        counter
    }
}

fn close(descriptors: impl IntoIterator<Item = u64>) {
    for descriptor in descriptors {
        assert_eq!(native("close", [descriptor]), 0);
    }
}

fn allow_many_descriptors() {
    let memory = Memory::new(1);
    let files = libc::RLIMIT_NOFILE as u64;
    assert_eq!(native("getrlimit", [files, memory.at(0)]), 0);
    memory.put_words(0, &[memory.word(8)]);
    assert_eq!(native("setrlimit", [files, memory.at(0)]), 0);
}

fn epoll() -> u64 {
    native("epoll_create1", [0]) as u64
}

#[test]
fn events_carry_flags_and_data() {
    for program in [ARM, X86] {
        let memory = Memory::new(2);
        let epoll = epoll();
        let data = 0x1122_3344_5566_7788;
        let counter = program.add(&memory, epoll, libc::EPOLLIN as u32, data);
        assert_eq!(program.wait_at(epoll, memory.at(PAGE), 8, -1), 1);
        let found = program.events(&memory, PAGE, 1);
        assert_eq!(found, [(libc::EPOLLIN as u32, data)]);
        // Modified; and deleted, which looks at no event.
        memory.put(0, &program.event(libc::EPOLLOUT as u32, 5));
        let control = |operation: i32, at: u64| {
            (program.call)("epoll_ctl", [epoll, operation as u64, counter, at, 0, 0])
        };
        assert_eq!(control(libc::EPOLL_CTL_MOD, memory.at(0)), 0);
        assert_eq!(program.wait_at(epoll, memory.at(PAGE), 8, -1), 1);
        let found = program.events(&memory, PAGE, 1);
        assert_eq!(found, [(libc::EPOLLOUT as u32, 5)]);
        let bad = memory.end() - program.size as u64 + 1;
        assert_eq!(control(libc::EPOLL_CTL_MOD, bad), EFAULT);
        assert_eq!(control(libc::EPOLL_CTL_DEL, 8), 0);
        assert_eq!(control(libc::EPOLL_CTL_DEL, 0), -i64::from(libc::ENOENT));
        assert_eq!(program.wait_at(epoll, memory.at(PAGE), 8, 0), 0);
        close([epoll, counter]);
    }
}

#[test]
fn errors_are_the_kernels() {
    for program in [ARM, X86] {
        let memory = Memory::new(1);
        let epoll = epoll();
        let wait = |descriptor: u64, most: i32| program.wait_at(descriptor, memory.at(0), most, 0);
        assert_eq!(wait(epoll, 0), EINVAL);
        assert_eq!(wait(epoll, -1), EINVAL);
        assert_eq!(wait(epoll, i32::MAX), EINVAL);
        assert_eq!(wait(u64::from(u32::MAX), 1), EBADF);
        assert_eq!(wait(0x7fff_0000, 1), EBADF);
        // Bad memory matters only when there is an event.
        assert_eq!(program.wait_at(epoll, 8, 1, 0), 0);
        assert_eq!(native("epoll_wait", [epoll, 8, 1, 0]), 0);
        assert_eq!(program.wait_at(0x7fff_0000, 8, 1, 0), EBADF);
        close([epoll]);
    }
}

#[test]
fn thousands_of_events_come_once_each() {
    const EVENTS: u64 = 1500;
    allow_many_descriptors();
    for program in [ARM, X86] {
        let memory = Memory::new(8);
        let epoll = epoll();
        let counters: Vec<u64> = (0..EVENTS)
            .map(|data| program.add(&memory, epoll, ONCE, data << 33))
            .collect();
        let mut found = BTreeSet::new();
        let mut calls = 0;
        loop {
            let count = program.wait_at(epoll, memory.at(0), 2000, 0);
            assert!(count >= 0, "{count}");
            if count == 0 {
                break;
            }
            calls += 1;
            for (flags, data) in program.events(&memory, 0, count) {
                assert_eq!(flags, libc::EPOLLIN as u32);
                assert!(found.insert(data), "{data:#x} came twice");
            }
        }
        assert_eq!(found, (0..EVENTS).map(|data| data << 33).collect());
        assert!((2..10).contains(&calls), "{calls}");
        close(counters.into_iter().chain([epoll]));
    }
}

#[test]
fn an_event_without_a_place_is_kept() {
    for program in [ARM, X86] {
        let memory = Memory::new(2);
        let epoll = epoll();
        let counters = [1, 2, 3].map(|data| program.add(&memory, epoll, ONCE, data));
        protect(memory.at(PAGE), PAGE, libc::PROT_READ);
        let readable = memory.at(PAGE);
        for bad in [8, readable, memory.end(), memory.end() - 4] {
            assert_eq!(program.wait_at(epoll, bad, 8, 0), EFAULT, "{bad:#x}");
        }
        // There is room for one, whatever the program says.
        let one = PAGE - program.size - 2;
        assert_eq!(program.wait_at(epoll, memory.at(one), 8, 0), 1);
        let mut found = program.events(&memory, one, 1);
        let rest = program.wait_at(epoll, memory.at(0), 8, 0);
        assert_eq!(rest, 2);
        found.extend(program.events(&memory, 0, rest));
        found.sort_unstable();
        let all = [1, 2, 3].map(|data| (libc::EPOLLIN as u32, data));
        assert_eq!(found, all);
        close(counters.into_iter().chain([epoll]));
    }
}

#[test]
fn waiting_with_a_time_and_a_mask_of_ones_own() {
    let memory = Memory::new(1);
    let epoll = epoll();
    memory.put_words(2048, &[0, 1_000_000, !0]);
    let (time, mask) = (memory.at(2048), memory.at(2064));
    let wait = |size: u64| arm("epoll_pwait2", [epoll, memory.at(0), 4, time, mask, size]);
    assert_eq!(wait(8), 0);
    assert_eq!(wait(7), EINVAL);
    close([epoll]);
}

#[test]
fn a_signal_ends_the_wait() {
    extern "C" fn nothing(_: i32) {}
    // SAFETY: the handler does nothing; no other test uses this signal.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = nothing as *const () as usize;
        libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut());
    }
    for program in [ARM, X86] {
        let (sender, receiver) = std::sync::mpsc::channel();
        let waiter = std::thread::spawn(move || {
            let memory = Memory::new(1);
            let epoll = epoll();
            sender.send(native("gettid", [0])).unwrap();
            let result = program.wait_at(epoll, memory.at(0), 4, -1);
            close([epoll]);
            result
        });
        let (pid, tid) = (std::process::id(), receiver.recv().unwrap());
        while !waiter.is_finished() {
            native("tgkill", [pid.into(), tid as u64, libc::SIGUSR1 as u64]);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert_eq!(waiter.join().unwrap(), -i64::from(libc::EINTR));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// Some events that come once, taken by so many at a time.
    #[test]
    fn no_batch_loses_or_repeats_an_event(events in 0u64..300, most in 1i32..400, room in 0usize..30) {
        allow_many_descriptors();
        for program in [ARM, X86] {
            let memory = Memory::new(3);
            let epoll = epoll();
            let counters: Vec<u64> = (0..events)
                .map(|data| program.add(&memory, epoll, ONCE, data))
                .collect();
            // Sometimes the program's buffer ends too early.
            let short = room * program.size + 1;
            let fits = memory.end() - (most as u64 * program.size as u64).min(2 * PAGE as u64);
            let to = if room > 0 { memory.end() - short as u64 } else { fits };
            let offset = (to - memory.at(0)) as usize;
            let mut found = Vec::new();
            loop {
                let count = program.wait_at(epoll, to, most, 0);
                prop_assert!((0..=i64::from(most)).contains(&count), "{}", count);
                if count == 0 {
                    break;
                }
                found.extend(program.events(&memory, offset, count).into_iter().map(|e| e.1));
            }
            found.sort_unstable();
            prop_assert_eq!(found, (0..events).collect::<Vec<_>>());
            close(counters.into_iter().chain([epoll]));
        }
    }
}
