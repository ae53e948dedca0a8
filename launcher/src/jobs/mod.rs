//! What `rtx` asks running jobs: `rtx jobs`, `move`, `drain` and `boards`. [`find`] finds the job, [`ask`] asks it
//! through its door ([`rtx_runtime::home::operator`]) and says what it answers.

mod ask;
mod find;
mod table;

use clap::Subcommand;

use crate::errors::Explain;

pub use ask::{account, unexpected};
pub use find::{FindError, visit};
pub use table::state;

/// Which job is meant.
#[derive(Debug, Clone, clap::Args)]
pub struct Which {
    /// The process id of the job's rtx-run [default: your only job]
    #[arg(long, value_name = "PID")]
    job: Option<i32>,
}

impl Which {
    /// The process id that was given.
    pub fn job(&self) -> Option<i32> {
        self.job
    }
}

/// Commands about running jobs.
#[derive(Debug, Subcommand)]
pub enum JobCommand {
    /// List your running jobs
    Jobs {
        /// Print JSON: what each job's policy sees, and what was decided last
        #[arg(long)]
        json: bool,
    },
    /// Move a thread of a running job
    ///
    /// Returns when the thread runs there. The policy may move it again afterwards; under `--policy manual` only you
    /// do.
    Move {
        #[command(flatten)]
        which: Which,
        /// The thread's id at home, as `ps -L` and `rtx jobs --json` show it
        tid: i32,
        /// A board by its name, address or number, or `home`
        #[arg(value_name = "BOARD|home")]
        to: String,
    },
    /// Have a board leave a running job
    ///
    /// Its threads come home and go to others as the policy wants, its pages come home. Returns when the job does not
    /// need the board any more: the machine can be switched off. Interrupted, it only stops waiting.
    Drain {
        #[command(flatten)]
        which: Which,
        /// Its name, address or number
        board: String,
    },
    /// The boards of a running job
    #[command(subcommand)]
    Boards(BoardsCommand),
}

/// Commands about the boards of a running job.
#[derive(Debug, Subcommand)]
pub enum BoardsCommand {
    /// List them
    List {
        #[command(flatten)]
        which: Which,
    },
    /// Have a board join: an rtx-board that listens at HOST:PORT, or one more on the job's machine
    ///
    /// `local` has rtx-run start an agent on its machine, which ends with the job.
    Add {
        #[command(flatten)]
        which: Which,
        /// Where it listens, or `local`
        #[arg(value_name = "HOST:PORT|local")]
        address: String,
    },
}

/// Runs a command; what is to be printed.
pub fn run(command: JobCommand) -> Result<String, Box<dyn Explain>> {
    match command {
        JobCommand::Jobs { json } => ask::list(json),
        JobCommand::Move { which, tid, to } => ask::move_thread(which.job, tid, &to),
        JobCommand::Drain { which, board } => ask::drain(which.job, board),
        JobCommand::Boards(BoardsCommand::List { which }) => ask::boards(which.job),
        JobCommand::Boards(BoardsCommand::Add { which, address }) => ask::add(which.job, &address),
    }
}
