//! Reaching into running jobs: `rtx jobs`, `boards`, `drain` and `move`.

use rtx_tests::compare::same;
use rtx_tests::examples::Example;
use rtx_tests::{Agent, Guest, Outcome, Run, Running, Status, checkout, examples};

/// How often a run that has ended before it was reached is made again.
const CHANCES: u32 = 5;

fn rtx(args: &[&str]) -> Outcome {
    Run::native(checkout::binary("rtx"))
        .args(args.iter().copied())
        .finish()
}

/// Asks about one job.
fn about(job: &Running, command: &[&str], rest: &[&str]) -> Outcome {
    let pid = job.pid().to_string();
    rtx(&[command, &["--job", &pid], rest].concat())
}

/// What `rtx jobs --json` says of a job.
fn listed(job: &Running) -> Option<serde_json::Value> {
    let text = rtx(&["jobs", "--json"]).succeeded().stdout();
    let jobs: Vec<serde_json::Value> = serde_json::from_str(&text).expect("a list");
    jobs.into_iter().find(|j| j["job"] == job.pid())
}

/// The threads of a job that are on boards.
fn away(job: &Running) -> Vec<i64> {
    let threads = listed(job).map(|j| j["snapshot"]["threads"].clone());
    let threads = threads
        .as_ref()
        .and_then(|t| t.as_array())
        .into_iter()
        .flatten();
    let away = threads.filter(|t| t["place"] != "home");
    away.map(|t| t["tid"].as_i64().expect("a thread id"))
        .collect()
}

fn job(guest: &Guest, policy: &str, args: &[&str]) -> Run {
    Run::supervised(guest.path())
        .flags(["--policy", policy, "--boards", "local:2"])
        .report()
        .args(args.iter().copied())
}

/// A board joins and another leaves in the middle of a run. `None`: it was over before.
fn changed(example: &Example, native: &Outcome) -> Option<()> {
    let agent = Agent::start("joins");
    let run = job(&Guest::example(example.name), "static", example.long).start();
    run.wait_until("threads are away, or it is over", |run| {
        (!away(run).is_empty() || listed(run).is_none()).then_some(())
    });
    let added = about(&run, &["boards", "add"], &[&agent.address()]);
    let drained = about(&run, &["drain"], &["local-1"]);
    let boards = about(&run, &["boards", "list"], &[]);
    let outcome = run.finish();
    same(native, &outcome);
    agent.stop();
    let in_time = [&added, &drained, &boards]
        .iter()
        .all(|o| o.status() == Status::Exited(0));
    if !in_time {
        return None;
    }
    assert_eq!(added.stdout(), "board joins has joined\n");
    let said = drained.stdout();
    assert!(said.starts_with("board local-1 has left: "), "{said}");
    let listed = boards.stdout();
    let states: Vec<Vec<&str>> = listed
        .lines()
        .skip(1)
        .map(|l| l.split_whitespace().collect())
        .collect();
    let states: Vec<[&str; 2]> = states.iter().map(|row| [row[1], row[2]]).collect();
    assert_eq!(
        states,
        [
            ["local-1", "gone"],
            ["local-2", "there"],
            ["joins", "there"]
        ]
    );
    let report = outcome.report();
    assert_eq!(report.boards.len(), 3, "{report:?}");
    Some(())
}

#[test]
fn boards_join_and_leave_in_the_middle_of_every_example() {
    for example in examples::ALL {
        let native = Run::native(Guest::example(example.name).path())
            .args(example.long.iter().copied())
            .finish();
        let met = (0..CHANCES).any(|_| changed(&example, &native).is_some());
        assert!(met, "{}: every run was over too soon", example.name);
    }
}

#[test]
fn the_last_board_leaves_and_the_program_goes_on_at_home() {
    let example = examples::named("matmul");
    let guest = Guest::example("matmul");
    let native = Run::native(guest.path())
        .args(example.long.iter().copied())
        .finish();
    let met = (0..CHANCES).any(|_| {
        let run = job(&guest, "static", example.long).start();
        run.wait_until("threads are away", |run| {
            (!away(run).is_empty()).then_some(())
        });
        let both = ["local-1", "local-2"].map(|board| about(&run, &["drain"], &[board]));
        let boards = both
            .iter()
            .all(|o| o.status() == Status::Exited(0))
            .then(|| run.boards());
        let outcome = run.finish();
        same(&native, &outcome);
        boards.is_some()
    });
    assert!(met, "every run was over too soon");
}

#[test]
fn what_cannot_be_done_is_refused() {
    let guest = Guest::test("endless");
    let run = job(&guest, "static", &[]).start();
    run.wait_until("a thread is away", |run| {
        (!away(run).is_empty()).then_some(())
    });
    let tid = run.pid().to_string();
    let refused = |command: &[&str], rest: &[&str], why: &str| {
        let outcome = about(&run, command, rest);
        outcome.ended_with(Status::Exited(125));
        let line = outcome.one_line_on_stderr();
        assert!(line.starts_with("rtx: ") && line.contains(why), "{line}");
    };
    refused(
        &["drain"],
        &["nosuch"],
        "the job has no board nosuch; its boards are local-1, local-2",
    );
    refused(&["move"], &["1", "home"], "the program has no thread 1");
    refused(&["move"], &[&tid, "local-1"], "the program has no thread");
    refused(
        &["boards", "add"],
        &["127.0.0.1:1"],
        "cannot reach board 127.0.0.1:1",
    );
    refused(&["boards", "add"], &["nowhere"], "has no port");
    about(&run, &["drain"], &["1"]).succeeded();
    refused(
        &["drain"],
        &["local-1"],
        "board local-1 is gone, or about to leave",
    );
    run.signal(nix::sys::signal::Signal::SIGKILL);
    run.finish();
}

#[test]
fn jobs_that_are_not_there_are_told() {
    let outcome = rtx(&["drain", "--job", "1", "local-1"]);
    outcome.ended_with(Status::Exited(125));
    let line = outcome.one_line_on_stderr();
    assert!(
        line.starts_with("rtx: process 1 is no rtx-run with a job of yours. "),
        "{line}"
    );
    let runs = [0, 1].map(|_| job(&Guest::test("endless"), "never", &[]).start());
    for run in &runs {
        run.wait_until("it is listed", listed);
    }
    let outcome = rtx(&["drain", "local-1"]);
    outcome.ended_with(Status::Exited(125));
    let line = outcome.one_line_on_stderr();
    assert!(
        line.contains("you have several running jobs: ") && line.ends_with("Name one: --job PID"),
        "{line}"
    );
    let outcome = about(&runs[0], &["boards", "add"], &["127.0.0.1:7000"]);
    let line = outcome.one_line_on_stderr();
    assert!(line.contains("policy never offloads nothing"), "{line}");
    for run in runs {
        run.signal(nix::sys::signal::Signal::SIGKILL);
        run.finish();
    }
}
