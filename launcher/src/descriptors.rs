//! Descriptors of `rtx-run` itself: it takes what the hard limit gives, asks before anything runs whether
//! that is enough, and starts the program with the limit that was.

use rtx_runtime::guest::descriptors::{Limit, TooFew, room};

use crate::boards::Board;
use crate::errors::Explain;

/// What a job without boards opens: pipes of its signals, its clock, operators, what it reads of `/proc`.
const SUPERVISED: u64 = 32;
/// What a job with boards opens (`docs/limits.md`).
const OFFLOADED: u64 = 56;
/// What each board adds: its connections, each twice if they go to another machine, and the pipes of an agent that is
/// started.
const EACH_BOARD: u64 = 6;
/// What those add who watch the job: a file of events, and a socket with those who fetch metrics.
const WATCHED: u64 = 8;

/// `rtx-run` may not open enough descriptors.
#[derive(Debug, thiserror::Error)]
pub enum DescriptorsError {
    /// The limit cannot be read or raised.
    #[error("cannot set the limit on open files")]
    Limit(#[source] std::io::Error),
    /// It is too low.
    #[error(transparent)]
    TooFew(#[from] TooFew),
}

impl Explain for DescriptorsError {
    fn fix(&self) -> Option<String> {
        match self {
            Self::Limit(_) => None,
            Self::TooFew(few) => Some(format!("Raise the limit: ulimit -n {}", few.needed)),
        }
    }
}

/// Makes room for a job with these boards, that is `watched` or not. Returns the limit with which the program
/// is to be started.
pub fn make_room(boards: &[Board], watched: bool) -> Result<Limit, DescriptorsError> {
    let limit = Limit::raise().map_err(DescriptorsError::Limit)?;
    let job = match boards.len() as u64 {
        0 => SUPERVISED,
        count => OFFLOADED + EACH_BOARD * count,
    };
    room(job + if watched { WATCHED } else { 0 })?;
    Ok(limit)
}
