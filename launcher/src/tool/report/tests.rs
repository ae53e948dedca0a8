//! Pages and sentences of a report.

use rtx_runtime::report::timeline::{Note, RefusedReport, Sample, StayReport, Timeline};
use rtx_runtime::report::{
    Account, BoardReport, HotPage, Percentiles, RecallCause, Refusal, ThreadReport,
};

use super::svg::{escaped, ticks};
use super::*;
use crate::errors::line;

fn report() -> Report {
    let text = format!(
        r#"{{"schema": "{SCHEMA}", "program": "<app>", "args": ["a&b"],
        "exit": {{"code": 3, "signal": null}}, "wall_s": 4.0, "policy": "static", "boards": [],
        "threads": [], "calls": [], "recall_causes": {{}},
        "pages": {{"read": 1, "write": 2, "upgrade": 3, "invalidated": 4, "prefetched": 5,
                   "zero": 6, "bytes": 7}},
        "latency_us": {{"fault": {none}, "freeze": {none}, "offload": {none},
                        "back_migration": {none}}}}}"#,
        none = r#"{"p50": 0.0, "p90": 0.0, "p99": 0.0, "max": 0.0, "count": 0}"#
    );
    let mut report: Report = serde_json::from_str(&text).expect("a report of the first version");
    report.boards = vec![BoardReport {
        name: "b\"1".to_owned(),
        ..BoardReport::default()
    }];
    report.threads = [7, 8, 9]
        .map(|tid| ThreadReport {
            tid,
            offloads: u64::from(tid == 7) * 2,
            ..ThreadReport::default()
        })
        .to_vec();
    let stay = |tid, node: &str, from_s, to_s| StayReport {
        tid,
        node: node.to_owned(),
        from_s,
        to_s,
        why: String::new(),
        cause: None,
        recall: None,
        goes_on: false,
    };
    report.timeline = Timeline {
        stays: vec![
            stay(7, "home", 0.0, 1.0),
            StayReport {
                why: "home is full".to_owned(),
                cause: Some(RecallCause::NativeCall),
                ..stay(7, "b\"1", 1.0, 2.5)
            },
            StayReport {
                why: "home is full".to_owned(),
                cause: Some(RecallCause::Policy),
                recall: Some("home is idle".to_owned()),
                ..stay(7, "b\"1", 3.0, 3.5)
            },
            stay(8, "home", 0.5, 4.0),
            stay(9, "home", 0.5, 4.0),
        ],
        stays_left_out: 0,
        events_left_out: 5,
        load: [0.0, 1.0, 2.0]
            .map(|t_s| Sample {
                t_s,
                threads: [("home".to_owned(), 2)].into(),
                pages: (t_s * 50.0) as u64,
                bytes: 0,
            })
            .to_vec(),
        refused: vec![RefusedReport {
            tid: 8,
            reason: Refusal::Blocked,
            times: 2,
            last_s: 1.5,
        }],
        notes: vec![Note {
            t_s: 3.9,
            text: "the program stays at home".to_owned(),
        }],
    };
    report.latency_us.fault = Percentiles {
        p50: 60.0,
        count: 12,
        ..Percentiles::default()
    };
    report.histograms_us.fault = vec![(63.999, 10), (255.999, 2)];
    report.hot_pages = vec![HotPage {
        address: 0x5000,
        switches: 99,
        threads: vec![7, 8],
        symbols: vec!["counter".to_owned()],
        line: Some("app.c:3".to_owned()),
        ..HotPage::default()
    }];
    report
}

/// Every tag that is opened is closed, in order; what is in them is escaped.
fn is_well_formed(html: &str) {
    let mut open = Vec::new();
    for piece in html.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').expect("a tag ends");
        let name = tag.split([' ', '/']).find(|name| !name.is_empty());
        let name = name.expect("a tag has a name");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "</{name}> in {open:?}");
        } else if !(tag.ends_with('/') || matches!(name, "!DOCTYPE" | "meta")) {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<&str>::new());
}

