//! What a run left: how it ended, what it wrote, what is still there.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use crate::report::Report;
use crate::scratch::Scratch;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// By itself, with this status.
    Exited(i32),
    /// By this signal.
    Killed(i32),
}

impl From<ExitStatus> for Status {
    fn from(status: ExitStatus) -> Self {
        let signal = status.signal().map(Self::Killed);
        signal.unwrap_or_else(|| Self::Exited(status.code().expect("neither exit nor signal")))
    }
}

/// A run that has ended.
pub struct Outcome {
    pub(crate) command: String,
    pub(crate) status: Status,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) wall: Duration,
    pub(crate) leaks: Vec<String>,
    pub(crate) scratch: Scratch,
}

impl Outcome {
    /// How it ended.
    pub fn status(&self) -> Status {
        self.status
    }

    /// What it wrote to stdout, byte by byte.
    pub fn stdout_bytes(&self) -> &[u8] {
        &self.stdout
    }

    /// What it wrote to stdout.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// What it wrote to stderr.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// From its start to its end.
    pub fn wall(&self) -> Duration {
        self.wall
    }

    /// What it left behind, in words.
    pub fn leaks(&self) -> &[String] {
        &self.leaks
    }

    /// Its working directory, unless it asked for another.
    pub fn work(&self) -> std::path::PathBuf {
        self.scratch.work()
    }

    /// The report it was asked for with [`crate::Run::report`].
    pub fn report(&self) -> Report {
        Report::read(self.report_path().as_ref())
    }

    /// Where that report is.
    pub fn report_path(&self) -> impl AsRef<Path> + use<> {
        self.scratch.path(REPORT)
    }

    /// Fails unless it ended with status 0.
    #[track_caller]
    pub fn succeeded(&self) -> &Self {
        self.ended_with(Status::Exited(0))
    }

    /// Fails unless it ended like this.
    #[track_caller]
    pub fn ended_with(&self, status: Status) -> &Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// Fails unless stderr has exactly one line; answers it.
    #[track_caller]
    pub fn one_line_on_stderr(&self) -> String {
        let text = self.stderr();
        assert!(
            text.ends_with('\n') && text.lines().count() == 1,
            "not one line on stderr\n{self}"
        );
        text.trim_end().to_owned()
    }

    /// The number after `NAME: ` at the beginning of a line of stdout.
    #[track_caller]
    pub fn number(&self, name: &str) -> f64 {
        let prefix = format!("{name}: ");
        let text = self.stdout();
        let value = text.lines().find_map(|line| line.strip_prefix(&prefix));
        let number = value.and_then(|value| value.split_whitespace().next()?.parse().ok());
        number.unwrap_or_else(|| panic!("no number {name}\n{self}"))
    }
}

/// The report's name in the run's directory.
pub(crate) const REPORT: &str = "report.json";

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (status, wall) = (self.status, self.wall);
        write!(
            f,
            "--- {}\n--- ended: {status:?} after {wall:.2?}\n--- stdout:\n{}--- stderr:\n{}---",
            self.command,
            shortened(&self.stdout),
            shortened(&self.stderr)
        )
    }
}

/// Output for people: long output without its middle.
pub(crate) fn shortened(bytes: &[u8]) -> String {
    const HALF: usize = 4000;
    if bytes.len() <= 2 * HALF {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let (begin, end) = (&bytes[..HALF], &bytes[bytes.len() - HALF..]);
    format!(
        "{}\n[... {} bytes ...]\n{}",
        String::from_utf8_lossy(begin),
        bytes.len() - 2 * HALF,
        String::from_utf8_lossy(end)
    )
}
