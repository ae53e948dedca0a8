//! Describing a run: a program, natively or under `rtx-run`, and its surroundings.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, setpgid, setsid};

use crate::checkout;
use crate::leaks::MARKER;
use crate::outcome::{Outcome, REPORT};
use crate::pty::{Pty, take_terminal};
use crate::running::{Running, Surroundings};
use crate::scratch::Scratch;

/// Long enough for a busy machine, short enough for a test that hangs.
const TIMEOUT: Duration = Duration::from_secs(120);

type BeforeExec = Box<dyn FnMut() -> io::Result<()> + Send + Sync>;

/// What a run reads from.
enum Input {
    Nothing,
    Bytes(Vec<u8>),
    Open,
}

/// A run to come.
pub struct Run {
    program: OsString,
    args: Vec<OsString>,
    /// The flags of `rtx-run`; `None`: natively.
    flags: Option<Vec<OsString>>,
    attach: bool,
    variables: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
    input: Input,
    terminal: bool,
    own_session: bool,
    before_exec: Option<BeforeExec>,
    pub(crate) timeout: Duration,
    pub(crate) may_leak: bool,
}

impl Run {
    /// A run of any program without `rtx-run`.
    pub fn native(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            flags: None,
            attach: false,
            variables: Vec::new(),
            directory: None,
            input: Input::Nothing,
            terminal: false,
            own_session: true,
            before_exec: None,
            timeout: TIMEOUT,
            may_leak: false,
        }
    }

    /// A run under `rtx-run`, without any flags.
    pub fn supervised(program: impl AsRef<OsStr>) -> Self {
        let mut run = Self::native(program);
        run.flags = Some(Vec::new());
        run
    }

    /// A run under `rtx-run --policy never`.
    pub fn never(program: impl AsRef<OsStr>) -> Self {
        Self::supervised(program).flags(["--policy", "never"])
    }

    /// A run under `rtx-run --policy static --boards local:2`.
    pub fn offloaded(program: impl AsRef<OsStr>) -> Self {
        Self::supervised(program).flags(["--policy", "static", "--boards", "local:2"])
    }

    /// `rtx-run --pid PID`, without further flags.
    pub fn attached(pid: i32) -> Self {
        let mut run = Self::supervised("").flags(["--pid".to_owned(), pid.to_string()]);
        run.attach = true;
        run
    }

    /// Adds flags of `rtx-run`.
    pub fn flags<F: Into<OsString>>(mut self, flags: impl IntoIterator<Item = F>) -> Self {
        let all = self.flags.as_mut().expect("a native run has no flags");
        all.extend(flags.into_iter().map(Into::into));
        self
    }

    /// Adds arguments of the program.
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable in the environment.
    pub fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables
            .push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Sets the working directory; the default is an empty directory of the run's own.
    pub fn directory(mut self, path: impl AsRef<Path>) -> Self {
        self.directory = Some(path.as_ref().to_owned());
        self
    }

    /// Standard input holds these bytes; the default is none.
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Input::Bytes(bytes.into());
        self
    }

    /// Standard input is a pipe that [`Running::write`] fills.
    pub fn open_input(mut self) -> Self {
        self.input = Input::Open;
        self
    }

    /// The standard streams are a terminal, the controlling one; stdout and stderr are what appears
    /// on it.
    pub fn on_terminal(mut self) -> Self {
        self.terminal = true;
        self
    }

    /// The run leads a process group in our session, as a job of a shell does, not a session: only
    /// then does a stop signal of the terminal stop it.
    pub fn as_job(mut self) -> Self {
        self.own_session = false;
        self
    }

    /// Done in the new process before it executes. May only do what is allowed between fork and
    /// exec: system calls, no allocation.
    pub fn before_exec<F>(mut self, action: F) -> Self
    where
        F: FnMut() -> io::Result<()> + Send + Sync + 'static,
    {
        self.before_exec = Some(Box::new(action));
        self
    }

    /// How long it may take; then it is killed and the test fails.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// What it leaves behind does not fail the test.
    pub fn leaky(mut self) -> Self {
        self.may_leak = true;
        self
    }

    /// Asks `rtx-run` for a report.
    pub fn report(self) -> Self {
        self.flags(["--report", REPORT_VARIABLE])
    }

    /// Starts it.
    pub fn start(mut self) -> Running {
        let scratch = Scratch::new();
        let mut command = self.command(&scratch);
        let own_session = self.own_session;
        let on_terminal = self.terminal;
        let mut before_exec = self.before_exec.take();
        let prepare = move || {
            match own_session {
                true => setsid().map(drop)?,
                false => setpgid(Pid::from_raw(0), Pid::from_raw(0))?,
            }
            // A run does not outlive whoever wants its result.
            set_pdeathsig(Signal::SIGKILL)?;
            if on_terminal {
                take_terminal()?;
            }
            before_exec.as_mut().map_or(Ok(()), |action| action())
        };
        // SAFETY: it only makes system calls, and so do the actions that tests give us.
        unsafe { command.pre_exec(prepare) };
        let pty = self.terminal.then(|| {
            let pty = Pty::new();
            pty.give_to(&mut command);
            pty
        });
        let surroundings = Surroundings {
            pty,
            scratch,
            timeout: self.timeout,
            may_leak: self.may_leak,
        };
        let mut running = Running::start(command, surroundings);
        match self.input {
            Input::Bytes(bytes) => running.feed(bytes),
            Input::Nothing if !self.terminal => running.close_input(),
            _ => {}
        }
        running
    }

    /// Starts it and waits for its end.
    pub fn finish(self) -> Outcome {
        self.start().finish()
    }

    fn command(&self, scratch: &Scratch) -> Command {
        let mut command = match &self.flags {
            None => Command::new(&self.program),
            Some(flags) => {
                let mut command = Command::new(checkout::binary("rtx-run"));
                let report = scratch.path(REPORT).into_os_string();
                command.args(flags.iter().map(|flag| match flag == REPORT_VARIABLE {
                    true => &report,
                    false => flag,
                }));
                if !self.attach {
                    command.arg("--").arg(&self.program);
                }
                command
            }
        };
        // Settings of the tester's must not reach rtx-run.
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"RTX_") {
                command.env_remove(name);
            }
        }
        command
            .args(&self.args)
            .env(MARKER, scratch.id())
            .env("TMPDIR", scratch.tmp())
            // Nor must the files of theirs: there is no directory. The same for all runs, as programs show it.
            .env("XDG_CONFIG_HOME", "/dev/null")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.directory.clone().unwrap_or_else(|| scratch.work()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

/// Stands for the path of the report until the run has a directory.
const REPORT_VARIABLE: &str = "@report";
