//! The other commands.

use rtx_tests::scratch::Scratch;
use rtx_tests::{Guest, Run, Status, checkout};
use serde_json::Value;

#[test]
fn a_check_of_the_machine() {
    let outcome = Run::native(checkout::binary("rtx"))
        .args(["check"])
        .finish();
    let text = outcome.succeeded().stdout();
    for word in ["userfaultfd", "ptrace"] {
        assert!(text.contains(word), "no {word} in {text}");
    }
}

#[test]
fn a_check_as_data() {
    let outcome = Run::native(checkout::binary("rtx"))
        .args(["check", "--json"])
        .finish();
    let data: Value = serde_json::from_str(&outcome.succeeded().stdout()).expect("JSON");
    assert!(data.is_object() || data.is_array(), "{data}");
}

#[test]
fn every_command_has_help_and_a_version() {
    for name in ["rtx-run", "rtx", "rtx-board"] {
        for (flag, word) in [
            ("--help", "Usage"),
            ("--version", env!("CARGO_PKG_VERSION")),
        ] {
            let outcome = Run::native(checkout::binary(name)).args([flag]).finish();
            let text = outcome.succeeded().stdout();
            assert!(text.contains(word), "no {word} in {name} {flag}: {text}");
        }
    }
}

/// What a command that cannot do what it should says.
fn refused(name: &str, args: &[&str]) -> String {
    let outcome = Run::native(checkout::binary(name))
        .args(args.iter().copied())
        .finish();
    assert_ne!(outcome.status(), Status::Exited(0), "{outcome}");
    outcome.stderr()
}

#[test]
fn what_commands_cannot_do_they_say_with_what_to_do() {
    let scratch = Scratch::new();
    let path = |name: &str| {
        let path = scratch.path(name);
        path.to_str().expect("a plain path").to_owned()
    };
    let (nowhere, text) = (path("none/x"), path("text"));
    std::fs::write(&text, "no recording\n").expect("written");
    let (recording, report) = (path("r.ndjson"), path("r.json"));
    let guest = Guest::example("matmul");
    Run::supervised(guest.path())
        .flags(["--boards", "local:1", "--policy", "static"])
        .flags(["--record", &recording, "--report", &report])
        .finish()
        .succeeded();
    let guest = guest.path().to_str().expect("a plain path").to_owned();
    let other = ["replay", &recording, "--policy", "nosuch"];
    for (name, args, said) in [
        (
            "rtx-run",
            &["--record", &nowhere, &guest][..],
            "Check the path after --record",
        ),
        ("rtx", &["replay", &nowhere], "cannot read"),
        (
            "rtx",
            &["replay", &text],
            "line 1: this is no recording of rtx",
        ),
        ("rtx", &["replay", &text], "Make one with rtx-run --record"),
        ("rtx", &other, "unknown policy \"nosuch\": known policies"),
        (
            "rtx",
            &["policies", "nosuch"],
            "unknown policy \"nosuch\": known policies",
        ),
        (
            "rtx",
            &["report", &report, "-o", &nowhere],
            "cannot write '",
        ),
        ("rtx", &["explain", &nowhere], "cannot read the report '"),
        (
            "rtx",
            &["top", "--interval", "0"],
            "not a number of seconds between 0.1 and 60",
        ),
        (
            "rtx",
            &["explain", "1"],
            "process 1 is no rtx-run with a job of yours",
        ),
    ] {
        let text = refused(name, args);
        assert!(text.contains(said), "{name} {args:?}: {text}");
    }
}

#[test]
fn a_report_that_cannot_be_written_in_the_end_does_not_change_the_status() {
    let outcome = Run::supervised(Guest::example("matmul").path())
        .flags(["--policy", "never", "--report", "/dev/full"])
        .finish();
    let text = outcome.succeeded().stderr();
    assert!(
        text.contains("cannot write the report") && text.contains("no space left"),
        "{text}"
    );
}

#[test]
fn policies_are_listed_and_described() {
    let told = |args: &[&str]| {
        let rtx = Run::native(checkout::binary("rtx"));
        rtx.args(args.iter().copied()).finish().succeeded().stdout()
    };
    let list = told(&["policies"]);
    let energy = told(&["policies", "energy"]);
    assert!(list.contains("congestion") && list.contains("rtx policies NAME"));
    assert!(energy.contains("slowdown") && energy.contains("patience"));
}

/// The sockets of jobs are of a network namespace: in a new one there are none.
#[test]
fn where_no_job_runs_that_is_said() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: only root may make a network namespace");
        return;
    }
    let rtx = checkout::binary("rtx");
    let outcome = Run::native("unshare")
        .args(["--net".into(), rtx.into_os_string(), "explain".into()])
        .finish();
    let text = outcome.stderr();
    assert!(text.contains("you have no running job"), "{text}");
    assert!(text.contains("network namespace"), "{text}");
}
