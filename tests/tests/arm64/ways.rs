//! Running a guest in the machine natively and under `rtx-run` in three ways, and comparing.

use std::path::Path;

use rtx_tests::Report;
use rtx_tests::arm64::{Machine, Ran};

const WAYS: [(&str, &[&str]); 3] = [
    ("never", &["--policy", "never"]),
    ("static", &["--policy", "static", "--boards", "local:2"]),
    ("shuffle", &["--policy", "shuffle:1", "--boards", "local:2"]),
];

/// Fails unless the guest, which has been built for the machine, does the same in all ways; returns the
/// report of the static one.
#[track_caller]
pub fn same(guest: &Path, args: &[&str]) -> Report {
    let machine = Machine::shared();
    machine.copy(guest);
    let program = guest.to_str().expect("a plain path");
    let run = |flags: &[&str]| {
        let before = if flags.is_empty() {
            &[][..]
        } else {
            &["rtx-run"]
        };
        let end = if flags.is_empty() { &[][..] } else { &["--"] };
        machine.run([before, flags, end, &[program], args].concat())
    };
    let native = run(&[]);
    let mut found = None;
    for (name, flags) in WAYS {
        let report = format!(
            "/tmp/report.{name}.{}",
            guest.file_name().expect("a file").display()
        );
        let other = run(&[flags, &["--report", &report]].concat());
        compare(name, &native, &other);
        if name == "static" {
            found = Some(read(machine, &report));
        }
    }
    found.expect("one of the ways")
}

/// Fails unless a program in the machine did what it does natively there.
#[track_caller]
pub fn compare(way: &str, native: &Ran, other: &Ran) {
    let alike = native.status == other.status
        && native.stdout == other.stdout
        && native.stderr == other.stderr;
    assert!(alike, "natively\n{native}\n{way}\n{other}");
}

/// A report that a run in the machine has written.
pub fn read(machine: &Machine, path: &str) -> Report {
    let text = machine.run(["cat", path]);
    text.succeeded();
    serde_json::from_slice(&text.stdout).unwrap_or_else(|e| panic!("{e} in {text}"))
}
