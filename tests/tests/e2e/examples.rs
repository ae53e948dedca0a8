//! Every example prints the same natively, supervised and offloaded.

use rtx_tests::compare::everywhere;
use rtx_tests::{Guest, examples};

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

#[test]
fn text_in_files_is_searched() {
    let guest = Guest::example("textsearch");
    let sources = ["matmul.c", "stencil.c", "common.h"];
    let files = sources.map(|name| rtx_tests::checkout::root().join("examples").join(name));
    let arguments = ["--pattern", "pthread", "--threads", "3"];
    everywhere(guest.path(), |run| run.args(arguments).args(files.clone()))
        .native
        .succeeded();
}

#[test]
fn padded_sharing_is_the_same_too() {
    for name in ["multiwriter", "multireader", "singlewriter"] {
        let short = examples::named(name).short;
        let arrange = |run: rtx_tests::Run| run.args(short.iter().copied()).args(["--padded"]);
        everywhere(Guest::example(name).path(), arrange)
            .native
            .succeeded();
    }
}
