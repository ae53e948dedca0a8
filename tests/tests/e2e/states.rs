//! What a job tells of its state: on SIGQUIT, and when something is stuck.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rtx_tests::{Guest, Run};

#[test]
fn a_quit_prints_the_state_of_both_sides() {
    let guest = Guest::test("copy_input");
    let mut run = Run::offloaded(guest.path()).open_input().start();
    run.write("one\n");
    run.wait_for_output("one\n");
    run.signal(Signal::SIGQUIT);
    for text in [
        "rtx-run: state of the supervisor: process ",
        "on board 1, shadow Calling, in read ",
        "state of the pager: board 2: ",
        "state of board 1: thread ",
        "state of board 2: thread ",
        "waits for home call ",
    ] {
        run.wait_for_complaint(text);
    }
    run.write("two\n");
    run.close_input();
    assert_eq!(run.finish().succeeded().stdout(), "one\ntwo\n");
}

#[test]
fn what_is_stuck_is_told_and_goes_on_when_it_can() {
    let guest = Guest::test("rounds");
    let mut run = Run::offloaded(guest.path())
        .variable("RTX_STUCK_AFTER_MS", "400")
        .variable("RTX_HEARTBEAT_TIMEOUT_MS", "600000")
        .args(["4"])
        .open_input()
        .start();
    run.wait_for_output("ready");
    std::thread::sleep(Duration::from_secs(1));
    let board = Pid::from_raw(run.boards()[0].pid);
    kill(board, Signal::SIGSTOP).expect("it runs");
    // Main writes where that board's threads read.
    run.close_input();
    run.wait_for_complaint("rtx-run: something is stuck: ");
    run.wait_for_complaint("state of the pager: ");
    kill(board, Signal::SIGCONT).expect("it runs");
    let outcome = run.finish();
    assert!(
        outcome
            .succeeded()
            .stdout()
            .contains("every step counted\n")
    );
}

#[test]
fn nothing_is_told_where_the_watch_is_off() {
    let guest = Guest::test("copy_input");
    let mut run = Run::offloaded(guest.path())
        .variable("RTX_STUCK_AFTER_MS", "0")
        .open_input()
        .start();
    run.write("one\n");
    run.wait_for_output("one\n");
    run.close_input();
    assert_eq!(run.finish().succeeded().stderr(), "4 bytes\n");
}
