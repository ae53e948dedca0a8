//! Signals sent to `rtx-run` reach the program, each once.

use std::time::Duration;

use nix::sys::signal::Signal;
use rtx_tests::procfs::Process;
use rtx_tests::{Guest, Outcome, Run, Running};

const PASSED_ON: [(Signal, &str); 7] = [
    (Signal::SIGINT, "INT"),
    (Signal::SIGTERM, "TERM"),
    (Signal::SIGHUP, "HUP"),
    (Signal::SIGUSR1, "USR1"),
    (Signal::SIGUSR2, "USR2"),
    (Signal::SIGWINCH, "WINCH"),
    (Signal::SIGCONT, "CONT"),
];

fn start(run: fn(&std::path::Path) -> Run) -> Running {
    let guest = Guest::test("count_signals");
    let running = run(guest.path()).open_input().start();
    running.wait_for_output("ready");
    running
}

/// Ends the guest, which then writes its totals.
fn end(mut running: Running) -> Outcome {
    // A signal that is delivered twice may take its time.
    std::thread::sleep(Duration::from_millis(300));
    running.write("q");
    let outcome = running.finish();
    outcome.succeeded();
    outcome
}

fn each_signal_arrives_once(run: fn(&std::path::Path) -> Run) {
    let running = start(run);
    for (signal, name) in PASSED_ON {
        running.signal(signal);
        running.wait_for_output(&format!("got {name} 1\n"));
    }
    let outcome = end(running);
    for (_, name) in PASSED_ON {
        assert_eq!(
            outcome
                .stdout()
                .matches(&format!("total {name} 1\n"))
                .count(),
            1,
            "{outcome}"
        );
    }
}

#[test]
fn each_arrives_once_when_supervised() {
    each_signal_arrives_once(|program| Run::never(program));
}

#[test]
fn each_arrives_once_when_offloaded() {
    each_signal_arrives_once(|program| Run::offloaded(program));
}

#[test]
fn many_arrive_one_by_one() {
    let running = start(|program| Run::offloaded(program));
    for count in 1..=30 {
        running.signal(Signal::SIGUSR1);
        running.wait_for_output(&format!("got USR1 {count}\n"));
    }
    let outcome = end(running);
    assert!(outcome.stdout().contains("total USR1 30\n"), "{outcome}");
}

#[test]
fn a_signal_the_program_does_not_handle_ends_both() {
    let guest = Guest::test("rounds");
    for (signal, number) in [
        (Signal::SIGTERM, libc::SIGTERM),
        (Signal::SIGINT, libc::SIGINT),
    ] {
        let running = Run::offloaded(guest.path()).open_input().start();
        running.wait_for_output("ready");
        running.signal(signal);
        running
            .finish()
            .ended_with(rtx_tests::Status::Killed(number));
    }
}

#[test]
fn handlers_in_offloaded_threads() {
    let guest = Guest::test("handlers");
    rtx_tests::compare::everywhere(guest.path(), |run| run)
        .native
        .succeeded();
}

/// Processor time that a run's processes have used, in clock ticks.
fn ticks(processes: &[Process]) -> u64 {
    let used = |process: &Process| -> Option<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.pid)).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
    };
    processes.iter().filter_map(used).sum()
}

#[test]
fn a_stop_stops_everything_and_goes_on() {
    let guest = Guest::test("count_signals");
    let running = Run::offloaded(guest.path()).as_job().open_input().start();
    running.wait_for_output("ready");
    running.signal(Signal::SIGTSTP);
    running.wait_until("rtx-run has stopped", |run| {
        Process::find(run.pid()).filter(|process| process.state == 'T')
    });
    std::thread::sleep(Duration::from_millis(200));
    let before = ticks(&running.processes());
    std::thread::sleep(Duration::from_secs(1));
    let used = ticks(&running.processes()) - before;
    assert!(
        used <= 10,
        "the stopped program used {used} ticks in a second"
    );
    running.signal(Signal::SIGCONT);
    running.wait_for_output("got CONT 1\n");
    let outcome = end(running);
    assert!(outcome.stdout().contains("total CONT 1\n"), "{outcome}");
    assert!(outcome.stdout().contains("computed\n"), "{outcome}");
}
