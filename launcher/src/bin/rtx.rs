//! `rtx`: what this machine can do.

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rtx_launcher::check::{self, render};

/// Look after rtx on this machine.
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
}

fn main() -> ExitCode {
    let Command::Check { json } = Flags::parse().command;
    let checked = check::all();
    let text = match json {
        true => render::json(&checked),
        false => render::text(&checked),
    };
    // A reader that went away has seen enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::from(u8::from(!check::passed(&checked)))
}
