//! Calls injected into a thread that waits in a call: afterwards it waits on, and a handler still ends
//! that call, or does not, as if nothing had been.

use std::ptr;
use std::time::{Duration, Instant};

use rtx_runtime::guest::arch;
use rtx_runtime::guest::inject::Injector;
use rtx_runtime::guest::ptrace::{self, Tid};
use rtx_runtime::guest::stop::Stop;

/// Code of the stub, which the child inherits: it begins with an instruction that enters the kernel.
fn gadget() -> u64 {
    let code = arch::stub_code();
    let all = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a fresh mapping, large enough for the code.
    let at = unsafe {
        let at = libc::mmap(ptr::null_mut(), 4096, all, flags, -1, 0);
        assert_ne!(at, libc::MAP_FAILED);
        ptr::copy_nonoverlapping(code.as_ptr(), at.cast(), code.len());
        // So that instruction caches see it.
        libc::mprotect(at, 4096, libc::PROT_READ | libc::PROT_EXEC);
        at
    };
    at as u64
}

extern "C" fn on_signal(_: i32) {}

/// A child that handles SIGUSR1 with these flags and then does `what`, whose value is its exit status.
fn child(flags: i32, what: impl FnOnce() -> i32) -> Tid {
    // SAFETY: the child only makes system calls.
    unsafe {
        let pid = libc::fork();
        assert_ne!(pid, -1);
        if pid == 0 {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_signal as *const () as usize;
            action.sa_flags = flags;
            libc::sigaction(libc::SIGUSR1, &raw const action, ptr::null_mut());
            libc::_exit(what());
        }
        pid
    }
}

fn errno() -> i32 {
    // SAFETY: it always points to this thread's word.
    unsafe { *libc::__errno_location() }
}

/// Waits until the child sleeps in a call.
fn await_sleep(pid: Tid) {
    let begin = Instant::now();
    loop {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the child's stat");
        if text
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.starts_with(" S"))
        {
            return;
        }
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "the child does not sleep"
        );
        std::thread::yield_now();
    }
}

fn stop_of(pid: Tid) -> Stop {
    let (_, status) = ptrace::wait(pid, true).expect("wait").expect("a stop");
    Stop::decode(status)
}

/// Stops the child in its call and has it make others in between.
fn interrupt_and_inject(pid: Tid, gadget: u64) {
    ptrace::seize(pid, ptrace::GUEST_OPTIONS).expect("seize");
    await_sleep(pid);
    ptrace::interrupt(pid).expect("interrupt");
    assert_eq!(stop_of(pid), Stop::Trap);
    for _ in 0..3 {
        let mut injector = Injector::begin(pid, pid).expect("begin");
        let args = [1, 2, 3, 4, 5, 6];
        let answer = injector
            .raw(gadget, libc::SYS_getpid, args)
            .expect("a call");
        assert_eq!(answer, i64::from(pid));
        injector.finish().expect("finish");
    }
}

/// Lets it run, delivering signals, to its end.
fn exit_status(pid: Tid) -> i32 {
    ptrace::cont(pid, 0).expect("cont");
    loop {
        let (_, status) = ptrace::wait(pid, true).expect("wait").expect("a stop");
        if libc::WIFEXITED(status) {
            return libc::WEXITSTATUS(status);
        }
        match Stop::decode(status) {
            Stop::Signal(signal) => ptrace::cont(pid, signal).expect("cont"),
            stop if stop.is_end() => panic!("{stop:?}"),
            _ => ptrace::cont(pid, 0).expect("cont"),
        }
    }
}

#[test]
fn a_handler_that_waits_ends_the_call() {
    let gadget = gadget();
    let pid = child(0, || {
        // SAFETY: pause takes nothing.
        let answer = unsafe { libc::pause() };
        if answer == -1 { errno() } else { 100 }
    });
    interrupt_and_inject(pid, gadget);
    ptrace::tgkill(pid, pid, libc::SIGUSR1).expect("a signal");
    assert_eq!(exit_status(pid), libc::EINTR);
}

#[test]
fn a_handler_with_restart_does_not_end_a_read() {
    let gadget = gadget();
    for (flags, expected) in [(libc::SA_RESTART, 1), (0, libc::EINTR)] {
        let mut ends = [0; 2];
        // SAFETY: two ints for two descriptors.
        assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
        let pid = child(flags, || {
            let mut byte = 0u8;
            // SAFETY: there is room for one byte.
            let read = unsafe { libc::read(ends[0], (&raw mut byte).cast(), 1) };
            if read == -1 { errno() } else { i32::from(byte) }
        });
        interrupt_and_inject(pid, gadget);
        ptrace::tgkill(pid, pid, libc::SIGUSR1).expect("a signal");
        // SAFETY: one byte.
        assert_eq!(unsafe { libc::write(ends[1], [1u8].as_ptr().cast(), 1) }, 1);
        assert_eq!(exit_status(pid), expected, "{flags:#x}");
        // SAFETY: ours.
        unsafe {
            libc::close(ends[0]);
            libc::close(ends[1]);
        }
    }
}

#[test]
fn a_sleep_is_gone_on_with() {
    let gadget = gadget();
    let pid = child(0, || {
        let begin = Instant::now();
        let second = libc::timespec {
            tv_sec: 1,
            tv_nsec: 0,
        };
        // SAFETY: the time lives during the call.
        let answer = unsafe { libc::nanosleep(&raw const second, ptr::null_mut()) };
        i32::from(answer != 0 || begin.elapsed() < Duration::from_secs(1))
    });
    interrupt_and_inject(pid, gadget);
    assert_eq!(exit_status(pid), 0);
}
