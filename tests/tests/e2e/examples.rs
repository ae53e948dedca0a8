//! Every example prints the same natively, supervised and offloaded.

use std::path::PathBuf;

use rtx_tests::compare::everywhere;
use rtx_tests::{Guest, Run, Status, checkout, examples};

fn check(name: &str) {
    let guest = Guest::example(name);
    let short = examples::named(name).short;
    let runs = everywhere(guest.path(), |run| run.args(short.iter().copied()));
    runs.native.succeeded();
    let report = runs.offloaded.report();
    let threads = report.children();
    assert_eq!(threads.len(), 4, "{threads:?}");
    assert!(
        threads.iter().all(|thread| thread.offloads > 0),
        "{threads:?}"
    );
}

macro_rules! examples {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*
    };
}

examples!(
    blackscholes,
    matmul,
    multireader,
    multiwriter,
    pipeline,
    printer,
    singlewriter,
    stackshare,
    stencil,
    textsearch,
);

const SOURCES: [&str; 3] = ["matmul.c", "stencil.c", "common.h"];

fn sources() -> [PathBuf; 3] {
    SOURCES.map(|name| checkout::root().join("examples").join(name))
}

#[test]
fn text_in_files_is_searched() {
    let guest = Guest::example("textsearch");
    let arguments = ["--pattern", "pthread", "--threads", "3"];
    everywhere(guest.path(), |run| run.args(arguments).args(sources()))
        .native
        .succeeded();
}

#[test]
fn many_patterns_are_each_found_as_often_as_alone() {
    let guest = Guest::example("textsearch");
    // More than are checked at a time.
    let after = |c| ["e", "t", " ", ";"].map(|d| format!("{c}{d}"));
    let patterns: Vec<String> = ('a'..='r').flat_map(after).collect();
    let lines = patterns.join("\n");
    let arguments = ["--pattern", &lines, "--threads", "3"];
    let all = everywhere(guest.path(), |run| run.args(arguments).args(sources()));
    let all = all.native.succeeded().stdout();
    for pattern in &patterns {
        let run = Run::native(guest.path()).args(["--pattern", pattern]);
        let alone = run.args(sources()).finish().succeeded().stdout();
        for line in alone.lines().take(SOURCES.len()) {
            let (file, found) = line.split_once(": ").expect("FILE: FOUND");
            let line = format!("{file}: \"{pattern}\": {found}");
            assert!(all.lines().any(|l| l == line), "{line} is missing:\n{all}");
        }
    }
}

#[test]
fn an_empty_pattern_is_refused() {
    let guest = Guest::example("textsearch");
    for (pattern, why) in [("", "not be empty"), ("the\n\nsea", "not have empty lines")] {
        let run = Run::native(guest.path()).args(["--pattern", pattern]);
        let run = run.finish();
        run.ended_with(Status::Exited(2));
        let said = run.one_line_on_stderr();
        assert!(
            said.contains(&format!("--pattern must {why}; see")),
            "{said}"
        );
    }
}

#[test]
fn padded_sharing_is_the_same_too() {
    for name in ["multiwriter", "multireader", "singlewriter"] {
        let short = examples::named(name).short;
        let arrange = |run: Run| run.args(short.iter().copied()).args(["--padded"]);
        everywhere(Guest::example(name).path(), arrange)
            .native
            .succeeded();
    }
}