#[test]
fn the_page_is_whole_and_needs_nothing() {
    let html = page(&report());
    is_well_formed(&html);
    for word in [
        "&lt;app&gt; a&amp;b",
        "exited with 3 after 4.00 s",
        "thread 7 at b&quot;1 from 1.00 s for 1.50 s; went there: home is full",
        "came home: home is idle",
        "5 events were left out",
        "the program stays at home",
        "<td>counter</td><td>app.c:3</td>",
        "0x5000",
        "<td>7, 8</td>",
        "10 of up to 64 us",
        "12 times, half within 60 us",
        "<polyline",
        "<polygon",
    ] {
        assert!(html.contains(word), "no {word} in\n{html}");
    }
    for foreign in ["<script", "src=\"", "href=", "url(", "@import"] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    let links = html.matches("http").count() - html.matches("http-equiv").count();
    let names = html.matches("xmlns=\"http://www.w3.org/2000/svg\"").count();
    assert_eq!(links, names, "an address that is no name of a form");
}

#[test]
fn a_report_without_a_timeline_has_a_page_too() {
    let mut report = report();
    report.timeline = Timeline::default();
    report.hot_pages.clear();
    report.wall_s = 0.0;
    let html = page(&report);
    is_well_formed(&html);
    assert!(html.contains("The report does not tell."));
    assert!(!html.contains("NaN") && !html.contains("inf"));
}

#[test]
fn each_thread_is_explained() {
    let text = explain(&report().into(), None).expect("explained");
    let expected = "\
Thread 7, from 0 us on: it went to boards 2 times.
  After 1.00 s it went to b\"1 because home is full, for 1.50 s. It came home: it is about to make a system call that only the thread itself can make at home: clone, fork, exec, exit and others of the table.
  After 3.00 s it went to b\"1 because home is full, for 500.0 ms. It came home because the policy wanted it: home is idle.
Thread 8, from 500.0 ms on: it never left home. The policy wanted it on a board and it stayed, 2 times, at last after 1.50 s: it waited in a system call.
Thread 9, from 500.0 ms on: it never left home. The policy static did not want it on a board.
After 3.90 s: the program stays at home.
5 events were left out, because they came too fast: what is told here may be wrong.
";
    assert_eq!(text, expected);
    let one = explain(&report().into(), Some(9)).expect("explained");
    assert!(
        one.starts_with("Thread 9, ") && !one.contains("Thread 8"),
        "{one}"
    );
    let error = explain(&report().into(), Some(1)).expect_err("unknown");
    assert_eq!(error.to_string(), "there is nothing to tell of a thread 1");
}

#[test]
fn a_job_that_runs_is_explained() {
    let mut account = Account::from(report());
    let [_, left, .., ended] = &mut account.timeline.stays[..] else {
        panic!("as above");
    };
    (left.cause, left.goes_on) = (None, true);
    ended.why = "no board had room".to_owned();
    account.timeline.refused.clear();
    account.stays.insert(8, "home was not crowded".to_owned());
    let text = explain(&account, None).expect("explained");
    for told in [
        "After 1.00 s it went to b\"1 because home is full, for 1.50 s. It is still there.",
        "Thread 8, from 500.0 ms on: it never left home. At the last look the policy static left it there because home was not crowded.",
        "Thread 9, from 500.0 ms on: it never left home. At the last look the policy static left it there because no board had room.",
    ] {
        assert!(text.contains(told), "{text}");
    }
}

#[test]
fn what_is_no_report_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("r.json");
    let told = |text: &str| {
        fs::write(&path, text).expect("written");
        let error = read(&path).expect_err("no report");
        line("rtx", &error).replace(&path.display().to_string(), "FILE")
    };
    let line_of = told("{");
    assert!(
        line_of.starts_with("rtx: 'FILE' is no report of rtx-run: "),
        "{line_of}"
    );
    assert!(told("[]").starts_with("rtx: 'FILE' is no report of rtx-run: "));
    let expected = "rtx: 'FILE' is a report in the form \"rtx.report.v9\", this version reads \
                    \"rtx.report.v1\". Use the version of rtx that has written it";
    assert_eq!(told("{\"schema\": \"rtx.report.v9\"}"), expected);
    let error = read(&directory.path().join("none")).expect_err("no file");
    assert!(line("rtx", &error).contains("cannot read the report '"));
}

#[test]
fn axes_have_round_numbers() {
    assert_eq!(ticks(4.0), [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]);
    assert_eq!(ticks(10.0).len(), 11);
    assert_eq!(ticks(f64::NAN), [0.0]);
    for end in [1e-9, 0.3, 7.0, 99.0, 1e12] {
        assert!((2..=11).contains(&ticks(end).len()), "{end}");
    }
    assert_eq!(escaped("a\n\u{1b}<"), "a \u{fffd}&lt;");
}
