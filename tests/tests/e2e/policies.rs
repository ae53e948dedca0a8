//! Policies on real programs: recordings, scripts, returning.

use std::fs;
use std::path::Path;

use nix::sys::signal::Signal;
use rtx_tests::bench::crowd::{at_home, beside_home};
use rtx_tests::procfs::Process;
use rtx_tests::scratch::Scratch;
use rtx_tests::{Agent, Guest, Run, Running, Status, checkout};
use serde_json::Value;

/// Replays a recording under its own policy or another one, as data.
fn replay(recording: &Path, other: &[&str]) -> Value {
    let outcome = Run::native(checkout::binary("rtx"))
        .args(["replay", "--json"])
        .args(other.iter().copied())
        .args([recording])
        .finish();
    serde_json::from_str(&outcome.succeeded().stdout()).expect("JSON")
}

fn count(data: &Value, name: &str) -> usize {
    data[name].as_array().expect("a list").len()
}

#[test]
fn a_recording_replays_to_the_same_decisions() {
    let scratch = Scratch::new();
    let guest = Guest::example("matmul");
    for policy in ["static", "shuffle:3", "guard-memory+congestion"] {
        let recording = scratch.path("run.ndjson");
        Run::supervised(guest.path())
            .flags(["--boards", "local:2", "--policy", policy])
            .flags(["--record".into(), recording.clone().into_os_string()])
            .finish()
            .succeeded();
        let same = replay(&recording, &[]);
        assert_eq!(count(&same, "differences"), 0, "{policy}: {same:#}");
        assert_eq!(same["recorded"], policy);
        assert!(same["looks"].as_u64().expect("a number") > 0, "{same:#}");
        let never = replay(&recording, &["--policy", "never"]);
        assert_eq!(count(&never, "decisions"), 0, "{never:#}");
    }
}

/// What a replay decided, without the words of its reasons.
fn moves(replayed: &Value) -> Vec<(Value, Value, Value)> {
    let looks = replayed["decisions"].as_array().expect("a list").iter();
    let of = |look: &Value| {
        let decisions = look["decisions"].as_array().expect("a list").iter();
        let time = look["time_ms"].clone();
        let each = decisions.map(|d| (time.clone(), d["tid"].clone(), d["action"].clone()));
        each.collect::<Vec<_>>()
    };
    looks.flat_map(of).collect()
}

#[test]
fn the_congestion_script_decides_as_the_policy_did_live() {
    let scratch = Scratch::new();
    let recording = scratch.path("run.ndjson");
    let guest = Guest::example("matmul");
    let (agent, board) = beside_home();
    let run = Run::supervised(guest.path())
        .flags(["--boards", &board, "--policy", "congestion"])
        .flags(["--record".into(), recording.clone().into_os_string()])
        // Whoever else runs beside the board, home has less for each.
        .args(["--threads", "16", "--size", "1536"]);
    at_home(run).finish().succeeded();
    agent.stop();
    let script = checkout::root().join("policies/presets/congestion.rhai");
    let script = script.to_str().expect("a plain path");
    let (policy, script) = (
        replay(&recording, &[]),
        replay(&recording, &["--policy", script]),
    );
    assert_eq!(count(&policy, "differences"), 0, "{policy:#}");
    assert_ne!(moves(&policy), [], "home has one core: {policy:#}");
    assert_eq!(moves(&script), moves(&policy));
    // Three matrices are in memory before the first thread can leave.
    let text = fs::read_to_string(&recording).expect("written");
    let looks = text.lines().skip(1);
    let memory = looks.filter_map(|line| {
        let look: Value = serde_json::from_str(line).expect("JSON");
        look["snapshot"]["memory"].as_u64()
    });
    assert!(
        memory
            .max()
            .is_some_and(|bytes| bytes > 2 * 8 * 1536 * 1536)
    );
}

#[test]
fn no_thread_takes_the_signal_that_tells_of_stops() {
    let scratch = Scratch::new();
    let guest = Guest::example("matmul");
    let run = Run::offloaded(guest.path())
        .flags([
            "--record".into(),
            scratch.path("run.ndjson").into_os_string(),
        ])
        .flags(["--metrics", "0"])
        .args(["--size", "1024"])
        .start();
    run.guest(guest.path());
    let supervisor = Process::find(run.pid()).expect("it runs");
    let threads = supervisor.threads();
    assert!(threads.len() > 3, "recording and watching have threads");
    for thread in threads {
        // One may have ended since.
        let blocked = supervisor.blocks(thread, Signal::SIGCHLD);
        assert!(blocked.unwrap_or(true), "{}", supervisor.name);
    }
    run.finish().succeeded();
}

#[test]
fn a_recording_that_was_changed_is_told_with_the_difference() {
    let scratch = Scratch::new();
    let recording = scratch.path("run.ndjson");
    let guest = Guest::example("matmul");
    Run::offloaded(guest.path())
        .flags(["--record".into(), recording.clone().into_os_string()])
        .finish()
        .succeeded();
    let text = fs::read_to_string(&recording).expect("written");
    let changed = text.replacen("every child thread", "some child thread", 1);
    assert_ne!(text, changed);
    fs::write(&recording, changed).expect("can be written");
    let outcome = Run::native(checkout::binary("rtx"))
        .args(["replay".into(), recording.into_os_string()])
        .finish();
    assert_eq!(outcome.status(), Status::Exited(1), "{outcome}");
    let text = outcome.stdout();
    assert!(
        text.contains("some child thread") && text.contains("every child thread"),
        "{text}"
    );
}

