//! A program ends under `rtx-run` as it ends natively: the status or the signal passes through.

use rtx_tests::compare::everywhere;
use rtx_tests::{Guest, Status};

fn check(arguments: &[&str], expected: Status) {
    let guest = Guest::test("exits");
    let runs = everywhere(guest.path(), |run| run.args(arguments.iter().copied()));
    runs.native.ended_with(expected);
    let exit = runs.offloaded.report().exit;
    match expected {
        Status::Exited(code) => assert_eq!((exit.code, exit.signal), (Some(code), None)),
        Status::Killed(signal) => assert_eq!((exit.code, exit.signal), (None, Some(signal))),
    }
}

#[test]
fn main_returns() {
    check(&["return", "0"], Status::Exited(0));
    check(&["return", "5"], Status::Exited(5));
    check(&["return", "255"], Status::Exited(255));
}

/// Statuses that `rtx-run` itself uses are passed on like any other.
#[test]
fn statuses_are_not_mistaken() {
    for status in [75, 125, 126, 127] {
        check(&["return", &status.to_string()], Status::Exited(status));
    }
}

#[test]
fn a_thread_ends_the_program() {
    check(&["thread-exit", "6"], Status::Exited(6));
    check(&["thread-group-exit", "7"], Status::Exited(7));
}

#[test]
fn main_dies_by_a_signal() {
    check(&["raise", "15"], Status::Killed(libc::SIGTERM));
    check(&["raise", "9"], Status::Killed(libc::SIGKILL));
}

#[test]
fn a_thread_sends_a_deadly_signal() {
    check(&["thread-raise", "10"], Status::Killed(libc::SIGUSR1));
    check(&["thread-kill", "15"], Status::Killed(libc::SIGTERM));
    check(&["thread-kill", "9"], Status::Killed(libc::SIGKILL));
    check(&["thread-abort"], Status::Killed(libc::SIGABRT));
}

#[test]
fn a_thread_dies_by_a_fault() {
    check(&["thread-null"], Status::Killed(libc::SIGSEGV));
    check(&["thread-trap"], Status::Killed(libc::SIGILL));
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_thread_divides_by_zero() {
    check(&["thread-divide"], Status::Killed(libc::SIGFPE));
}

#[test]
fn a_thread_returns_a_value() {
    check(&["join", "42"], Status::Exited(99));
}

#[test]
fn the_first_thread_ends_first() {
    let guest = Guest::test("main_first");
    everywhere(guest.path(), |run| run).native.succeeded();
}
