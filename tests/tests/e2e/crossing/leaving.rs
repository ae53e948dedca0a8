//! Coming home for good: withdrawal and detaching, while threads are where they cannot leave at once.

use std::time::Duration;

use nix::sys::signal::Signal;
use rtx_tests::compare::{natively, unnoticed};
use rtx_tests::procfs::Process;
use rtx_tests::{Guest, Run, Running};

use super::{ONLY_AT_POINTS, crossing, guest};

/// Long enough for all threads to have moved.
const SETTLE: Duration = Duration::from_secs(1);

#[test]
fn programs_withdraw_whatever_their_threads_do_on_boards() {
    let guest = guest("leaves");
    for what in ["computes", "handles", "ends"] {
        let native = natively(&guest, &[what]);
        let report = unnoticed(&native, crossing(&guest, "static", &[what]));
        assert!(report.crossings > 0, "{what}: {report:#?}");
    }
}

fn attached(program: &Running) -> Running {
    let flags = ["--policy", "static", "--boards", "local:2", "--detach"];
    Run::attached(program.pid())
        .flags(flags)
        .variable(ONLY_AT_POINTS, "true")
        .report()
        .start()
}

#[test]
fn a_program_is_joined_and_let_go() {
    let guest = Guest::rtx("tests/guests/rounds.c");
    let mut program = Run::native(guest.path()).open_input().start();
    program.wait_for_output("ready");
    let files = Process::find(program.pid()).expect("it runs").open_files();
    for _ in 0..2 {
        let joined = attached(&program);
        std::thread::sleep(SETTLE);
        joined.signal(Signal::SIGINT);
        let outcome = joined.finish();
        let report = outcome.succeeded().report();
        assert!(report.crossings >= 8, "{outcome}");
    }
    let process = Process::find(program.pid()).expect("it goes on");
    assert!(matches!(process.state, 'R' | 'S'), "{process:?}");
    assert_eq!(process.open_files(), files);
    program.close_input();
    let outcome = program.finish();
    let text = outcome.succeeded().stdout();
    assert!(text.ends_with("every step counted\n"), "{outcome}");
}

#[test]
fn a_program_is_let_go_when_the_last_thread_on_a_board_ends_there() {
    let guest = guest("ends");
    let mut program = Run::native(guest.path()).open_input().start();
    program.wait_for_output("begun");
    let joined = attached(&program);
    joined.wait_until("it is traced", |_| {
        Process::find(program.pid())?.is_traced().then_some(())
    });
    program.write("1");
    program.wait_for_output("ready");
    std::thread::sleep(SETTLE);
    joined.signal(Signal::SIGINT);
    std::thread::sleep(SETTLE / 4);
    program.write("2");
    program.wait_for_output("joined");
    let outcome = joined.finish();
    let report = outcome.succeeded().report();
    assert_eq!(report.crossings, 1, "{outcome}");
    program.close_input();
    program.finish().succeeded();
}
