//! What `rtx-run` was started with is noted before Rust's runtime changes it. The test starts
//! itself again, in a prepared environment.

use std::process::Command;

use rtx_launcher::inherit::Inherit;

/// What the test prints when it was started by itself.
const MARK: &str = "captured: ";

/// Starts this test once more through a shell with these preparations; returns what it captured.
fn captured(preparation: &str) -> String {
    let own = std::env::current_exe().expect("known");
    let script = format!("{preparation} exec \"$0\" --exact show --nocapture --ignored");
    let output = Command::new("sh").arg("-c").arg(script).arg(own).output();
    let output = output.expect("started");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let start = text
        .find(MARK)
        .unwrap_or_else(|| panic!("nothing captured: {text}"));
    let rest = &text[start + MARK.len()..];
    rest.lines().next().expect("a line").to_owned()
}

#[test]
#[ignore = "run by the other tests"]
fn show() {
    let inherit = Inherit::captured();
    let ignored: Vec<i32> = (1..=31).filter(|signal| inherit.ignores(*signal)).collect();
    println!(
        "{MARK}mask {:x} ignored {ignored:?} closed {:?}",
        inherit.mask, inherit.closed
    );
}

#[test]
fn nothing_unusual_is_nothing() {
    let expected = "mask 0 ignored [] closed [false, false, false]";
    assert_eq!(captured(""), expected);
}

#[test]
fn ignored_signals_and_closed_streams_are_noted() {
    let expected = "mask 0 ignored [1, 13] closed [true, false, false]";
    assert_eq!(captured("trap '' HUP PIPE; exec <&-;"), expected);
}

#[test]
fn blocked_signals_are_noted() {
    let own = std::env::current_exe().expect("known");
    let output = Command::new("env")
        .arg("--block-signal=USR1")
        .arg(own)
        .args(["--exact", "show", "--nocapture", "--ignored"])
        .output()
        .expect("started");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.contains("captured: mask 200 "), "{text}");
}
