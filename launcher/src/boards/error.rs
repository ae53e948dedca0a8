//! What can be wrong with a list of boards.

use std::io;
use std::path::PathBuf;

use super::MOST_BOARDS;
use crate::errors::Explain;

/// A list of boards could not be understood.
#[derive(Debug, thiserror::Error)]
pub enum BoardsError {
    /// Nothing was given, or nothing between two commas.
    #[error("the list of boards \"{list}\" has an empty entry")]
    Empty {
        /// The whole list.
        list: String,
    },
    /// `local:` without a usable number.
    #[error("the number of local boards \"{count}\" is not between 1 and {MOST_BOARDS}")]
    Count {
        /// What stands after `local:`.
        count: String,
    },
    /// An entry without a port.
    #[error("the board \"{board}\" has no port")]
    NoPort {
        /// The entry.
        board: String,
    },
    /// An entry whose port is no number from 1 to 65535.
    #[error("the board \"{board}\" has the port \"{port}\", which is not between 1 and 65535")]
    Port {
        /// The entry.
        board: String,
        /// What stands after the last colon.
        port: String,
    },
    /// An entry whose host is empty or has characters that no host has.
    #[error("the board \"{board}\" has no valid host")]
    Host {
        /// The entry.
        board: String,
    },
    /// An entry that is given twice.
    #[error("the board \"{board}\" is given twice")]
    Twice {
        /// The entry.
        board: String,
    },
    /// `local:N` and the like beside other entries.
    #[error("the board \"{board}\" stands beside others")]
    Mixed {
        /// The entry.
        board: String,
    },
    /// More than [`MOST_BOARDS`].
    #[error("{count} boards are more than {MOST_BOARDS}")]
    TooMany {
        /// How many were given.
        count: usize,
    },
    /// `slurm` or `pbs` outside of such a job.
    #[error("{variable} is not set: this is no job of {scheduler}")]
    NoJob {
        /// The variable that the scheduler sets.
        variable: &'static str,
        /// Its name.
        scheduler: &'static str,
    },
    /// SLURM's list of nodes makes no sense.
    #[error("SLURM_JOB_NODELIST \"{list}\": {why}")]
    NodeList {
        /// The list.
        list: String,
        /// What is wrong.
        why: &'static str,
    },
    /// A file with hosts could not be read.
    #[error("cannot read the hosts in '{}'", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line of a file with hosts makes no sense.
    #[error("{}:{line}: {why}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// A file has no hosts.
    #[error("'{}' names no hosts", path.display())]
    NoHosts {
        /// The file.
        path: PathBuf,
    },
}

/// What a list of boards must look like; ends most messages about one.
const FIX: &str = "Give local:N for N boards on this machine, HOST:PORT,HOST:PORT,... for running \
                   rtx-board agents, ssh:HOST,HOST,..., hostfile:FILE, slurm or pbs for agents that \
                   rtx-run starts";

impl Explain for BoardsError {
    fn fix(&self) -> Option<String> {
        let fix = match self {
            Self::NoJob {
                scheduler: "SLURM", ..
            } => "Start rtx-run in a job: salloc or sbatch",
            Self::NoJob { .. } => "Start rtx-run in a job: qsub",
            Self::NodeList { .. } => "Compare it with: scontrol show hostnames",
            Self::Unreadable { .. } => "Check its path, owner and mode",
            Self::Line { .. } | Self::NoHosts { .. } => {
                "A line is HOST [slots=N] [port=N], or a remark after #"
            }
            _ => FIX,
        };
        Some(fix.to_owned())
    }
}
