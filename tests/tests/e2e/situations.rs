//! `rtx-run --pid` to a program in each situation that its threads can be in, with moves of all threads
//! or of those that compute, to the program's end or away from it again: it does what it does natively.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rtx_tests::compare::same;
use rtx_tests::procfs::Process;
use rtx_tests::{Guest, Outcome, Run, Running, Status};

/// Moves of threads that compute, and of all.
const STATIC: &str = "static";
const SHUFFLE: &str = "shuffle:1";

/// How long rtx stays with a program before that goes on.
const MOMENT: Duration = Duration::from_secs(1);

fn begin(args: &[&str]) -> Running {
    let guest = Guest::test("situations");
    let running = Run::native(guest.path())
        .args(args.iter().copied())
        .open_input()
        .start();
    running.wait_for_output("ready");
    running
}

fn end(mut running: Running) -> Outcome {
    running.close_input();
    running.finish()
}

fn join(program: &Running, policy: &str, flags: &[&str]) -> Running {
    let run = Run::attached(program.pid()).flags(["--boards", "local:2", "--policy", policy]);
    run.flags(flags.iter().copied()).report().start()
}

/// Waits until threads of the program are on boards.
fn wait_for_moves(joined: &Running) {
    joined.wait_until("a replica is there", |run| {
        let replicas = run.replicas(&run.boards());
        (!replicas.is_empty()).then_some(())
    });
    std::thread::sleep(MOMENT);
}

/// The program in this situation is joined until it ends, or until it is let go, under both policies.
fn in_situation(name: &str) {
    let native = end(begin(&[name]));
    native.succeeded();
    for policy in [STATIC, SHUFFLE] {
        let program = begin(&[name]);
        let joined = join(&program, policy, &[]);
        wait_for_moves(&joined);
        same(&native, &end(program));
        let outcome = joined.finish();
        assert!(outcome.succeeded().report().offloads() >= 2, "{outcome}");

        let program = begin(&[name]);
        let joined = join(&program, policy, &["--detach"]);
        wait_for_moves(&joined);
        joined.signal(Signal::SIGINT);
        joined.finish().succeeded();
        same(&native, &end(program));
    }
}

macro_rules! situations {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            in_situation(stringify!($name));
        })*
    };
}

situations! {
    futex read poll select epoll nanosleep sigtimedwait accept wait4 pause semtimedop handler children
    robust direct ring many
}

#[test]
fn whose_threads_wait_for_inheriting_mutexes_stays_at_home() {
    let native = end(begin(&["inheriting"]));
    for policy in [STATIC, SHUFFLE] {
        let program = begin(&["inheriting"]);
        let joined = join(&program, policy, &[]);
        std::thread::sleep(2 * MOMENT);
        same(&native, &end(program));
        let outcome = joined.finish();
        assert_eq!(outcome.succeeded().report().offloads(), 0, "{outcome}");
    }
}

#[test]
fn while_memory_is_lent_nothing_moves() {
    let native = end(begin(&["vfork"]));
    for policy in [STATIC, SHUFFLE] {
        let program = begin(&["vfork"]);
        let joined = join(&program, policy, &[]);
        std::thread::sleep(2 * MOMENT);
        assert!(joined.replicas(&joined.boards()).is_empty());
        same(&native, &end(program));
        joined.finish().succeeded();
    }
}

#[test]
fn a_stopped_program_stays_stopped() {
    let native = end(begin(&["futex"]));
    let program = begin(&["futex"]);
    let pid = Pid::from_raw(program.pid());
    kill(pid, Signal::SIGSTOP).expect("it runs");
    let joined = join(&program, STATIC, &[]);
    std::thread::sleep(2 * MOMENT);
    let process = Process::find(program.pid()).expect("it is there");
    assert!(matches!(process.state, 'T' | 't'), "{process:?}");
    kill(pid, Signal::SIGCONT).expect("it is there");
    wait_for_moves(&joined);
    same(&native, &end(program));
    joined.finish().succeeded();
}

#[test]
fn a_program_that_executes_itself() {
    let native = end(begin(&["exec", "40"]));
    for after_ms in [0, 50, 333] {
        let program = begin(&["exec", "40"]);
        std::thread::sleep(Duration::from_millis(after_ms));
        let joined = join(&program, SHUFFLE, &[]);
        // It may have executed itself for the last time: it must not end before rtx looks at it.
        joined.wait_until("it is traced", |_| {
            Process::find(program.pid())?.is_traced().then_some(())
        });
        same(&native, &end(program));
        joined.finish().succeeded();
    }
}

#[test]
fn a_program_whose_first_thread_has_ended_is_refused() {
    let native = end(begin(&["zombie"]));
    let program = begin(&["zombie"]);
    let refused = join(&program, STATIC, &[]).finish();
    refused.ended_with(Status::Exited(125));
    let line = refused.one_line_on_stderr();
    assert!(line.contains("its first thread has ended"), "{line}");
    same(&native, &end(program));
}
