//! A run in progress.

use std::io::Write;
use std::path::Path;
use std::process::{Child, ChildStdin, Command};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::capture::Capture;
use crate::checkout;
use crate::leaks::{self, Identity, MARKER};
use crate::outcome::{Outcome, shortened};
use crate::pidfd::PidFd;
use crate::procfs::Process;
use crate::pty::Pty;
use crate::run::Run;
use crate::scratch::Scratch;

/// How long a stream may stay open after the end of the run: whoever holds it then is a leak.
const STREAM_GRACE: Duration = Duration::from_secs(5);

/// What a keeper calls itself.
const KEEPER: &str = "rtx-keeper";

/// How long a test waits until something is so.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Surroundings {
    pub(crate) pty: Option<Pty>,
    pub(crate) scratch: Scratch,
    pub(crate) timeout: Duration,
    pub(crate) may_leak: bool,
}

/// A run in progress. Everything of it is killed if this is dropped before it has finished.
pub struct Running {
    child: Child,
    pidfd: PidFd,
    begin: Instant,
    command: String,
    input: Option<ChildStdin>,
    stdout: Capture,
    stderr: Capture,
    identity: Identity,
    surroundings: Option<Surroundings>,
}

impl Running {
    pub(crate) fn start(mut command: Command, mut surroundings: Surroundings) -> Self {
        let shown = format!("{command:?}");
        let begin = Instant::now();
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {shown}: {error}"));
        drop(command);
        let (stdout, stderr) = match &mut surroundings.pty {
            Some(pty) => {
                pty.given();
                (
                    Capture::start(pty.screen()),
                    Capture::start(std::io::empty()),
                )
            }
            None => (
                Capture::start(child.stdout.take().expect("a pipe")),
                Capture::start(child.stderr.take().expect("a pipe")),
            ),
        };
        let pid = number_of(&child);
        Self {
            pidfd: PidFd::open(pid).expect("our child is there"),
            begin,
            command: shown,
            input: child.stdin.take(),
            stdout,
            stderr,
            identity: Identity {
                leader: pid,
                variable: format!("{MARKER}={}", surroundings.scratch.id()),
            },
            child,
            surroundings: Some(surroundings),
        }
    }

    /// The process that was started: `rtx-run`, or natively the guest.
    pub fn pid(&self) -> i32 {
        number_of(&self.child)
    }

    /// All living processes of the run.
    pub fn processes(&self) -> Vec<Process> {
        self.identity.processes()
    }

    /// The child of `rtx-run` that executes this program.
    #[track_caller]
    pub fn guest(&self, program: impl AsRef<Path>) -> Process {
        let is_guest = |process: &Process| {
            process.parent == self.pid() && process.program().as_deref() == Some(program.as_ref())
        };
        self.wait_until("the guest runs", |run| {
            run.processes().into_iter().find(is_guest)
        })
    }

    /// The boards that `rtx-run` started: its children that execute a command of rtx, but for the
    /// guest's keeper.
    pub fn boards(&self) -> Vec<Process> {
        let commands = ["rtx-run", "rtx-board"].map(checkout::binary);
        let mut processes = self.processes();
        processes.retain(|process| {
            let program = process.program();
            process.parent == self.pid()
                && process.name != KEEPER
                && program.is_some_and(|path| commands.contains(&path))
        });
        processes
    }

    /// The keepers of the run's programs: they receive calls that are intercepted.
    pub fn keepers(&self) -> Vec<Process> {
        let mut processes = self.processes();
        processes.retain(|process| process.name == KEEPER);
        processes
    }

    /// The replicas of these boards: processes that they started and that execute a file in memory. (To find out
    /// about their machine they start others, for a moment.)
    pub fn replicas(&self, boards: &[Process]) -> Vec<Process> {
        let mut processes = self.processes();
        processes.retain(|process| {
            let ours = boards.iter().any(|board| process.parent == board.pid);
            ours && process.name.parse::<u32>().is_ok()
        });
        processes
    }

    /// What `rtx jobs --json` says of the job of this run; `None`: it is not listed.
    #[track_caller]
    pub fn listed(&self) -> Option<serde_json::Value> {
        let rtx = Run::native(checkout::binary("rtx")).args(["jobs", "--json"]);
        let text = rtx.finish().succeeded().stdout();
        let jobs: Vec<serde_json::Value> = serde_json::from_str(&text).expect("a list");
        jobs.into_iter().find(|job| job["job"] == self.pid())
    }

    /// Waits until as many threads of the job are on boards.
    #[track_caller]
    pub fn wait_for_threads_on_boards(&self, threads: u64) {
        self.wait_until("the threads are on boards", |run| {
            let job = run.listed()?;
            let boards = job["snapshot"]["boards"].as_array()?;
            let there = boards.iter().filter_map(|board| board["threads"].as_u64());
            (there.sum::<u64>() >= threads).then_some(())
        });
    }

