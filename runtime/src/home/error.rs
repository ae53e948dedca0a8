//! Why a job could not run, or could not go on.

use std::io;

use crate::guest::equip::EquipError;
use crate::guest::launch::LaunchError;
use crate::guest::ptrace::Tid;

/// Ends a job besides its program.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The program could not be started.
    #[error("cannot start the program")]
    Launch(#[source] LaunchError),
    /// A running program could not be attached to.
    #[error("cannot attach to process {pid}")]
    Attach {
        /// The process.
        pid: Tid,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A process that runs already has memory where a board of another ISA cannot have it.
    #[error(
        "process {pid} has memory at addresses that board {board} ({isa}) does not have; start the program with rtx-run, \
         or leave such boards out"
    )]
    Beyond {
        /// The process.
        pid: Tid,
        /// The board.
        board: String,
        /// Its instruction set.
        isa: String,
    },
    /// The kernel refused something it should not.
    #[error("cannot {0}")]
    Kernel(&'static str, #[source] io::Error),
    /// The guest could not be set up for sharing.
    #[error("cannot prepare the program's memory for sharing")]
    Setup(#[source] EquipError),
    /// A board could not be reached or refused.
    #[error("{0}")]
    Board(String),
    /// A board that held threads or pages is gone.
    #[error(
        "board {name} was lost ({reason}) while it held {}; the program was ended, its output so far is incomplete",
        held(threads, *pages)
    )]
    BoardLost {
        /// Its name.
        name: String,
        /// How it was noticed.
        reason: String,
        /// The threads it ran.
        threads: Vec<Tid>,
        /// Pages only it held.
        pages: usize,
    },
    /// A process cannot be made from a thread whose registers are of another ISA.
    #[error(
        "thread {tid} calls {call} on a board of another instruction set, from a function that cannot come home \
         before; see what rtx-cc inspect says of the functions below which it calls that, or leave such boards out"
    )]
    ForeignCopy {
        /// The thread.
        tid: Tid,
        /// The call.
        call: String,
    },
    /// Memory that boards cannot have, used by a thread that cannot come home in the middle of an instruction.
    #[error(
        "thread {tid} uses memory at {address:#x} on a board of another instruction set, which boards cannot have \
         (mapped shared, or a device's), and cannot come home at this instruction; leave such boards out"
    )]
    ForeignMemory {
        /// The thread.
        tid: Tid,
        /// Where.
        address: u64,
    },
    /// Code that the program made for home's instruction set, called by a thread that is elsewhere.
    #[error(
        "thread {tid} calls code at {address:#x} that the program made at run time, on a board of another instruction \
         set than home's, for which it made it; leave such boards out"
    )]
    ForeignCode {
        /// The thread.
        tid: Tid,
        /// Where.
        address: u64,
    },
    /// A call after which a program stays at home, from a thread that cannot come home in the middle of it.
    #[error(
        "the program uses {what}, for which all its threads must be at home, and {} cannot come home from a \
         board of another instruction set where it is; leave such boards out",
        held(tids, 0)
    )]
    ForeignBeyond {
        /// What the program begins.
        what: &'static str,
        /// Who cannot.
        tids: Vec<Tid>,
    },
    /// The thread that serves pages failed.
    #[error("the program's memory can no longer be kept coherent: {0}")]
    Pager(String),
}

fn held(threads: &[Tid], pages: usize) -> String {
    let pages = match pages {
        0 => String::new(),
        1 => "1 page".into(),
        n => format!("{n} pages"),
    };
    if threads.is_empty() {
        return pages;
    }
    let list: Vec<String> = threads.iter().map(Tid::to_string).collect();
    let noun = if threads.len() == 1 {
        "thread"
    } else {
        "threads"
    };
    let and = if pages.is_empty() { "" } else { " and " };
    format!("{noun} {}{and}{pages}", list.join(", "))
}

impl JobError {
    /// The exit status rtx-run ends with.
    pub fn exit_code(&self) -> i32 {
        match self {
            JobError::BoardLost { .. } => 75,
            JobError::Launch(LaunchError::Exec(_, e)) if e.kind() == io::ErrorKind::NotFound => 127,
            JobError::Launch(LaunchError::Exec(..)) => 126,
            _ => 125,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_board_is_named_with_what_it_held() {
        let error = JobError::BoardLost {
            name: "b1".into(),
            reason: "connection closed".into(),
            threads: vec![7, 8],
            pages: 3,
        };
        let text = error.to_string();
        assert!(
            text.contains("board b1 was lost (connection closed)"),
            "{text}"
        );
        assert!(text.contains("threads 7, 8 and 3 pages"), "{text}");
        assert_eq!(error.exit_code(), 75);
    }
}
