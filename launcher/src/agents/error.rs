//! Why an agent could not be started, and what to do.

use std::io;
use std::path::PathBuf;

use crate::errors::Explain;

/// An agent could not be started.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// On this machine.
    #[error("cannot start a board on this machine")]
    Local(#[source] io::Error),
    /// No secret could be drawn.
    #[error("cannot draw random numbers")]
    Random(#[source] io::Error),
    /// What starts agents there could not be run.
    #[error("cannot run {command} to start board {board}")]
    Command {
        /// `ssh` or `srun`.
        command: &'static str,
        /// The board.
        board: String,
        /// Why.
        source: io::Error,
    },
    /// It did not start there.
    #[error("cannot start board {board}: {why}")]
    Failed {
        /// The board.
        board: String,
        /// What was said there last, or what has happened.
        why: String,
    },
    /// It takes too long.
    #[error("cannot start board {board}: nothing has come of it for {seconds} s")]
    Late {
        /// The board.
        board: String,
        /// How long was waited.
        seconds: u64,
    },
    /// There is no agent for its instruction set.
    #[error("cannot start board {board}: it is an {isa} machine, and there is no '{}'", file.display())]
    NoFile {
        /// The board.
        board: String,
        /// Its instruction set.
        isa: String,
        /// The file that would be sent there.
        file: PathBuf,
    },
}

impl Explain for AgentError {
    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::Local(_) | Self::Random(_) => {
                "Look at the limits of processes and open files: ulimit -a".to_owned()
            }
            Self::Command { command, .. } => format!("Install {command}, or correct PATH"),
            Self::Failed { board, .. } | Self::Late { board, .. } => match board.split_once(':') {
                Some(("ssh", host)) => {
                    format!("Try: ssh -o BatchMode=yes {host} true")
                }
                _ => "Try: srun --overlap true; if it only takes long, set start_timeout_ms".into(),
            },
            Self::NoFile { isa, .. } => {
                format!("Build rtx-board for {isa} and put it there (make board-arm64)")
            }
        })
    }
}