    /// Sends a signal to the process that was started.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).expect("it is our child, not yet reaped");
    }

    /// Types on the run's terminal.
    pub fn type_keys(&mut self, keys: &str) {
        let surroundings = self.surroundings.as_mut();
        let pty = surroundings.and_then(|surroundings| surroundings.pty.as_mut());
        pty.expect("the run is on a terminal").type_keys(keys);
    }

    /// Writes to its standard input.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        let input = self.input.as_mut().expect("the input is open");
        input.write_all(bytes.as_ref()).expect("it reads its input");
        input.flush().expect("it reads its input");
    }

    /// Ends its standard input.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// Writes all of this to its standard input and ends it, beside what else happens.
    pub(crate) fn feed(&mut self, bytes: Vec<u8>) {
        let mut input = self.input.take().expect("the input is open");
        // It may end without reading everything.
        std::thread::spawn(move || drop(input.write_all(&bytes)));
    }

    /// Waits until it has written this text to stdout.
    #[track_caller]
    pub fn wait_for_output(&self, text: &str) {
        self.wait_for_output_within(text, PATIENCE);
    }

    /// The same with a limit of one's own.
    #[track_caller]
    pub fn wait_for_output_within(&self, text: &str, limit: Duration) {
        let left = self.limit().saturating_sub(self.begin.elapsed());
        if !self.stdout.wait_for(text, limit.min(left)) {
            panic!("\"{text}\" did not appear on stdout\n{}", self.state());
        }
    }

    /// Waits until it has written this text to stderr.
    #[track_caller]
    pub fn wait_for_complaint(&self, text: &str) {
        if !self.stderr.wait_for(text, PATIENCE) {
            panic!("\"{text}\" did not appear on stderr\n{}", self.state());
        }
    }

    /// What is on stderr so far.
    pub fn complaints(&self) -> String {
        String::from_utf8_lossy(&self.stderr.bytes()).into_owned()
    }

    /// Waits until something is so.
    #[track_caller]
    pub fn wait_until<T>(&self, what: &str, check: impl Fn(&Self) -> Option<T>) -> T {
        let begin = Instant::now();
        loop {
            if let Some(answer) = check(self) {
                return answer;
            }
            let ended = self.pidfd.wait(Duration::from_millis(5));
            if ended || begin.elapsed() > PATIENCE {
                panic!("waited in vain until {what}\n{}", self.state());
            }
        }
    }

    /// Waits for its end.
    #[track_caller]
    pub fn finish(mut self) -> Outcome {
        let left = self.limit().saturating_sub(self.begin.elapsed());
        if !self.pidfd.wait(left) {
            panic!("still running after {:?}\n{}", self.limit(), self.state());
        }
        let wall = self.begin.elapsed();
        let status = self.child.wait().expect("it is our child");
        let surroundings = self.surroundings.take().expect("not yet finished");
        let mut leaks = leaks::find(&self.identity, &surroundings.scratch);
        if !leaks.is_empty() {
            self.identity.kill();
        }
        for (name, stream) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !stream.wait_for_end(STREAM_GRACE) {
                leaks.push(format!("somebody who holds {name} open"));
            }
        }
        let outcome = Outcome {
            command: std::mem::take(&mut self.command),
            status: status.into(),
            stdout: self.stdout.bytes(),
            stderr: self.stderr.bytes(),
            wall,
            leaks,
            scratch: surroundings.scratch,
        };
        if !surroundings.may_leak {
            assert!(
                outcome.leaks.is_empty(),
                "left behind: {:?}\n{outcome}",
                outcome.leaks
            );
        }
        outcome
    }

    fn limit(&self) -> Duration {
        let surroundings = self.surroundings.as_ref();
        surroundings.map_or(Duration::ZERO, |surroundings| surroundings.timeout)
    }

    /// What can be said about it now.
    fn state(&self) -> String {
        let processes = self.processes();
        let processes: Vec<String> = processes.iter().map(leaks::describe).collect();
        format!(
            "--- {}\n--- processes:\n{}\n--- stdout:\n{}--- stderr:\n{}---",
            self.command,
            processes.join("\n"),
            shortened(&self.stdout.bytes()),
            shortened(&self.stderr.bytes())
        )
    }
}

fn number_of(child: &Child) -> i32 {
    i32::try_from(child.id()).expect("process numbers are small")
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.surroundings.is_some() {
            self.identity.kill();
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Status;

    #[test]
    fn a_run_has_output_and_a_status() {
        let script = "cat; echo error >&2; exit 3";
        let outcome = Run::native("sh")
            .args(["-c", script])
            .input("in\n")
            .finish();
        outcome.ended_with(Status::Exited(3));
        assert_eq!(
            (outcome.stdout(), outcome.stderr()),
            ("in\n".into(), "error\n".into())
        );
        assert_eq!(outcome.one_line_on_stderr(), "error");
    }

    #[test]
    fn a_signal_is_told_from_a_status() {
        let mut run = Run::native("cat").open_input().start();
        run.write("there\n");
        run.wait_for_output("there");
        run.signal(Signal::SIGTERM);
        run.finish().ended_with(Status::Killed(libc::SIGTERM));
    }

    #[test]
    #[should_panic(expected = "still running after")]
    fn a_run_that_hangs_fails() {
        let limit = Duration::from_millis(100);
        Run::native("sleep").args(["100"]).timeout(limit).finish();
    }

    #[test]
    fn a_terminal_is_one() {
        let mut run = Run::native("cat").on_terminal().start();
        run.type_keys("x\n");
        // The terminal's echo, then cat's.
        run.wait_for_output("x\nx\n");
        run.type_keys("\x03");
        run.finish().ended_with(Status::Killed(libc::SIGINT));
    }
}
