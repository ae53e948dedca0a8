//! Home is the emulated machine. One board is too, the other is this one.

use std::path::Path;

use rtx_tests::arm64::{Machine, Ran};
use rtx_tests::{Agent, Report, Run};

use super::{examples, on_both, others};
use crate::programs::announce;
use crate::ways::{compare, read};

/// Natively; with threads on boards.
fn everywhere(boards: &str, guest: &rtx_tests::Guest, args: &[&str]) -> (Ran, Vec<Report>) {
    let machine = Machine::shared();
    let name = guest
        .path()
        .file_name()
        .expect("a name")
        .display()
        .to_string();
    announce(&format!("{name}, home on aarch64"));
    machine.copy(guest.path());
    machine.copy(&guest.other_path());
    let run = |before: &[&str], program: &Path| {
        let program = program.to_str().expect("a plain path");
        machine.run([before, &[program], args].concat())
    };
    let native = run(&[], &guest.other_path());
    let policies = ["static", "shuffle:1"].into_iter();
    let reports = policies.map(|policy| {
        let report = format!("/tmp/report.{policy}.{name}");
        let flags = [
            "rtx-run",
            "--insecure",
            "--policy",
            policy,
            "--boards",
            boards,
        ];
        let flags = [&flags[..], &["--report", &report, "--"]].concat();
        // Either file may be named.
        compare(policy, &native, &run(&flags, guest.path()));
        read(machine, &report)
    });
    let reports = reports.collect();
    (native, reports)
}

#[test]
fn programs_notice_nothing_when_their_threads_compute_on_x86_64() {
    let pi = Machine::shared().board();
    let reports = Machine::shared().in_network(|| {
        let near = Agent::launch("near", "10.77.0.1:7070", |run| run.args(["--insecure"]));
        let boards = format!("{},{pi}", near.address());
        let mut all = Vec::new();
        for (guest, args) in examples() {
            let (there, reports) = everywhere(&boards, &guest, args);
            let here = Run::native(guest.path())
                .args(args.iter().copied())
                .finish();
            assert_eq!(
                there.stdout,
                here.stdout_bytes(),
                "natively\n{there}\n{here}"
            );
            all.extend(reports);
        }
        for (guest, args) in others() {
            all.extend(everywhere(&boards, &guest, args).1);
        }
        near.stop();
        all
    });
    let crossings: u64 = reports.iter().map(|report| report.crossings).sum();
    announce(&format!("{crossings} moves between instruction sets"));
    assert!(crossings > 50, "threads crossed only {crossings} times");
    on_both(&reports);
}
