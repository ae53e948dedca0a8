//! Where threads are, by function, file and line: for who asks, and when a program dies.

use std::time::Duration;

use nix::sys::signal::Signal;
use rtx_tests::scratch::Scratch;
use rtx_tests::{Guest, Run, Status};

/// The number of the line of `tests/guests/deep.c` that has this text, as it is shown.
fn at(text: &str) -> String {
    let source = include_str!("../../guests/deep.c");
    let index = source.lines().position(|line| line.contains(text));
    format!("deep.c:{}", index.expect("the source has it") + 1)
}

#[test]
fn a_quit_shows_threads_at_home_and_on_boards() {
    let guest = Guest::test("deep");
    let mut run = Run::offloaded(guest.path()).open_input().start();
    run.wait_for_output("ready");
    run.signal(Signal::SIGQUIT);
    for text in [
        " at home: #0 ",
        " main ",
        " listens ",
        " on board 1: #0 ",
        " innermost ",
        " goes_deep ",
        &at("goes_deep(n - 1);"),
        &at("innermost();"),
        " computes ",
        &at("goes_deep(30);"),
    ] {
        run.wait_for_complaint(text);
    }
    // Nothing is used up by that, and nobody is disturbed.
    run.signal(Signal::SIGQUIT);
    run.wait_until("both threads are shown again", |run| {
        let said = run.complaints();
        let twice = |text: &str| said.matches(text).count() == 2;
        (twice(" computes ") && twice(" main ")).then_some(())
    });
    run.write("end\n");
    let outcome = run.finish();
    assert_eq!(outcome.succeeded().stdout(), "ready\ndone\n");
    let said = outcome.stderr();
    assert!(!said.contains("no backtrace"), "{said}");
}

#[test]
fn threads_are_shown_where_nothing_is_offloaded() {
    let guest = Guest::test("deep");
    let mut run = Run::never(guest.path()).open_input().start();
    run.wait_for_output("ready");
    run.signal(Signal::SIGQUIT);
    run.wait_for_complaint(" listens ");
    run.wait_for_complaint(" computes ");
    run.write("end\n");
    assert_eq!(run.finish().succeeded().stdout(), "ready\ndone\n");
}

#[test]
fn a_stripped_program_shows_addresses() {
    let scratch = Scratch::new();
    let program = scratch.program(Guest::test("deep").path(), "deep");
    let mut strip = std::process::Command::new("strip");
    assert!(
        strip
            .arg(&program)
            .status()
            .expect("there is strip")
            .success()
    );
    let mut run = Run::offloaded(&program).open_input().start();
    run.wait_for_output("ready");
    run.signal(Signal::SIGQUIT);
    run.wait_for_complaint(" at home: #0 0x");
    run.wait_for_complaint(" on board 1: #0 0x");
    run.write("end\n");
    let outcome = run.finish();
    assert_eq!(outcome.succeeded().stdout(), "ready\ndone\n");
    let said = outcome.stderr();
    assert!(
        !said.contains("no backtrace") && !said.contains(".c:"),
        "{said}"
    );
}

#[test]
fn a_crash_is_in_the_report() {
    let guest = Guest::test("deep");
    for (who, on_board, functions) in [
        ("child\n", true, &["innermost", "goes_deep", "computes"][..]),
        ("main\n", false, &["ends_badly", "main"]),
    ] {
        let outcome = Run::offloaded(guest.path()).input(who).report().finish();
        outcome.ended_with(Status::Killed(libc::SIGSEGV));
        let crash = outcome.report().crash.expect("it crashed");
        assert_eq!(crash.signal, libc::SIGSEGV);
        assert_eq!(crash.board.is_some(), on_board, "{crash:?}");
        let mut frames = crash.frames.iter();
        for function in functions {
            let frame = frames.find(|f| f.function.as_deref() == Some(function));
            let frame = frame.unwrap_or_else(|| panic!("no {function} in {crash:?}"));
            let file = frame.file.as_deref().unwrap_or_default();
            assert!(
                file.ends_with("deep.c") && frame.line.is_some(),
                "{frame:?}"
            );
        }
        // It is told nowhere else.
        assert_eq!(outcome.stderr(), "");
    }
}

