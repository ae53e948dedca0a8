//! Boards that run already: `rtx-board --listen` and `--boards HOST:PORT`.

use rtx_tests::compare::same;
use rtx_tests::{Agent, Guest, Outcome, Run, Status, checkout, examples};

fn on(boards: &str, name: &str) -> Outcome {
    Run::supervised(Guest::example(name).path())
        .flags(["--policy", "static", "--boards", boards])
        .report()
        .args(examples::named(name).short.iter().copied())
        .finish()
}

fn natively(name: &str) -> Outcome {
    let short = examples::named(name).short;
    Run::native(Guest::example(name).path())
        .args(short.iter().copied())
        .finish()
}

#[test]
fn threads_move_to_running_agents() {
    let (left, right) = (Agent::start("left"), Agent::start("right"));
    let boards = format!("{},{}", left.address(), right.address());
    let outcome = on(&boards, "matmul");
    same(&natively("matmul"), &outcome);
    let report = outcome.report();
    let names: Vec<&str> = report
        .boards
        .iter()
        .map(|board| board.name.as_str())
        .collect();
    assert_eq!(names, ["left", "right"]);
    assert_eq!(report.boards[0].address, left.address());
    assert!(
        report
            .boards
            .iter()
            .all(|board| board.isa == std::env::consts::ARCH)
    );
    left.stop();
    right.stop();
}

#[test]
fn an_agent_serves_job_after_job_and_keeps_nothing() {
    let agent = Agent::start("steady");
    let native = natively("pipeline");
    let mut seen = Vec::new();
    for _ in 0..6 {
        same(&native, &on(&agent.address(), "pipeline"));
        // The session's thread closes what it had after home has seen the job end.
        let files = agent
            .running()
            .wait_until("the replica and the session are gone", |agent| {
                let processes = agent.processes();
                let idle = processes.len() == 1 && processes[0].threads().len() == 1;
                idle.then(|| processes[0].open_files().len())
            });
        seen.push(files);
    }
    assert_eq!(seen[1], seen[5], "files after each job: {seen:?}");
    agent.stop();
}

#[test]
fn two_jobs_share_an_agent() {
    let agent = Agent::start("shared");
    let native = natively("matmul");
    let address = agent.address();
    std::thread::scope(|scope| {
        let jobs = [0, 1].map(|_| scope.spawn(|| on(&address, "matmul")));
        for job in jobs {
            same(&native, &job.join().expect("the job ran"));
        }
    });
    agent.stop();
}

#[test]
fn an_agent_listens_beyond_loopback_only_if_told_so() {
    let board = checkout::binary("rtx-board");
    let outcome = Run::native(board)
        .args(["--listen", "192.0.2.1:7100"])
        .finish();
    assert_ne!(outcome.status(), Status::Exited(0));
    let line = outcome.one_line_on_stderr();
    assert!(
        line.starts_with("rtx-board: ") && line.contains("--insecure"),
        "{line}"
    );
}

#[test]
fn flags_that_an_agent_does_not_know() {
    let outcome = Run::native(checkout::binary("rtx-board"))
        .args(["--frobnicate"])
        .finish();
    outcome.ended_with(Status::Exited(125));
    assert_eq!(outcome.stdout(), "");
    assert!(outcome.stderr().contains("--frobnicate"), "{outcome}");
}

#[test]
fn a_port_in_use_is_told() {
    let agent = Agent::start("first");
    let board = checkout::binary("rtx-board");
    let outcome = Run::native(board)
        .args(["--listen", &agent.address()])
        .finish();
    assert_ne!(outcome.status(), Status::Exited(0));
    assert!(
        outcome.one_line_on_stderr().contains(&agent.address()),
        "{outcome}"
    );
    agent.stop();
}
