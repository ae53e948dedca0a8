//! Descriptors of `rtx-run` itself: it takes what the hard limit gives, asks before anything runs whether
//! that is enough, and starts the program with the limit that was.

use rtx_runtime::guest::descriptors::{Limit, TooFew, room};

use crate::boards::BoardsSpec;
use crate::errors::Explain;

/// What a job without boards opens: pipes of its signals, its clock, operators, what it reads of `/proc`.
const SUPERVISED: u64 = 32;
/// What a job with boards opens (`docs/limits.md`).
const OFFLOADED: u64 = 56;
/// What each board adds: its connections, and the pipe of a local one.
const EACH_BOARD: u64 = 4;

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

/// Makes room for a job with these boards. Returns the limit with which the program is to be started.
pub fn make_room(boards: &BoardsSpec) -> Result<Limit, DescriptorsError> {
    let limit = Limit::raise().map_err(DescriptorsError::Limit)?;
    room(match boards {
        BoardsSpec::None => SUPERVISED,
        BoardsSpec::Local(count) => OFFLOADED + EACH_BOARD * u64::from(*count),
        BoardsSpec::Remote(boards) => OFFLOADED + EACH_BOARD * boards.len() as u64,
    })?;
    Ok(limit)
}
