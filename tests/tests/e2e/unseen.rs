//! What a thread at home does to memory without an event: dropped content, rights taken away. And
//! that the processes which inherit the filter for it go on without rtx.

use nix::sys::signal::Signal;
use rtx_tests::compare::everywhere;
use rtx_tests::{Guest, Run, Status};

#[test]
fn boards_notice_what_home_drops_and_protects() {
    let runs = everywhere(Guest::test("drops").path(), |run| run);
    runs.native.succeeded();
    assert!(runs.offloaded.report().offloads() >= 5);
}

#[test]
fn storms_of_drops_lose_nothing() {
    let runs = everywhere(Guest::test("storms").path(), |run| run);
    runs.native.succeeded();
    assert!(runs.offloaded.report().offloads() >= 8);
}

/// Both children of the guest did their work after its end.
#[track_caller]
fn both_survived(stdout: &str) {
    for line in [
        "a child has outlived the program",
        "a child has executed something else",
    ] {
        assert!(stdout.contains(line), "{stdout}");
    }
}

#[test]
fn children_outlive_the_job() {
    // That no keeper is left is checked at the end of every run.
    let outcome = Run::offloaded(Guest::test("survivors").path()).finish();
    both_survived(&outcome.succeeded().stdout());
}

#[test]
fn children_outlive_a_killed_supervisor() {
    let guest = Guest::test("survivors");
    let run = Run::offloaded(guest.path()).args(["wait"]);
    let running = run.open_input().start();
    running.wait_for_output("ready");
    assert_eq!(running.keepers().len(), 1, "{:?}", running.processes());
    running.signal(Signal::SIGKILL);
    let outcome = running.finish();
    outcome.ended_with(Status::Killed(libc::SIGKILL));
    both_survived(&outcome.stdout());
}

#[test]
fn children_outlive_a_killed_guest() {
    let guest = Guest::test("survivors");
    let run = Run::offloaded(guest.path()).args(["wait"]);
    let running = run.open_input().start();
    running.wait_for_output("ready");
    let process = running.guest(guest.path());
    let pid = nix::unistd::Pid::from_raw(process.pid);
    nix::sys::signal::kill(pid, Signal::SIGKILL).expect("it runs");
    let outcome = running.finish();
    outcome.ended_with(Status::Killed(libc::SIGKILL));
    both_survived(&outcome.stdout());
}

#[test]
fn a_program_that_was_joined_and_let_go_is_joined_again() {
    let mut program = Run::native(Guest::test("survivors").path())
        .args(["wait"])
        .open_input()
        .start();
    program.wait_for_output("ready");
    for _ in 0..2 {
        let flags = ["--policy", "static", "--boards", "local:1", "--detach"];
        let attached = Run::attached(program.pid()).flags(flags).report().start();
        attached.wait_for_threads_on_boards(1);
        attached.signal(Signal::SIGINT);
        let outcome = attached.finish();
        assert!(outcome.succeeded().report().offloads() >= 1, "{outcome}");
        // It is the program's, not that of a job which has ended.
        assert_eq!(program.keepers().len(), 1, "{:?}", program.processes());
    }
    program.close_input();
    both_survived(&program.finish().succeeded().stdout());
}

#[test]
fn nothing_is_intercepted_without_offload() {
    let run = Run::never(Guest::test("survivors").path()).args(["wait"]);
    let mut running = run.open_input().start();
    running.wait_for_output("ready");
    assert!(running.keepers().is_empty());
    running.close_input();
    both_survived(&running.finish().succeeded().stdout());
}

#[test]
fn without_its_keeper_a_job_ends_with_a_message() {
    let run = Run::offloaded(Guest::test("survivors").path()).args(["wait"]);
    let running = run.open_input().leaky().start();
    running.wait_for_output("ready");
    let keeper = running.keepers().pop().expect("a keeper");
    let pid = nix::unistd::Pid::from_raw(keeper.pid);
    nix::sys::signal::kill(pid, Signal::SIGKILL).expect("it runs");
    let outcome = running.finish();
    outcome.ended_with(Status::Exited(125));
    // The children cannot go on either, and say so.
    let said = "rtx-run: the program's memory can no longer be kept coherent: the keeper of the program has ended";
    assert!(outcome.stderr().contains(said), "{outcome}");
}

#[test]
fn a_program_whose_calls_others_answer_stays_home() {
    let outcome = Run::offloaded(Guest::test("answered").path())
        .report()
        .finish();
    assert_eq!(outcome.succeeded().stdout(), "computed\n");
    assert_eq!(outcome.report().offloads(), 0, "{outcome}");
    let line = outcome.one_line_on_stderr();
    let why = "another program answers system calls of this one already";
    assert!(
        line.contains(why) && line.contains("without boards"),
        "{line}"
    );
}
