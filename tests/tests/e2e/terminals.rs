//! At a terminal: keys that send signals, job control of a shell.

use std::time::Duration;

use rtx_tests::{Guest, Run, Running, Status, checkout};

const CTRL_C: &str = "\x03";
const CTRL_Z: &str = "\x1a";
const CTRL_BACKSLASH: &str = "\x1c";

fn at_terminal(run: Run) -> Running {
    let running = run.on_terminal().start();
    running.wait_for_output("ready");
    running
}

/// The terminal sends Ctrl-C to `rtx-run` and to the program; the program gets it once all the same.
fn ctrl_c_arrives_once(run: Run) {
    let mut running = at_terminal(run);
    running.type_keys(CTRL_C);
    running.wait_for_output("got INT 1");
    std::thread::sleep(Duration::from_millis(500));
    running.type_keys(CTRL_C);
    running.wait_for_output("got INT 2");
    std::thread::sleep(Duration::from_millis(500));
    running.type_keys("q\n");
    let outcome = running.finish();
    assert!(
        outcome.succeeded().stdout().contains("total INT 2\n"),
        "{outcome}"
    );
}

#[test]
fn ctrl_c_arrives_once_natively() {
    ctrl_c_arrives_once(Run::native(Guest::test("count_signals").path()));
}

#[test]
fn ctrl_c_arrives_once_when_supervised() {
    ctrl_c_arrives_once(Run::never(Guest::test("count_signals").path()));
}

#[test]
fn ctrl_c_arrives_once_when_offloaded() {
    ctrl_c_arrives_once(Run::offloaded(Guest::test("count_signals").path()));
}

#[test]
fn ctrl_c_ends_a_program_that_does_not_handle_it() {
    let mut running = at_terminal(Run::offloaded(Guest::test("rounds").path()));
    running.type_keys(CTRL_C);
    running.finish().ended_with(Status::Killed(libc::SIGINT));
}

#[test]
fn ctrl_backslash_too() {
    let run = Run::offloaded(Guest::test("rounds").path());
    let mut running = at_terminal(run.before_exec(|| {
        nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0)?;
        Ok(())
    }));
    running.type_keys(CTRL_BACKSLASH);
    running.finish().ended_with(Status::Killed(libc::SIGQUIT));
}

/// Ctrl-Z gives the shell the terminal back; `fg` goes on.
fn job_control(words: &[std::ffi::OsString]) {
    let script = "\"$@\"; echo \"first $?\"; fg >/dev/null; echo \"second $?\"";
    let run = Run::native("sh").args(["-mc", script, "sh"]);
    let mut running = at_terminal(run.args(words.iter().cloned()));
    running.type_keys(CTRL_Z);
    running.wait_for_output("first 148");
    running.wait_for_output("got CONT 1");
    running.type_keys("q\n");
    running.wait_for_output("second 0");
    let outcome = running.finish();
    assert!(outcome.stdout().contains("total CONT 1\n"), "{outcome}");
}

#[test]
fn a_shell_stops_and_continues_a_native_job() {
    job_control(&[Guest::test("count_signals").path().into()]);
}

#[test]
fn a_shell_stops_and_continues_an_offloaded_job() {
    let flags = ["--policy", "static", "--boards", "local:2", "--"];
    let mut words = vec![checkout::binary("rtx-run").into_os_string()];
    words.extend(flags.map(Into::into));
    words.push(Guest::test("count_signals").path().into());
    job_control(&words);
}
