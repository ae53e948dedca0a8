//! Signals, faults and cancellation of threads on boards: their handlers run at home.

use std::time::Duration;

use rtx_tests::compare::{natively, same, unnoticed};
use rtx_tests::{Agent, Guest, Report, Run, SlowWay, Status};

use super::{crossing, crossing_to, guest};

/// How long each way to a slow board takes: several times the time between two signals of a test.
const SLOW: Duration = Duration::from_millis(3);

/// The children of a run did what they did on boards.
#[track_caller]
fn were_away(report: &Report) {
    let children = report.children();
    assert!(
        children.iter().any(|thread| thread.recalls > 0),
        "{report:#?}"
    );
    assert!(report.crossings > 0, "{report:#?}");
}

#[track_caller]
fn as_natively(name: &str, args: &[&str]) -> Report {
    let guest = guest(name);
    let native = natively(&guest, args);
    let report = unnoticed(&native, crossing(&guest, "static", args));
    were_away(&report);
    report
}

#[test]
fn handlers_jump_to_frames_on_boards() {
    let report = as_natively("jumps", &["40"]);
    // Half of them out of computing, half out of a call.
    assert!(report.recalls() >= 20, "{report:#?}");
}

#[test]
fn threads_are_cancelled_wherever_they_are() {
    as_natively("cancels", &["4"]);
}

#[test]
fn handlers_of_faults_mend_what_was_wrong() {
    let report = as_natively("faults", &[]);
    assert!(report.recalls() >= 60, "{report:#?}");
}

#[test]
fn a_fault_without_a_handler_is_fatal() {
    let guest = guest("faults");
    let native = Run::native(guest.path()).args(["death"]).finish();
    native.ended_with(Status::Killed(libc::SIGSEGV));
    let outcome = crossing(&guest, "static", &["death"]).finish();
    same(&native, &outcome);
    were_away(&outcome.report());
}

#[test]
fn signals_come_in_order_and_end_calls_as_they_must() {
    as_natively("signals", &[]);
}

#[test]
fn clocks_are_read_between_many_signals() {
    as_natively("ticks", &["300", "clock"]);
}

#[test]
fn handlers_fork_and_make_threads_at_home() {
    let report = as_natively("handles", &[]);
    assert!(report.recalls() >= 10, "{report:#?}");
}

/// A board behind a slow way.
struct Far {
    agent: Agent,
    way: SlowWay,
}

impl Far {
    fn start() -> Self {
        let agent = Agent::start("far");
        let way = SlowWay::to(&agent.address(), SLOW);
        Self { agent, way }
    }

    fn stop(self) {
        drop(self.way);
        self.agent.stop();
    }
}

#[test]
fn threads_get_on_when_signals_come_faster_than_a_board_answers() {
    let far = Far::start();
    let boards = far.way.address();
    let ticks = guest("ticks");
    let native = natively(&ticks, &["40"]);
    were_away(&unnoticed(
        &native,
        crossing_to(&ticks, "static", &boards, &["40"]),
    ));
    // Whose registers go home with it, too.
    let flags = ["--policy", "static", "--boards", &boards];
    let run = Run::supervised(ticks.path()).flags(flags).args(["40"]);
    let report = unnoticed(&native, run.report());
    assert!(report.recalls() > 0, "{report:#?}");

    let handlers = Guest::rtx("toolchain/tests/programs/handlers.c");
    let native = natively(&handlers, &["200"]);
    let mut crossings = 0;
    for seed in 1..=3 {
        let policy = format!("shuffle:{seed}");
        let run = crossing_to(&handlers, &policy, &boards, &["200"]);
        crossings += unnoticed(&native, run).crossings;
    }
    assert!(crossings > 0);
    far.stop();
}