#[test]
fn a_script_that_fails_is_told_with_its_line_and_the_job_goes_on() {
    let scratch = Scratch::new();
    let guest = Guest::example("matmul");
    for (text, place) in [
        (
            "fn decide(s) {\n    s.nothing.at_all();\n    []\n}\n",
            ":2:15: ",
        ),
        ("fn decide(s) {\n    let = 3;\n}\n", ":2:9: "),
    ] {
        let script = scratch.path("mine.rhai");
        fs::write(&script, text).expect("can be written");
        let outcome = Run::supervised(guest.path())
            .flags(["--boards", "local:1", "--policy"])
            .flags([&script])
            .finish();
        let line = outcome.succeeded().one_line_on_stderr();
        let expected = format!("policy {}{place}", script.display());
        assert!(line.contains(&expected), "{line}");
        assert!(
            line.ends_with("The job goes on under policy never"),
            "{line}"
        );
    }
}

#[test]
fn a_thread_that_synchronises_comes_home_if_it_is_to() {
    let guest = Guest::example("pipeline");
    let homecomings = |policy: &str, items: &str| {
        let report = Run::supervised(guest.path())
            .flags(["--boards", "local:2", "--policy", policy])
            .args(["--size", items])
            .report()
            .finish()
            .report();
        let causes = report.recall_causes.iter();
        let causes = causes.filter(|(cause, _)| cause.as_str() == "synchronised");
        causes.map(|(_, count)| *count).sum::<u64>()
    };
    assert_eq!(homecomings("static", "2000"), 0);
    assert!(homecomings("static:sticky=5ms", "2000") > 0);
    assert!(homecomings("static:return=stay", "2000") > 0);
    // That it synchronises all the time is learnt after half a second there, which is more work on faster machines.
    let learnt = |items: &&str| homecomings("static:return=auto", items) > 0;
    assert!(["4000", "20000", "100000"].iter().any(learnt));
}

/// Sends the child thread away, wants it back once, while it waits, and empties boards that are to be emptied.
const WANTS_IT_BACK_ONCE: &str = r#"
fn tick_ms() { 20 }
fn decide(s) {
    if this.wanted == () { this.wanted = false; this.waited = 0; }
    let decisions = [];
    for t in s.threads {
        if t.is_main || t.moving { continue; }
        if t.place == "home" && !this.wanted {
            decisions.push(#{ tid: t.tid, to: 1, reason: "it may" });
        } else if t.place != "home" && t.state == "blocked" && !this.wanted {
            // For longer than for a page, or to write a line.
            this.waited += 1;
            if this.waited < 5 { continue; }
            this.wanted = true;
            decisions.push(#{ tid: t.tid, to: "home", reason: "it waits" });
        } else if t.place != "home" && s.boards[0].draining {
            decisions.push(#{ tid: t.tid, to: "home", reason: "its board is to be emptied" });
        }
    }
    decisions
}
"#;

#[test]
fn a_thread_that_is_wanted_home_while_it_waits_comes_when_it_has_waited() {
    let scratch = Scratch::new();
    let script = scratch.path("once.rhai");
    fs::write(&script, WANTS_IT_BACK_ONCE).expect("can be written");
    let guest = Guest::test("waits");
    let board = Agent::start("board");
    // Or before that, if its board is to be emptied.
    for emptied in [false, true] {
        let mut run = Run::supervised(guest.path())
            .flags(["-v", "--boards", &board.address().to_string(), "--policy"])
            .flags([&script])
            .report()
            .open_input()
            .start();
        run.wait_for_output("waits");
        run.wait_for_complaint("it waits");
        assert_eq!(on_board(&run, "board"), 1);
        if emptied {
            board.running().signal(Signal::SIGUSR1);
            run.wait_until("the board is empty", |run| {
                (on_board(run, "board") == 0).then_some(())
            });
            board.running().signal(Signal::SIGUSR1);
        }
        run.write("go\n");
        let outcome = run.finish();
        assert_eq!(outcome.succeeded().stdout(), "waits\ndone\n");
        let report = outcome.report();
        assert_eq!(report.recall_causes.get("policy"), Some(&1), "{outcome}");
    }
    board.stop();
}

/// Threads of a job on a board, by its name.
fn on_board(run: &Running, name: &str) -> u64 {
    let job = run.listed();
    let boards = job
        .as_ref()
        .and_then(|job| job["snapshot"]["boards"].as_array());
    let mut boards = boards.into_iter().flatten();
    let board = boards.find(|board| board["name"] == name).expect("a board");
    board["threads"].as_u64().expect("a number")
}

#[test]
fn a_board_that_is_to_be_emptied_is_emptied() {
    let (left, right) = (Agent::start("left"), Agent::start("right"));
    let boards = format!("{},{}", left.address(), right.address());
    for policy in ["static", "balance"] {
        let guest = Guest::test("rounds");
        let mut run = Run::supervised(guest.path())
            .flags(["-v", "--policy", policy, "--boards", &boards])
            .report()
            .args(["4"])
            .open_input()
            .start();
        run.wait_for_output("ready");
        run.wait_for_complaint("left");
        left.running().signal(Signal::SIGUSR1);
        run.wait_for_complaint("left is to be emptied");
        run.wait_until("left is empty", |run| {
            (on_board(run, "left") == 0).then_some(())
        });
        run.close_input();
        let outcome = run.finish();
        outcome.succeeded();
        assert!(outcome.report().recall_causes["policy"] > 0, "{outcome}");
        left.running().signal(Signal::SIGUSR1);
    }
    left.stop();
    right.stop();
}
