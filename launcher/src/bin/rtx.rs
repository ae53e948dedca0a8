//! `rtx`: what this machine can do, and what its jobs do.

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rtx_launcher::check::{self, render};
use rtx_launcher::errors::{self, Explain};
use rtx_launcher::jobs::{self, JobCommand};
use rtx_launcher::top::{self, TopFlags};

/// Look after rtx on this machine, and after running jobs.
#[derive(Parser)]
#[command(name = "rtx", version)]
struct Flags {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Try what this machine can do, and say what to change
    ///
    /// Every probe is really executed, as the user who runs the command. The exit status is 0 if
    /// all that is required is there, else 1.
    Check {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    #[command(flatten)]
    Job(JobCommand),
    Top(TopFlags),
}

fn main() -> ExitCode {
    let (text, status) = match Flags::parse().command {
        Command::Check { json } => {
            let checked = check::all();
            let text = match json {
                true => render::json(&checked),
                false => render::text(&checked),
            };
            (text, u8::from(!check::passed(&checked)))
        }
        Command::Job(command) => match jobs::run(command) {
            Ok(text) => (text, 0),
            Err(error) => return failed(error.as_ref()),
        },
        Command::Top(flags) => match top::run(&flags) {
            Ok(text) => (text, 0),
            Err(error) => return failed(error.as_ref()),
        },
    };
    // A reader that went away has seen enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::from(status)
}

fn failed(error: &dyn Explain) -> ExitCode {
    errors::print("rtx", error);
    ExitCode::from(error.status())
}
