//! The contract of docs/continuations.md from the supervisor's side: threads are asked to leave, park, and are
//! resumed at `__rtx_resume` with nothing but what the contract names. One instruction set: ptrace needs the
//! machine's own.

#![cfg(target_arch = "x86_64")]

mod support;

use std::collections::BTreeSet;
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use rtx_origin::{Note, note};
use support::{On, Program, directory, source};

const PARK: u64 = 0x5254_5801;
const HOME: u64 = 0x5254_5802;
const HEADER: usize = 256;

struct Guest {
    main: Pid,
    memory: std::fs::File,
    note: Note,
    /// Threads that are between a call's beginning and its end.
    in_call: BTreeSet<Pid>,
    parked: Vec<u64>,
    /// How often a thread asked to be at home, and was told to leave.
    sent_home: usize,
    going_home: bool,
}

impl Guest {
    fn word(&self, address: u64, value: u32) {
        self.memory
            .write_all_at(&value.to_le_bytes(), address)
            .unwrap();
    }

    /// Asks all threads to leave, or none.
    fn ask(&self, yes: bool) {
        self.word(self.note.requests, u32::from(yes));
        self.word(self.note.indicator, u32::from(yes));
    }

    fn at_call(&mut self, thread: Pid) {
        if !self.in_call.insert(thread) {
            self.in_call.remove(&thread);
            return;
        }
        let mut registers = ptrace::getregs(thread).unwrap();
        if registers.orig_rax == HOME {
            assert_eq!(registers.rdi, 0, "a thread that forks is held");
            self.going_home = !self.going_home;
            if self.going_home {
                self.sent_home += 1;
                self.ask(true);
                registers.orig_rax = u64::MAX; // the call is not made
                registers.rax = 0;
                ptrace::setregs(thread, registers).unwrap();
            }
            return;
        }
        if registers.orig_rax != PARK {
            return;
        }
        if self.going_home {
            self.ask(false);
        }
        assert_eq!(registers.rsi, HEADER as u64);
        let mut header = [0; HEADER];
        self.memory
            .read_exact_at(&mut header, registers.rdi)
            .unwrap();
        let long = |at: usize| u64::from_le_bytes(header[at..at + 8].try_into().unwrap());
        assert_eq!(&header[..8], b"RTXCONT1");
        assert_eq!((header[8], header[12]), (1, 1), "version, and parked");
        assert_eq!(header[16..48], self.note.build);
        assert_eq!(
            long(48),
            registers
                .fs_base
                .wrapping_sub(self.note.thread_pointer as u64)
        );
        assert!(
            long(104) > 0 && long(104) <= long(112) && long(152) > 0,
            "records"
        );
        assert!(long(88) >= long(72) && long(88) <= long(80), "data stack");
        self.parked.push(long(48));
        let junk = 0x5a5a_5a5a_5a5a_5a5a;
        for register in [
            &mut registers.rax,
            &mut registers.rbx,
            &mut registers.rcx,
            &mut registers.rdx,
            &mut registers.rsi,
            &mut registers.rbp,
            &mut registers.r8,
            &mut registers.r9,
            &mut registers.r10,
            &mut registers.r11,
            &mut registers.r12,
            &mut registers.r13,
            &mut registers.r14,
            &mut registers.r15,
        ] {
            *register = junk;
        }
        registers.rip = self.note.resume;
        registers.rsp = long(64);
        registers.orig_rax = u64::MAX; // the call is not made
        ptrace::setregs(thread, registers).unwrap();
    }
}

/// Starts a program under ptrace, its output in a file.
fn start(program: &Program, out: &Path) -> Guest {
    let bytes = std::fs::read(program.path()).unwrap();
    let note = Note::parse(note::find(&*bytes).unwrap().unwrap()).unwrap();
    let mut command = Command::new(program.path());
    command.stdout(Stdio::from(std::fs::File::create(out).unwrap()));
    // SAFETY: ptrace(TRACEME) may be called between fork and exec.
    unsafe { command.pre_exec(|| ptrace::traceme().map_err(Into::into)) };
    #[allow(clippy::zombie_processes)] // waited for below, as a tracee
    let child = command.spawn().unwrap();
    let main = Pid::from_raw(child.id() as i32);
    assert!(matches!(
        waitpid(main, None).unwrap(),
        WaitStatus::Stopped(_, Signal::SIGTRAP)
    ));
    ptrace::setoptions(
        main,
        Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACECLONE | Options::PTRACE_O_EXITKILL,
    )
    .unwrap();
    let memory = std::fs::File::options()
        .read(true)
        .write(true)
        .open(format!("/proc/{main}/mem"))
        .unwrap();
    ptrace::syscall(main, None).unwrap();
    Guest {
        main,
        memory,
        note,
        in_call: BTreeSet::new(),
        parked: Vec::new(),
        sent_home: 0,
        going_home: false,
    }
}

#[test]
fn a_supervisor_moves_every_thread_by_the_contract_alone() {
    let directory = directory("supervised");
    let program = Program::build(
        &directory,
        "threads",
        &[&source("tests/programs/threads.c")],
        &["-pthread"],
    );
    let expected = program.run(On::X86, &[]);
    assert_eq!(expected.status, Some(0), "{expected:?}");
    let out = directory.join("out");
    let mut guest = start(&program, &out);
    let (status, threads) = supervise(&mut guest);
    assert_eq!(status, 0);
    assert_eq!(std::fs::read_to_string(&out).unwrap(), expected.out);
    assert_eq!(threads, 6, "main, four threads and one of C11");
    let distinct: BTreeSet<u64> = guest.parked.iter().copied().collect();
    // One may have done its work before it was asked.
    assert!(distinct.len() >= 4, "{distinct:?} have moved");
}

#[test]
fn a_thread_goes_home_before_every_fork() {
    let directory = directory("forks-supervised");
    let program = Program::build(
        &directory,
        "forks",
        &[&source("tests/programs/forks.c")],
        &[],
    );
    let expected = program.run(On::X86, &[]);
    assert_eq!(expected.status, Some(0), "{expected:?}");
    let out = directory.join("out");
    let mut guest = start(&program, &out);
    assert_eq!(supervise(&mut guest).0, 0);
    assert_eq!(std::fs::read_to_string(&out).unwrap(), expected.out);
    assert_eq!(guest.sent_home, 10, "one for each fork of forks.c");
    assert_eq!(guest.parked.len(), 10, "each leaves at once");
}

/// Lets the program run to its end. Its threads are asked to leave in rounds: for some parkings, then not.
fn supervise(guest: &mut Guest) -> (i32, usize) {
    let mut threads = BTreeSet::from([guest.main]);
    loop {
        let signal = match waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD))
            .unwrap()
        {
            WaitStatus::Exited(pid, status) if pid == guest.main => return (status, threads.len()),
            WaitStatus::Exited(..) => continue,
            WaitStatus::PtraceSyscall(pid) => {
                guest.at_call(pid);
                (pid, None)
            }
            WaitStatus::PtraceEvent(pid, ..) => {
                guest.ask(guest.sent_home == 0);
                (pid, None)
            }
            WaitStatus::Stopped(pid, Signal::SIGSTOP) if threads.insert(pid) => (pid, None),
            WaitStatus::Stopped(pid, signal) => (pid, Some(signal)),
            other => panic!("{other:?}"),
        };
        let moved: BTreeSet<u64> = guest.parked.iter().copied().collect();
        if guest.parked.len() > if moved.len() == 6 { 100 } else { 3000 } {
            guest.ask(false);
        }
        // A thread may have ended meanwhile.
        let _ = ptrace::syscall(signal.0, signal.1);
    }
}
