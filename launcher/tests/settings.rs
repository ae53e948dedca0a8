//! The layers of the configuration, seen from outside: files in their usual places, the environment, flags.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use common::{Directory, command};
use serde_json::Value;

/// `rtx` in a directory of its own, with a home in it.
fn rtx(directory: &Directory) -> Command {
    let mut command = command(Path::new(env!("CARGO_BIN_EXE_rtx")));
    command
        .current_dir(directory.path(""))
        .env("HOME", directory.path("home"))
        .env_remove("XDG_CONFIG_HOME");
    command
}

fn output(command: &mut Command) -> Output {
    command.output().expect("started")
}

/// All settings as JSON.
fn shown(command: &mut Command) -> Value {
    let output = output(command.args(["config", "--show", "--json"]));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The one line with which it refuses.
fn refused(command: &mut Command) -> String {
    let output = output(command.args(["config", "--show"]));
    assert_eq!(output.status.code(), Some(125));
    assert_eq!(output.stdout, b"");
    String::from_utf8(output.stderr)
        .expect("UTF-8")
        .trim_end()
        .to_owned()
}

fn user_file(directory: &Directory, text: &str) {
    let rtx = directory.path("home/.config/rtx");
    fs::create_dir_all(&rtx).expect("created");
    fs::write(rtx.join("config.toml"), text).expect("written");
}

#[test]
fn the_later_layer_wins_and_each_value_knows_its_place() {
    let directory = Directory::new("layers");
    let timeouts = "connect_timeout_ms = 11\nheartbeat_timeout_ms = 11\nstart_timeout_ms = 11\n\
                    stuck_after_ms = 11\npolicy = \"never\"\n";
    user_file(&directory, timeouts);
    let here = "# of this directory\nheartbeat_timeout_ms = 12\nstart_timeout_ms = 12\n\
                stuck_after_ms = 12\npolicy.name = \"never\"\n";
    directory.file("rtx.toml", 0o644, here.as_bytes());
    let named = "stuck_after_ms = 13\nstart_timeout_ms = 13\n[policy]\nname = \"never\"\n";
    let named = directory.file("named.toml", 0o644, named.as_bytes());
    let all = shown(
        rtx(&directory)
            .env("RTX_START_TIMEOUT_MS", "14")
            .env("RTX_POLICY", "static")
            .env("RTX_REPORT", "7")
            .env("RTX_POLCY", "typo"),
    );
    assert_eq!(all["values"]["stuck_after_ms"]["value"], 12);
    assert_eq!(all["unused_variables"], serde_json::json!(["RTX_POLCY"]));
    assert_eq!(all["values"]["report"]["value"], "7");
    let mut command = rtx(&directory);
    command
        .env("RTX_START_TIMEOUT_MS", "14")
        .env("RTX_POLICY", "static");
    let output = output(command.args(["config", "--policy", "shuffle:1", "--config", &named]));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let user = directory.path("home/.config/rtx/config.toml");
    for (key, value, from) in [
        ("connect_timeout_ms", "11", format!("{}:1", user.display())),
        ("heartbeat_timeout_ms", "12", "./rtx.toml:2".to_owned()),
        ("stuck_after_ms", "13", format!("{named}:1")),
        ("start_timeout_ms", "14", "RTX_START_TIMEOUT_MS".to_owned()),
        ("policy", "\"shuffle:1\"", "--policy".to_owned()),
        ("summary", "false", "default".to_owned()),
    ] {
        let line = text.lines().find(|line| line.starts_with(key)).expect(key);
        let (said, place) = line.split_once('#').expect("a remark");
        assert_eq!(said.trim(), format!("{key} = {value}"));
        assert_eq!(place.trim(), from, "{line}");
    }
}

#[test]
fn what_is_shown_can_be_read_again() {
    let directory = Directory::new("again");
    let text =
        "[[boards]]\naddress = \"a:1\"\nlabels = [\"x\"]\nwatts = { idle = 1, busy = 2.5 }\n";
    directory.file("rtx.toml", 0o644, text.as_bytes());
    let first = output(rtx(&directory).args(["config", "--verbose"]));
    assert!(first.status.success());
    fs::write(directory.path("rtx.toml"), &first.stdout).expect("written");
    let all = shown(&mut rtx(&directory));
    assert_eq!(all["values"]["verbose"]["value"], true);
    let board = &all["values"]["boards"]["value"][0];
    assert_eq!(board["address"], "a:1");
    assert_eq!(board["watts"]["busy"], 2.5);
}

#[test]
fn the_users_directory_can_be_elsewhere() {
    let directory = Directory::new("xdg");
    fs::create_dir_all(directory.path("there/rtx")).expect("created");
    directory.file("there/rtx/config.toml", 0o644, b"summary = true\n");
    user_file(&directory, "verbose = true\n");
    let all = shown(rtx(&directory).env("XDG_CONFIG_HOME", directory.path("there")));
    assert_eq!(all["values"]["summary"]["value"], true);
    assert_eq!(all["values"]["verbose"]["value"], false);
    let all = shown(rtx(&directory).env("XDG_CONFIG_HOME", "there"));
    assert_eq!(
        all["values"]["verbose"]["value"], true,
        "a relative one counts for nothing"
    );
}

#[test]
fn a_list_on_the_command_line_replaces_tables() {
    let directory = Directory::new("tables");
    directory.file("rtx.toml", 0o644, b"[[boards]]\naddress = \"a:1\"\n");
    let output = output(rtx(&directory).args(["config", "--boards", "local:1"]));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.contains("boards = \"local:1\" "), "{text}");
}

