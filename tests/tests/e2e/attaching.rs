//! `rtx-run --pid`: to a program that runs already, and away from it again.

use std::time::Duration;

use nix::sys::signal::Signal;
use rtx_tests::procfs::Process;
use rtx_tests::{Guest, Run, Running, Status};

const STATIC: [&str; 4] = ["--policy", "static", "--boards", "local:2"];

fn computing() -> Running {
    let running = Run::native(Guest::test("rounds").path())
        .open_input()
        .start();
    running.wait_for_output("ready");
    running
}

fn end(mut running: Running) {
    running.close_input();
    let outcome = running.finish();
    assert!(
        outcome
            .succeeded()
            .stdout()
            .ends_with("every step counted\n"),
        "{outcome}"
    );
}

#[test]
fn a_program_is_joined_and_let_go() {
    let program = computing();
    let files = Process::find(program.pid()).expect("it runs").open_files();
    for _ in 0..2 {
        let run = Run::attached(program.pid())
            .flags(STATIC)
            .flags(["--detach"]);
        let attached = run.report().start();
        attached.wait_for_threads_on_boards(4);
        std::thread::sleep(Duration::from_secs(1));
        attached.signal(Signal::SIGINT);
        let outcome = attached.finish();
        let report = outcome.succeeded().report();
        assert!(report.offloads() >= 4, "{outcome}");
        assert!(
            report.threads.iter().any(|thread| thread.board_s > 0.1),
            "{report:#?}"
        );
    }
    // It is as before: no tracer, no descriptor more, and its threads go on.
    let process = Process::find(program.pid()).expect("it goes on");
    assert!(matches!(process.state, 'R' | 'S'), "{process:?}");
    assert_eq!(process.open_files(), files);
    end(program);
}

#[test]
fn a_program_ends_while_joined() {
    let program = computing();
    let attached = Run::attached(program.pid()).flags(STATIC).start();
    std::thread::sleep(Duration::from_secs(1));
    end(program);
    attached.finish().succeeded();
}

#[test]
fn ctrl_c_without_detach_goes_to_the_program() {
    let program = computing();
    let attached = Run::attached(program.pid()).flags(STATIC).start();
    std::thread::sleep(Duration::from_secs(1));
    attached.signal(Signal::SIGINT);
    program.finish().ended_with(Status::Killed(libc::SIGINT));
    attached.finish().ended_with(Status::Killed(libc::SIGINT));
}

#[test]
fn a_process_that_is_not_there() {
    let outcome = Run::attached(i32::MAX).flags(STATIC).finish();
    outcome.ended_with(Status::Exited(125));
    assert!(
        outcome.one_line_on_stderr().contains("no such process"),
        "{outcome}"
    );
}

#[test]
fn a_program_whose_first_thread_has_ended() {
    let program = Run::native(Guest::test("main_first").path())
        .args(["wait"])
        .open_input()
        .start();
    program.wait_until("its first thread has ended", |program| {
        let first = Process::find(program.pid())?;
        (first.state == 'Z').then_some(())
    });
    let outcome = Run::attached(program.pid()).flags(STATIC).finish();
    outcome.ended_with(Status::Exited(125));
    let line = outcome.one_line_on_stderr();
    assert!(line.contains("its first thread has ended"), "{line}");
    assert!(line.contains("start it with rtx-run"), "{line}");
    let mut program = program;
    program.close_input();
    program.finish().succeeded();
}
