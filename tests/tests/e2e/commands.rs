//! The other commands.

use rtx_tests::{Run, checkout};
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
