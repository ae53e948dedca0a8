//! What the commands say about this machine, as root and as nobody in particular.

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{Directory, command, outcome, program};

const NOBODY: [&str; 3] = ["--reuid=65534", "--regid=65534", "--clear-groups"];

/// A command run as nobody, from a copy which nobody can reach; `None` unless this is root.
fn as_nobody(directory: &Directory, binary: &str) -> Option<Command> {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: only root can become nobody");
        return None;
    }
    let copy = directory.path("command");
    common::copy(Path::new(binary), &copy);
    let mut setpriv = command(Path::new("setpriv"));
    setpriv.args(NOBODY).arg(copy);
    Some(setpriv)
}

/// Whether users in general may have a userfaultfd here; then there is nothing to refuse.
fn everyone_may() -> bool {
    let sysctl = fs::read_to_string("/proc/sys/vm/unprivileged_userfaultfd");
    let device = fs::metadata("/dev/userfaultfd").map(|m| {
        use std::os::unix::fs::PermissionsExt;
        m.permissions().mode() & 0o006 == 0o006
    });
    sysctl.is_ok_and(|text| text.trim() == "1") || device.unwrap_or(false)
}

#[test]
fn without_userfaultfd_a_program_is_refused_and_does_not_run() {
    let directory = Directory::new("nobody");
    let Some(mut rtx_run) = as_nobody(&directory, env!("CARGO_BIN_EXE_rtx-run")) else {
        return;
    };
    if everyone_may() {
        eprintln!("skipped: everyone may have a userfaultfd here");
        return;
    }
    let app = directory.file("app", 0o755, &program());
    let (status, line) = outcome(rtx_run.args(["--policy", "static", &app]));
    let expected = "rtx-run: cannot create a userfaultfd: permission denied. Run as root, or: \
                    sysctl vm.unprivileged_userfaultfd=1, or give access to /dev/userfaultfd\n";
    assert_eq!((status, line.as_str()), (125, expected));
}

#[test]
fn a_program_that_nobody_may_execute_or_read_is_refused() {
    let directory = Directory::new("denied");
    let app = directory.file("app", 0o700, &program());
    let secret = directory.file("secret", 0o711, &program());
    for (path, expected) in [
        (
            app,
            "permission to execute it is denied. Check its owner and mode, and",
        ),
        (secret, "it cannot be read: permission denied"),
    ] {
        let Some(mut rtx_run) = as_nobody(&directory, env!("CARGO_BIN_EXE_rtx-run")) else {
            return;
        };
        let (status, line) = outcome(rtx_run.arg(&path));
        assert_eq!(status, 126, "{line}");
        assert!(line.contains(expected), "{line}");
    }
}

#[test]
fn check_tells_the_same_to_people_and_programs() {
    let text = command(Path::new(env!("CARGO_BIN_EXE_rtx")))
        .arg("check")
        .output();
    let json = command(Path::new(env!("CARGO_BIN_EXE_rtx")))
        .args(["check", "--json"])
        .output();
    let (text, json) = (text.expect("started"), json.expect("started"));
    assert_eq!(text.status, json.status);
    let document: serde_json::Value = serde_json::from_slice(&json.stdout).expect("json");
    assert_eq!(document["ok"], json.status.success());
    let text = String::from_utf8(text.stdout).expect("UTF-8");
    for check in document["checks"].as_array().expect("a list") {
        let id = check["id"].as_str().expect("a name");
        let line = text
            .lines()
            .find(|line| line.split_whitespace().nth(1) == Some(id));
        let result = line.expect(id).split_whitespace().next();
        assert_eq!(result, check["result"].as_str(), "{id}");
        assert_eq!(
            check["fix"].is_string(),
            check["result"] == "missing",
            "{id}"
        );
    }
}

#[test]
fn check_as_nobody_fails_where_something_required_is_missing() {
    let directory = Directory::new("check");
    let Some(mut rtx) = as_nobody(&directory, env!("CARGO_BIN_EXE_rtx")) else {
        return;
    };
    let output = rtx.args(["check", "--json"]).output().expect("started");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("json");
    assert_eq!(document["ok"], everyone_may());
    assert_eq!(output.status.code(), Some(i32::from(!everyone_may())));
    let find = |id: &str| {
        let checks = document["checks"].as_array().expect("a list");
        checks.iter().find(|c| c["id"] == id).expect(id)["result"].clone()
    };
    assert_eq!(find("page_size"), "ok");
    if !everyone_may() {
        assert_eq!(find("userfaultfd"), "missing");
    }
}
