//! Settings from a file: what wins, and what is said when they are wrong. (The environment is
//! tested from outside, in `tests/`: it belongs to the whole process.)

use super::*;
use crate::errors::line;

/// Loads with this file and these flags; an error as its line, with FILE for the file's path.
fn load_with(test: &str, text: &str, flags: &[&str]) -> Result<Settings, String> {
    let name = format!("rtx-config-{}-{test}.toml", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, text).expect("written");
    let path = path.to_str().expect("UTF-8").to_owned();
    let mut args = vec!["rtx-run", "--config", &path];
    args.extend(flags);
    args.push("app");
    let request = crate::cli::parse(args.into_iter().map(Into::into)).expect("understood");
    let crate::cli::Request::Run(flags) = request else {
        panic!("not a run");
    };
    let loaded = load(&flags.settings);
    std::fs::remove_file(&path).expect("removed");
    match loaded {
        Ok(config) => Ok(config.settings),
        Err(error) => Err(line("rtx-run", &error).replace(&path, "FILE")),
    }
}

#[test]
fn the_listed_keys_are_the_settings() {
    let settings = serde_json::to_value(Settings::default()).expect("serializable");
    let fields = settings.as_object().expect("fields");
    let mut fields: Vec<&str> = fields.keys().map(String::as_str).collect();
    fields.sort();
    assert_eq!(fields, KEYS.map(|key| key.name));
}

#[test]
fn an_empty_file_gives_the_defaults() {
    assert_eq!(load_with("empty", "", &[]), Ok(Settings::default()));
}

#[test]
fn flags_win_over_the_file() {
    let text = "policy = \"never\"\nsummary = true\nheartbeat_timeout_ms = 900\nreport = \"a\"\n";
    let settings = load_with("win", text, &["--policy", "static", "--report", "b"]);
    let settings = settings.expect("loaded");
    assert_eq!(settings.policy, "static");
    assert_eq!(settings.report, Some("b".into()));
    assert_eq!(settings.heartbeat_timeout_ms, 900);
    assert!(settings.summary && !settings.insecure);
}

#[test]
fn a_policy_has_many_forms_and_a_later_one_replaces_it_whole() {
    let table = "home_watts = \"60-180\"\n[policy]\nname = \"congestion\"\nhorizon = \"30s\"\n";
    let settings = load_with("table", table, &[]).expect("loaded");
    assert_eq!(settings.policy, "congestion:horizon=30s");
    assert_eq!(settings.home_watts.map(Watts::pair), Some((60.0, 180.0)));
    let settings = load_with("replaced", table, &["--policy", "static"]).expect("loaded");
    assert_eq!(settings.policy, "static");
    let list = "policy = [\"guard-memory\", \"never\"]\nhome_watts = { idle = 1, busy = 2 }\n";
    let settings = load_with("list", list, &[]).expect("loaded");
    assert_eq!(settings.policy, "guard-memory+never");
    assert_eq!(settings.home_watts.map(Watts::pair), Some((1.0, 2.0)));
}

#[test]
fn mistakes_are_told_with_file_and_line() {
    for (test, text, expected) in [
        (
            "unknown",
            "# boards\n\npolcy = \"never\"\n",
            "rtx-run: FILE:3: unknown key \"polcy\" (did you mean \"policy\"?). Known keys are boards, \
             connect_timeout_ms, events, heartbeat_timeout_ms, home_watts, insecure, metrics, \
             only_at_points, policy, progress, report, start_timeout_ms, stuck_after_ms, summary, \
             verbose",
        ),
        (
            "string",
            "summary = true\nheartbeat_timeout_ms = \"soon\"\n",
            "rtx-run: FILE:2: heartbeat_timeout_ms must be a number of milliseconds, \
             found string \"soon\"",
        ),
        (
            "number",
            "\npolicy = 3\n",
            "rtx-run: FILE:2: policy must be the name of a policy in quotes, found signed int 3",
        ),
        (
            "nameless",
            "\n\n[policy]\nhorizon = 3\n",
            "rtx-run: FILE:3: policy: a policy's table without name, script or chain. A policy is a \
             name in quotes, a list of them, or a table with name, script or chain and parameters",
        ),
        (
            "watts",
            "home_watts = \"180-60\"\n",
            "rtx-run: FILE:1: home_watts must be idle and busy watts in quotes, such as \"60-180\", \
             found string \"180-60\"",
        ),
        (
            "negative",
            "connect_timeout_ms = -1",
            "rtx-run: FILE:1: connect_timeout_ms must be a number of milliseconds, \
             found signed int -1",
        ),
        (
            "table",
            "[summary]\nx = 1\n",
            "rtx-run: FILE:1: summary must be true or false, found map",
        ),
        (
            "range",
            "\n\nheartbeat_timeout_ms = 5\n",
            "rtx-run: FILE:3: heartbeat_timeout_ms = 5 is not between 10 and 3600000 milliseconds",
        ),
    ] {
        assert_eq!(load_with(test, text, &[]).expect_err(test), expected);
    }
}

#[test]
fn bad_toml_is_told_with_file_and_line() {
    let line = load_with("syntax", "summary = true\npolicy = never\n", &[]).expect_err("syntax");
    assert!(line.starts_with("rtx-run: FILE:2: "), "{line}");
    let line = load_with("twice", "summary = true\nsummary = true\n", &[]).expect_err("twice");
    assert!(line.starts_with("rtx-run: FILE:2: "), "{line}");
}
