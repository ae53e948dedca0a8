//! Running other programs.

use std::io;
use std::process::{Command, Stdio};

/// Why a program that rtx-cc runs did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It cannot be started.
    #[error("cannot run {program}")]
    Start {
        /// The program.
        program: String,
        #[source]
        /// What the system says.
        error: io::Error,
    },
    /// It failed; what it said, if it was not shown yet.
    #[error("{program} failed{}{said}", if said.is_empty() { "" } else { ": " })]
    Failed {
        /// The program.
        program: String,
        /// Its standard error output, shortened.
        said: String,
    },
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

fn start(command: &Command) -> impl FnOnce(io::Error) -> RunError + use<> {
    let program = name(command);
    move |error| RunError::Start { program, error }
}

/// Runs a program to its end, silently unless it fails.
///
/// # Errors
/// When it cannot be started or fails.
pub fn run(command: &mut Command) -> Result<(), RunError> {
    output(command).map(drop)
}

/// Runs a program and returns what it prints.
///
/// # Errors
/// When it cannot be started or fails.
pub fn output(command: &mut Command) -> Result<String, RunError> {
    let result = command
        .stdin(Stdio::null())
        .output()
        .map_err(start(command))?;
    if result.status.success() {
        return Ok(String::from_utf8_lossy(&result.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&result.stderr);
    let lines: Vec<&str> = said.trim_end().lines().collect();
    let last = lines[lines.len().saturating_sub(40)..].join("\n");
    Err(RunError::Failed {
        program: name(command),
        said: last,
    })
}

/// Runs a program that talks to the user itself.
///
/// # Errors
/// When it cannot be started or fails.
pub fn visibly(command: &mut Command) -> Result<(), RunError> {
    let status = command.status().map_err(start(command))?;
    if status.success() {
        return Ok(());
    }
    Err(RunError::Failed {
        program: name(command),
        said: String::new(),
    })
}
