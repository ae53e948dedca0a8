//! Finding a job: by the process id of its `rtx-run`, or the only one of the user.

use std::io;

use nix::unistd::{Uid, getuid};
use rtx_runtime::home::operator::door::{self, Visit};

use crate::errors::Explain;

/// A job cannot be found or reached.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The list of sockets cannot be read.
    #[error("cannot look for jobs")]
    List(#[source] io::Error),
    /// There is none.
    #[error("you have no running job")]
    None,
    /// There are several.
    #[error("you have several running jobs: {0}")]
    Several(String),
    /// There is none with this process id.
    #[error("process {0} is no rtx-run with a job of yours")]
    Unknown(i32),
    /// It is there, but cannot be asked.
    #[error("cannot reach the job of process {pid}")]
    Reach {
        /// Of its `rtx-run`.
        pid: i32,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Explain for FindError {
    fn fix(&self) -> Option<String> {
        match self {
            Self::None | Self::Unknown(_) => Some(
                "Jobs are seen by their own user and by root, in the network namespace in which they were started: \
                 rtx jobs"
                    .to_owned(),
            ),
            Self::Several(_) => Some("Name one: --job PID, or rtx explain PID".to_owned()),
            Self::List(_) | Self::Reach { .. } => None,
        }
    }
}

/// The jobs of this user; root sees those of all.
pub fn jobs() -> Result<Vec<(Uid, i32)>, FindError> {
    let mut jobs = door::all().map_err(FindError::List)?;
    jobs.retain(|(user, _)| getuid().is_root() || *user == getuid());
    Ok(jobs)
}

/// Goes to the job that is meant; also tells its process id.
pub fn visit(pid: Option<i32>) -> Result<(i32, Visit), FindError> {
    let mut jobs = jobs()?;
    if let Some(pid) = pid {
        jobs.retain(|(_, job)| *job == pid);
    }
    match (jobs[..].as_ref(), pid) {
        ([], Some(pid)) => Err(FindError::Unknown(pid)),
        ([], None) => Err(FindError::None),
        ([(user, pid)], _) => reach(*user, *pid).map(|visit| (*pid, visit)),
        (several, _) => {
            let pids: Vec<String> = several.iter().map(|(_, pid)| pid.to_string()).collect();
            Err(FindError::Several(pids.join(", ")))
        }
    }
}

/// Goes to a job.
pub fn reach(user: Uid, pid: i32) -> Result<Visit, FindError> {
    Visit::to(user, pid).map_err(|source| FindError::Reach { pid, source })
}
