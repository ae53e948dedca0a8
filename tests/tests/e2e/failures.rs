//! When a part dies: never a wrong result, nothing left behind.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rtx_tests::{Agent, Guest, Outcome, Run, Running, Status};

fn computing(run: Run) -> Running {
    let running = run.args(["4"]).open_input().start();
    running.wait_for_output("ready");
    running
}

/// The same, once its threads are on boards.
fn offloaded(run: Run) -> Running {
    let running = computing(run);
    running.wait_for_threads_on_boards(4);
    running
}

fn send(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).expect("it runs");
}

/// The job ended because of a board, said so in one line, and did not pretend to have succeeded.
#[track_caller]
fn lost(outcome: &Outcome, board: Option<&str>) {
    outcome.ended_with(Status::Exited(75));
    let line = outcome.one_line_on_stderr();
    assert!(line.starts_with("rtx-run: "), "{line}");
    assert!(line.contains("board") && line.contains("thread"), "{line}");
    assert!(board.is_none_or(|name| line.contains(name)), "{line}");
    assert!(
        !outcome.stdout().contains("every step counted"),
        "{outcome}"
    );
}

#[test]
fn the_supervisor_is_killed_while_threads_are_at_home() {
    let running = computing(Run::never(Guest::test("rounds").path()));
    running.signal(Signal::SIGKILL);
    // That nothing is left is checked at the end of every run.
    running.finish().ended_with(Status::Killed(libc::SIGKILL));
}

#[test]
fn the_supervisor_is_killed_while_threads_are_on_boards() {
    let running = offloaded(Run::offloaded(Guest::test("rounds").path()));
    assert!(running.processes().len() > 4, "{:?}", running.processes());
    running.signal(Signal::SIGKILL);
    running.finish().ended_with(Status::Killed(libc::SIGKILL));
}

#[test]
fn an_agent_outlives_a_killed_supervisor() {
    let agent = Agent::start("survivor");
    let flags = ["--policy", "static", "--boards", &agent.address()];
    let running = offloaded(Run::supervised(Guest::test("rounds").path()).flags(flags));
    let busy = agent.running().processes().len();
    assert!(busy > 1, "the agent has no replica");
    running.signal(Signal::SIGKILL);
    running.finish();
    agent.running().wait_until("the replica is gone", |agent| {
        (agent.processes().len() < busy).then_some(())
    });
    // The next job finds it in order.
    let again = Run::supervised(Guest::example("matmul").path()).flags(flags);
    again.finish().succeeded();
    agent.stop();
}

#[test]
fn a_board_is_killed() {
    let running = offloaded(Run::offloaded(Guest::test("rounds").path()));
    let boards = running.boards();
    assert_eq!(boards.len(), 2, "{:?}", running.processes());
    send(boards[0].pid, Signal::SIGKILL);
    lost(&running.finish(), None);
}

#[test]
fn an_agent_is_killed() {
    let (lone, other) = (Agent::start("lone"), Agent::start("other"));
    let boards = format!("{},{}", lone.address(), other.address());
    let run = Run::supervised(Guest::test("rounds").path());
    let running = offloaded(run.flags(["--policy", "static", "--boards", &boards]));
    send(lone.process().pid, Signal::SIGKILL);
    lost(&running.finish(), Some("lone"));
    other.stop();
}

#[test]
fn a_board_that_holds_nothing_is_not_missed() {
    // Its one thread is on the first board.
    let run = Run::offloaded(Guest::test("deep").path());
    let mut running = run.open_input().start();
    running.wait_for_output("ready");
    let boards = running.boards();
    assert_eq!(boards.len(), 2, "{:?}", running.processes());
    send(boards[1].pid, Signal::SIGKILL);
    running.wait_for_complaint("it held nothing");
    running.write("end\n");
    let outcome = running.finish();
    assert_eq!(outcome.succeeded().stdout(), "ready\ndone\n");
    let line = outcome.one_line_on_stderr();
    assert!(line.contains(" is gone ("), "{line}");
}

#[test]
fn an_agent_falls_silent() {
    let agent = Agent::start("silent");
    let run = Run::supervised(Guest::test("rounds").path())
        .flags(["--policy", "static", "--boards", &agent.address()])
        .variable("RTX_HEARTBEAT_TIMEOUT_MS", "1000");
    let running = offloaded(run);
    send(agent.process().pid, Signal::SIGSTOP);
    lost(&running.finish(), Some("silent"));
    send(agent.process().pid, Signal::SIGCONT);
    agent.stop();
}

#[test]
fn the_guest_is_killed() {
    let guest = Guest::test("rounds");
    let running = offloaded(Run::offloaded(guest.path()));
    send(running.guest(guest.path()).pid, Signal::SIGKILL);
    running.finish().ended_with(Status::Killed(libc::SIGKILL));
}

#[test]
fn a_replica_is_killed() {
    let running = offloaded(Run::offloaded(Guest::test("rounds").path()));
    let replicas = running.replicas(&running.boards());
    assert!(replicas.len() >= 2, "{:?}", running.processes());
    send(replicas[0].pid, Signal::SIGKILL);
    lost(&running.finish(), None);
}
