//! `rtx plan`: what a run would use, without running anything.

use std::ffi::OsStr;

use rtx_tests::agent::free_port;
use rtx_tests::{Agent, Guest, Run, Status, checkout};
use serde_json::Value;

/// The plan, and the exit status.
fn plan<A: AsRef<OsStr>>(args: &[A]) -> (Value, Status) {
    let args = args.iter().map(|arg| arg.as_ref().to_owned());
    let outcome = Run::native(checkout::binary("rtx"))
        .args(["plan", "--json"])
        .args(args)
        .finish();
    let text = outcome.stdout();
    let plan = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {outcome}"));
    (plan, outcome.status())
}

#[test]
fn boards_and_the_program_are_described() {
    let agent = Agent::start("one");
    let guest = Guest::example("matmul");
    let boards = agent.address();
    let (plan, status) = plan(&[
        "--policy".as_ref(),
        "static".as_ref(),
        "--boards".as_ref(),
        OsStr::new(&boards),
        "--".as_ref(),
        guest.path().as_os_str(),
    ]);
    assert_eq!(status, Status::Exited(0), "{plan}");
    assert_eq!(plan["ok"], true);
    assert_eq!(plan["policy"], "static");
    assert_eq!(plan["machine"], Value::Null);
    assert_eq!(plan["program"]["static"], true);
    assert_eq!(plan["program"]["isas"][0], std::env::consts::ARCH);
    let board = &plan["boards"][0];
    assert_eq!(board["refused"], Value::Null);
    let offer = &board["offer"];
    assert_eq!(offer["name"], "one");
    assert_eq!(offer["address"], boards.as_str());
    assert_eq!(offer["isa"], std::env::consts::ARCH);
    assert_eq!(offer["local_address"], "127.0.0.1");
    let number = |key: &str| offer[key].as_f64().expect(key);
    assert!(number("cores") >= 1.0 && number("memory_bytes") > 1e6);
    assert!(number("round_trip_us") > 0.0);
    agent.stop();
}

#[test]
fn each_board_that_refuses_says_why_and_the_others_are_shown() {
    let agent = Agent::start("good");
    let nobody = format!("127.0.0.1:{}", free_port());
    let boards = format!("{},{nobody}", agent.address());
    let (shown, status) = plan(&["--boards", &boards]);
    assert_eq!(status, Status::Exited(125));
    assert_eq!(shown["ok"], false);
    assert_eq!(shown["boards"][0]["offer"]["name"], "good");
    let refused = shown["boards"][1]["refused"].as_str().expect("a reason");
    assert!(
        refused.contains(&format!("cannot reach board {nobody}")),
        "{refused}"
    );
    let (shown, _) = plan(&["--boards", "192.0.2.1:7100"]);
    let refused = shown["boards"][0]["refused"].as_str().expect("a reason");
    assert!(refused.contains("--insecure"), "{refused}");
    agent.stop();
}

#[test]
fn a_program_that_is_refused_gives_the_status_of_rtx_run() {
    let (shown, status) = plan(&["--boards", "local:1", "--", "/no/such/program"]);
    assert_eq!(status, Status::Exited(127));
    let refused = shown["program_refused"].as_str().expect("a reason");
    assert!(
        refused.starts_with("cannot run '/no/such/program': "),
        "{refused}"
    );
    // The board was started and looked at all the same.
    assert_eq!(shown["boards"][0]["offer"]["name"], "local-1");
}

#[test]
fn the_text_says_the_same() {
    let guest = Guest::example("matmul");
    let outcome = Run::native(checkout::binary("rtx"))
        .args(["plan", "--boards", "local:2", "--"])
        .args([guest.path()])
        .finish();
    let text = outcome.succeeded().stdout();
    for words in [
        "matmul: static",
        "policy   congestion",
        "local-2 at 127.0.0.1:",
        "would begin",
    ] {
        assert!(text.contains(words), "no {words} in:\n{text}");
    }
}