#[test]
fn mistakes_name_file_line_and_the_nearest_key() {
    for (text, expected) in [
        (
            "\nsumary = true\n",
            "rtx: ./rtx.toml:2: unknown key \"sumary\" (did you mean \"summary\"?). Known keys are ",
        ),
        (
            "[policy]\nnme = \"static\"\n",
            "rtx: ./rtx.toml:1: policy: a policy's table without name, script or chain. A policy is",
        ),
        (
            "zzzzzzzzzz = 1\n",
            "rtx: ./rtx.toml:1: unknown key \"zzzzzzzzzz\". Known keys are ",
        ),
        (
            "\n[[boards]]\nadress = \"a:1\"\n",
            "rtx: ./rtx.toml:2: [[boards]]: unknown key \"adress\" (did you mean \"address\"?). \
             A board has address, name, slots, labels, watts = { idle, busy }",
        ),
        (
            "[[boards]]\nname = \"a\"\n",
            "rtx: ./rtx.toml:1: [[boards]]: missing field address",
        ),
        (
            "[[boards]]\naddress = \"a:1\"\nslots = 0\n",
            "rtx: ./rtx.toml:1: [[boards]]: slots must be at least 1",
        ),
        (
            "[[boards]]\naddress = \"a:1\"\nslots = \"many\"\n",
            "rtx: ./rtx.toml:1: [[boards]]: slots: invalid type",
        ),
        (
            "[[boards]]\naddress = \"a:1\"\nwatts = { idle = 3, busy = 2 }\n",
            "rtx: ./rtx.toml:1: [[boards]]: watts must not be negative, nor idle more than busy",
        ),
        (
            "[[boards]]\naddress = \"a:1\"\nname = \"\"\n",
            "rtx: ./rtx.toml:1: [[boards]]: name is empty",
        ),
        (
            "boards = [1]\n",
            "rtx: ./rtx.toml:1: [[boards]]: each must be a table: [[boards]]",
        ),
        (
            "boards = 3\n",
            "rtx: ./rtx.toml:1: boards must be a list of boards in quotes, or tables [[boards]], \
             found signed int 3",
        ),
        ("summary = tru\n", "rtx: ./rtx.toml:1: "),
    ] {
        let directory = Directory::new("mistakes");
        directory.file("rtx.toml", 0o644, text.as_bytes());
        let line = refused(&mut rtx(&directory));
        assert!(line.starts_with(expected), "{line}\n{expected}");
    }
}

#[test]
fn mistakes_in_the_environment_name_the_variable() {
    use std::os::unix::ffi::OsStrExt;
    let directory = Directory::new("variables");
    let line = refused(rtx(&directory).env("RTX_SUMMARY", "maybe"));
    assert_eq!(
        line,
        "rtx: RTX_SUMMARY: summary must be true or false, found string \"maybe\""
    );
    let line = refused(rtx(&directory).env("RTX_CONNECT_TIMEOUT_MS", "3"));
    assert!(line.starts_with("rtx: RTX_CONNECT_TIMEOUT_MS: connect_timeout_ms = 3 is not"));
    let odd = std::ffi::OsStr::from_bytes(b"\xff");
    let line = refused(rtx(&directory).env("RTX_POLICY", odd));
    assert_eq!(line, "rtx: RTX_POLICY: its value is not UTF-8");
}

#[test]
fn files_that_cannot_be_trusted_or_read_are_refused() {
    let directory = Directory::new("trust");
    directory.file("rtx.toml", 0o666, b"summary = true\n");
    let line = refused(&mut rtx(&directory));
    assert!(
        line.starts_with("rtx: the configuration './rtx.toml' can be changed by other users. If"),
        "{line}"
    );
    let plain = PermissionsExt::from_mode(0o644);
    fs::set_permissions(directory.path("rtx.toml"), plain).expect("mode set");
    assert_eq!(
        shown(&mut rtx(&directory))["values"]["summary"]["value"],
        true
    );
    fs::remove_file(directory.path("rtx.toml")).expect("removed");
    fs::create_dir(directory.path("rtx.toml")).expect("created");
    let line = refused(&mut rtx(&directory));
    let expected =
        "rtx: cannot read the configuration './rtx.toml': is a directory. Check its path";
    assert!(line.starts_with(expected), "{line}");
}
