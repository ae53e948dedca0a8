//! `--report` and `--summary`.

use rtx_tests::compare::same;
use rtx_tests::{Guest, Run};
use serde_json::Value;

/// Every field of `rtx.report.v1`, as a path; `*` stands for each element of a list.
const NUMBERS: [&str; 54] = [
    "wall_s",
    "boards.*.threads_s",
    "threads.*.tid",
    "threads.*.home_s",
    "threads.*.board_s",
    "threads.*.offloads",
    "threads.*.recalls",
    "threads.*.back_migrations",
    "threads.*.home_calls",
    "pages.read",
    "pages.write",
    "pages.upgrade",
    "pages.invalidated",
    "pages.prefetched",
    "pages.zero",
    "pages.bytes",
    "exit.code",
    "latency_us.fault.p50",
    "latency_us.fault.p90",
    "latency_us.fault.p99",
    "latency_us.fault.max",
    "latency_us.fault.count",
    "latency_us.freeze.p50",
    "latency_us.freeze.p90",
    "latency_us.freeze.p99",
    "latency_us.freeze.max",
    "latency_us.freeze.count",
    "latency_us.offload.p50",
    "latency_us.offload.p90",
    "latency_us.offload.p99",
    "latency_us.offload.max",
    "latency_us.offload.count",
    "latency_us.back_migration.p50",
    "latency_us.back_migration.p90",
    "latency_us.back_migration.p99",
    "latency_us.back_migration.max",
    "latency_us.back_migration.count",
    "latency_us.cross_isa.p50",
    "latency_us.cross_isa.p90",
    "latency_us.cross_isa.p99",
    "latency_us.cross_isa.max",
    "latency_us.cross_isa.count",
    "latency_us.to_point.p50",
    "latency_us.to_point.p90",
    "latency_us.to_point.p99",
    "latency_us.to_point.max",
    "latency_us.to_point.count",
    "latency_us.from_point.p50",
    "latency_us.from_point.p90",
    "latency_us.from_point.p99",
    "latency_us.from_point.max",
    "latency_us.from_point.count",
    "crossings",
    "isa_s.x86_64",
];
const TEXTS: [&str; 6] = [
    "schema",
    "program",
    "args.*",
    "policy",
    "boards.*.name",
    "boards.*.address",
];

/// The values at a path.
fn at<'a>(value: &'a Value, path: &str) -> Vec<&'a Value> {
    path.split('.').fold(vec![value], |values, step| {
        let into = |value: &'a Value| -> Vec<&'a Value> {
            match step {
                "*" => value.as_array().into_iter().flatten().collect(),
                name => value.get(name).into_iter().collect(),
            }
        };
        values.into_iter().flat_map(into).collect()
    })
}

const ARGUMENTS: [&str; 4] = ["--threads", "3", "--size", "200"];

fn pipeline() -> Run {
    Run::offloaded(Guest::example("pipeline").path()).args(ARGUMENTS)
}

#[test]
fn a_report_has_every_field() {
    let outcome = pipeline().report().finish();
    outcome.succeeded();
    let text = std::fs::read_to_string(outcome.report_path()).expect("a report");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    for path in NUMBERS {
        let found = at(&report, path);
        assert!(
            !found.is_empty() && found.iter().all(|v| v.is_number()),
            "{path} in {text}"
        );
    }
    for path in TEXTS {
        let found = at(&report, path);
        assert!(
            !found.is_empty() && found.iter().all(|v| v.is_string()),
            "{path} in {text}"
        );
    }
    assert_eq!(report["exit"]["signal"], Value::Null);
}

#[test]
fn a_report_tells_what_happened() {
    let outcome = pipeline().report().finish();
    let report = outcome.succeeded().report();
    assert_eq!(report.schema, "rtx.report.v1");
    assert_eq!(
        report.program,
        Guest::example("pipeline").path().to_str().expect("UTF-8")
    );
    assert_eq!(report.args, ARGUMENTS);
    assert_eq!(report.exit.code, Some(0));
    assert_eq!(report.policy, "static");
    assert_eq!(report.threads.len(), 4, "{report:#?}");
    assert!(report.wall_s > 0.0 && report.wall_s <= outcome.wall().as_secs_f64());
    assert!(
        report.latency_us.freeze.count >= 3,
        "{:?}",
        report.latency_us
    );
    assert!(
        report.latency_us.offload.count >= 3,
        "{:?}",
        report.latency_us
    );
    let fault = report.latency_us.fault;
    assert!(
        fault.count > 0 && fault.p50 <= fault.p99 && fault.p99 <= fault.max,
        "{fault:?}"
    );
    let calls: u64 = report
        .threads
        .iter()
        .map(|t| t.home_calls + t.back_migrations)
        .sum();
    assert!(calls > 0, "a pipeline waits: {report:#?}");
}

#[test]
fn a_summary_goes_to_stderr_only() {
    let native = Run::native(Guest::example("pipeline").path())
        .args(ARGUMENTS)
        .finish();
    let outcome = pipeline().flags(["--summary"]).finish();
    assert_eq!(outcome.succeeded().stdout(), native.stdout());
    assert!(outcome.stderr().starts_with("rtx: "), "{outcome}");
    assert!(outcome.stderr().contains("policy static"), "{outcome}");
}

#[test]
fn without_being_asked_nothing_is_said() {
    let native = Run::native(Guest::example("pipeline").path())
        .args(ARGUMENTS)
        .finish();
    same(&native, &pipeline().finish());
}

#[test]
fn settings_come_from_file_environment_and_flags() {
    let scratch = rtx_tests::scratch::Scratch::new();
    let file = scratch.path("rtx.toml");
    std::fs::write(&file, "policy = \"never\"\nboards = \"local:1\"\n").expect("written");
    let flags = ["--config".as_ref(), file.as_os_str()];
    let run = || {
        Run::supervised(Guest::example("pipeline").path())
            .flags(flags)
            .report()
    };
    assert_eq!(run().finish().report().policy, "never");
    let report = run().variable("RTX_POLICY", "static").finish().report();
    assert_eq!((report.policy.as_str(), report.boards.len()), ("static", 1));
    let report = run()
        .variable("RTX_POLICY", "static")
        .flags(["--policy", "never"])
        .finish()
        .report();
    assert_eq!(report.policy, "never");
}