#[test]
fn a_crash_is_told_to_who_wants_to_know() {
    let guest = Guest::test("deep");
    let run = |flags: &[&str]| {
        let run = Run::offloaded(guest.path()).flags(flags.iter().copied());
        let outcome = run.input("child\n").finish();
        outcome.ended_with(Status::Killed(libc::SIGSEGV));
        outcome.stderr()
    };
    assert_eq!(run(&[]), "");
    for flag in ["--verbose", "--summary"] {
        let said = run(&[flag]);
        assert!(said.contains(" died by signal 11 on board "), "{said}");
        assert!(said.contains(&at("*nowhere = 1;")), "{said}");
    }
}

#[test]
fn who_does_not_crash_has_no_crash() {
    let guest = Guest::test("deep");
    let outcome = Run::offloaded(guest.path())
        .input("end\n")
        .report()
        .finish();
    assert!(outcome.succeeded().report().crash.is_none());
}

/// A program of rtx-cc whose thread goes to a board at an equivalence point, as to another instruction set.
fn foreign() -> Run {
    Run::offloaded(Guest::rtx("tests/guests/deep.c").path()).variable("RTX_ONLY_AT_POINTS", "true")
}

#[test]
fn a_quit_shows_a_thread_that_left_at_a_point() {
    let mut run = foreign().open_input().start();
    run.wait_for_output("ready");
    run.wait_until("the thread has come to a board", |run| {
        run.signal(Signal::SIGQUIT);
        std::thread::sleep(Duration::from_millis(200));
        run.complaints().contains(" on board 1: #0 ").then_some(())
    });
    for (function, line) in [
        ("goes_deep", at("innermost();")),
        ("goes_deep", at("goes_deep(n - 1);")),
        ("computes", at("goes_deep(30);")),
    ] {
        run.wait_until("its functions are shown", |run| {
            let said = run.complaints();
            let mut there = said.lines().filter(|line| line.contains(" on board 1: #"));
            let shown =
                |shown: &str| shown.contains(&format!(" {function} ")) && shown.contains(&line);
            there.any(shown).then_some(())
        });
    }
    run.wait_for_complaint(" innermost ");
    run.write("end\n");
    let outcome = run.finish();
    assert_eq!(outcome.succeeded().stdout(), "ready\ndone\n");
    let said = outcome.stderr();
    assert!(!said.contains("no backtrace"), "{said}");
}

#[test]
fn a_crash_of_a_thread_that_left_at_a_point_is_its_own() {
    let mut run = foreign().open_input().report().start();
    run.wait_for_output("ready");
    run.wait_until("the thread has come to a board", |run| {
        run.signal(Signal::SIGQUIT);
        std::thread::sleep(Duration::from_millis(200));
        run.complaints().contains(" on board 1: #0 ").then_some(())
    });
    run.write("child\n");
    let outcome = run.finish();
    outcome.ended_with(Status::Killed(libc::SIGSEGV));
    let crash = outcome.report().crash;
    let crash = crash.unwrap_or_else(|| panic!("no crash is told\n{outcome}"));
    assert_eq!(crash.signal, libc::SIGSEGV);
    assert!(crash.board.is_some(), "{crash:?}\n{outcome}");
    let mut frames = crash.frames.iter();
    for (function, line) in [
        ("innermost", "*nowhere = 1;"),
        ("goes_deep", "innermost();"),
        ("computes", "goes_deep(30);"),
    ] {
        let frame = frames.find(|f| f.function.as_deref() == Some(function));
        let frame = frame.unwrap_or_else(|| panic!("no {function} in {crash:?}"));
        let file = frame.file.as_deref().unwrap_or_default();
        let place = format!("deep.c:{}", frame.line.unwrap_or(0));
        assert!(file.ends_with("deep.c"), "{frame:?}");
        assert_eq!(place, at(line), "{frame:?}");
    }
}
