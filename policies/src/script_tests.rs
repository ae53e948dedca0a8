//! What scripts see, may do, and are told when they are wrong.

use super::*;
use crate::testing::{board, moves, thread, to};
use crate::{Action, Power, Pressure};

fn snapshot() -> Snapshot {
    let mut snapshot = Snapshot {
        time_ms: 1500,
        measured: true,
        boards: vec![board(1), board(2)],
        threads: (1..=4).map(thread).collect(),
        ..Snapshot::default()
    };
    snapshot.threads[3].place = Place::Board(2);
    snapshot.home.pressure = Some(Pressure {
        avg10: 12.5,
        total_us: 77,
    });
    snapshot.home.power = Some(Power::default());
    snapshot
}

fn script(source: &str) -> Script {
    Script::new("mine.rhai", source)
}

/// What is complained of when `source` decides.
fn complaint(source: &str) -> String {
    let mut script = script(source);
    let decisions = script.decide(&snapshot());
    assert_eq!(moves(&decisions), [(4, Action::Recall)], "{source}");
    script.complaint().expect("a complaint")
}

#[test]
fn the_snapshot_has_its_own_names() {
    let mut script = script(
        r#"
        fn decide(s) {
            if s.time_ms != 1500 || s.boards[1].cores != 4 || s.home.pressure.avg10 != 12.5 { throw "figures"; }
            if s.boards[0].pressure != () || s.home.memory_free != () { throw "told"; }
            if s.threads[0].place != "home" || s.threads[3].place != 2 { throw "place"; }
            if s.threads[1].state != "running" || s.threads[1].name != "t2" { throw "thread"; }
            [
                #{ tid: 2, to: 1, reason: "a" },
                #{ tid: 4, to: "home", reason: "b" },
                #{ tid: 2, to: 2, reason: "again" },
                #{ tid: 1, to: 1, reason: "main" },
                #{ tid: 3, to: 9, reason: "no such board" },
            ]
        }"#,
    );
    let decisions = script.decide(&snapshot());
    assert_eq!(script.complaint(), None);
    assert_eq!(moves(&decisions), [(2, to(1)), (4, Action::Recall)]);
    assert_eq!(decisions[0].reason, "a");
}

#[test]
fn a_script_keeps_what_it_knows_in_this() {
    let mut script = script(
        r#"
        fn tick_ms() { 250 }
        fn decide(s) {
            if this.looks == () { this.looks = 0; }
            this.looks += 1;
            if this.looks == 2 { [#{ tid: 3, to: 1, reason: `look ${this.looks}` }] } else { [] }
        }"#,
    );
    assert_eq!(script.complaint(), None);
    assert_eq!(script.wants_ticks(), Some(Duration::from_millis(250)));
    assert_eq!(script.decide(&snapshot()), []);
    assert_eq!(script.decide(&snapshot())[0].reason, "look 2");
}

#[test]
fn errors_tell_the_line_and_the_column() {
    let cases = [
        ("fn decide(s) {\n  let x = ;\n}", "policy mine.rhai:2:11: "),
        (
            "fn decide(s) {\n  []\n}\n\nlet y = (",
            "policy mine.rhai:5:",
        ),
        (
            "fn decide(s) {\n  let x = 1;\n  x.nonsense();\n  []\n}",
            "policy mine.rhai:3:5: Function not found",
        ),
        (
            "fn help(x) {\n  x / 0\n}\nfn decide(s) {\n  help(1);\n  []\n}",
            "policy mine.rhai:2:5: ",
        ),
        (
            "fn decide(s) { throw \"no\" }",
            "policy mine.rhai:1:16: Runtime error: no",
        ),
        (
            "fn decide() { [] }",
            "policy mine.rhai: there is no function decide(snapshot)",
        ),
        (
            "fn decide(s) { 7 }",
            "policy mine.rhai: decide(snapshot) must give a list",
        ),
        (
            "fn decide(s) { [#{ tid: 2, to: 1 }] }",
            "policy mine.rhai: decision 1 of decide(snapshot) has no reason",
        ),
        (
            "fn decide(s) { [#{ tid: 2, to: 1000, reason: \"x\" }] }",
            "policy mine.rhai: decision 1 of decide(snapshot) goes to 1000",
        ),
        (
            "fn tick_ms() { 1 }\nfn decide(s) { [] }",
            "policy mine.rhai: tick_ms() is 1",
        ),
    ];
    for (source, expected) in cases {
        let complaint = complaint(source);
        assert!(complaint.starts_with(expected), "{source}: {complaint}");
        assert!(
            complaint.ends_with(". The job goes on under policy never"),
            "{complaint}"
        );
    }
}

#[test]
fn nothing_but_the_snapshot_is_within_reach_and_nothing_goes_on_for_ever() {
    for (what, expected) in [
        ("loop {}", "Too many operations"),
        ("let a = []; loop { a.push(1); }", "too large"),
        ("let t = \"x\"; loop { t += t; }", "too large"),
        (
            "let m = #{}; let i = 0; loop { m[`k${i}`] = \"0123456789\"; i += 1; }",
            "o",
        ),
        ("timestamp()", "Function not found"),
        ("sleep(1)", "must not sleep"),
        ("sleep(0.5)", "must not sleep"),
        ("eval(\"1\")", "eval"),
        ("import \"x\" as y;", ""),
        ("open_file(\"/etc/passwd\")", "Function not found"),
        ("rand()", "Function not found"),
        ("decide(s)", "tack overflow"),
    ] {
        let complaint = complaint(&format!("fn decide(s) {{ {what} }}"));
        assert!(complaint.contains(expected), "{what}: {complaint}");
    }
}

#[test]
fn after_an_error_threads_come_home_and_it_is_told_once() {
    let mut script = script("fn decide(s) { throw \"x\" }");
    for look in 0..3 {
        assert_eq!(moves(&script.decide(&snapshot())), [(4, Action::Recall)]);
        assert_eq!(script.complaint().is_some(), look == 0);
    }
}
