//! Agents that rtx-run starts over a real ssh: OpenSSH's client, and its server on this machine.

mod server;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rtx_tests::compare::same;
use rtx_tests::procfs::Process;
use rtx_tests::{Guest, Run, Status, examples};
use server::Server;

fn matmul() -> Run {
    Run::supervised(Guest::example("matmul").path())
        .flags(["--policy", "static", "--boards", "ssh:alpha,beta"])
        .args(examples::named("matmul").short.iter().copied())
}

#[test]
fn agents_come_over_ssh_and_leave_nothing() {
    let server = Server::start();
    let native = Run::native(Guest::example("matmul").path())
        .args(examples::named("matmul").short.iter().copied())
        .finish();
    let outcome = server.prepare(matmul().report(), "mine").finish();
    same(&native, &outcome);
    let report = outcome.report();
    let boards: Vec<&str> = report.boards.iter().map(|b| b.name.as_str()).collect();
    assert_eq!(boards, ["alpha", "beta"]);
    assert!(
        report.boards.iter().all(|b| b.threads_s > 0.0),
        "{report:?}"
    );
    server.wait_until("the sessions are over", || server.processes().is_empty());
    assert_eq!(server.files(), Vec::<String>::new());
}

#[test]
fn a_key_that_is_not_known_is_told_in_the_words_of_ssh() {
    let server = Server::start();
    let outcome = server.prepare(matmul(), "stranger").finish();
    outcome.ended_with(Status::Exited(125));
    let line = outcome.one_line_on_stderr();
    assert!(line.contains("cannot start board ssh:"), "{line}");
    assert!(line.contains("Permission denied"), "{line}");
    assert_eq!(outcome.stdout(), "");
}

/// What sshd runs for a board's session ends with the connection, and the job says what was lost.
#[test]
fn a_connection_that_ends_takes_its_agent_along() {
    let server = Server::start();
    let run = Run::supervised(Guest::test("endless").path());
    let run = run.flags(["--policy", "static", "--boards", "ssh:alpha"]);
    let running = server.prepare(run, "mine").start();
    // The agent, and the replica, in which threads of the program are.
    let on_board = || {
        let processes = server.processes();
        let agent = processes.iter().find(|p| p.name == "rtx-board")?.pid;
        let is_replica = |p: &&Process| p.parent == agent && p.name.parse::<u32>().is_ok();
        let replica = processes.iter().find(is_replica)?.pid;
        Some([agent, replica])
    };
    server.wait_until("a thread is on the board", || on_board().is_some());
    std::thread::sleep(std::time::Duration::from_secs(1));
    let there = on_board().expect("they stay");
    for session in server
        .processes()
        .iter()
        .filter(|p| p.name.starts_with("sshd"))
    {
        // The other half of a session may end by itself.
        let _ = kill(Pid::from_raw(session.pid), Signal::SIGKILL);
    }
    let outcome = running.finish();
    outcome.ended_with(Status::Exited(75));
    assert!(outcome.stderr().contains("alpha"), "{outcome}");
    server.wait_until("the agent is gone", || {
        there.iter().all(|pid| Process::find(*pid).is_none())
    });
    assert_eq!(server.files(), Vec::<String>::new());
}
