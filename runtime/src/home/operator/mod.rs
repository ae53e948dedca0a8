//! What an operator asks of a running job: where its threads are, to move one, to let a board leave and to
//! have another join. The words are [`Request`] and [`Reply`], one line of JSON each.
//!
//! ```text
//! rtx move | drain | boards | top | explain -> [`door`] (a socket) -> supervisor -> [`orders`]: carried out step by step
//!                                 <- Reply                <-----------------'
//! ```

mod carry_out;
pub mod door;
mod joining;
mod orders;
pub mod status;

use std::sync::mpsc::Sender;

use serde::{Deserialize, Serialize};

use crate::guest::ptrace::Tid;
use crate::report::Account;

pub use orders::Orders;
pub use status::Status;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Tell where everything is.
    Status,
    /// Tell where threads were when, and why.
    Explain,
    /// Move a thread to a board; to none: home.
    Move { tid: Tid, board: Option<String> },
    /// Have all threads and pages of a board come home, and let it go.
    Drain { board: String },
    /// Take a board, where its agent listens; [`LOCAL`](super::pager::LOCAL): one more on this machine.
    Add { address: String },
}

/// What is answered, when it is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// It is done; in words.
    Done(String),
    /// It cannot be done; why.
    Refused(String),
    /// Where everything is.
    Status(Box<Status>),
    /// Where threads were when, and why.
    Account(Box<Account>),
}

/// A request on its way to the supervisor, and who waits for the answer.
pub struct Asked {
    pub request: Request,
    pub reply: Sender<Reply>,
}
