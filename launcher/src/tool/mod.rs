//! The command `rtx`: what this machine and its boards can do, what policies do, what jobs do and have done.
//!
//! [`Flags`] is its definition; each command has a module here, but for those whose work is elsewhere:
//! `rtx check` ([`check`](crate::check)), `rtx jobs`, `move`, `drain` and `boards` ([`jobs`](crate::jobs)),
//! `rtx top` ([`top`](crate::top)). [`commands`] has the definitions of all commands of rtx, of which [`manual`] makes
//! manual pages and completions.

mod config;
mod manual;
mod plan;
mod policies;
mod report;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use rtx_runtime::report::Account;

use crate::check::{self, render};
use crate::cli::{self, SettingFlags};
use crate::errors::{self, Explain};
use crate::jobs::{self, JobCommand};
use crate::top::{self, TopFlags};

const NAME: &str = "rtx";

/// Look after rtx on this machine, and after jobs.
#[derive(Parser)]
#[command(name = "rtx", version)]
pub struct Flags {
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
    /// Print all settings, and where each comes from
    ///
    /// The flags are those that rtx-run would be given.
    Config {
        /// Print them (there is nothing else to do)
        #[arg(long)]
        show: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: Box<SettingFlags>,
    },
    /// Say what a run would use, without running anything
    ///
    /// Boards are started and reached as rtx-run would do it. The exit status is 0 if rtx-run
    /// would begin, else the one with which it would refuse.
    Plan(Box<plan::Flags>),
    /// List the policies, or describe one with its parameters
    Policies {
        /// The one to describe
        name: Option<String>,
        /// All tables, as in docs/policies.md
        #[arg(long, conflicts_with = "name")]
        markdown: bool,
    },
    /// Have a policy decide on what rtx-run --record has recorded
    ///
    /// Without --policy it is the recorded one, which must decide the same again: if it does not, the
    /// differences are shown, and the exit status is 1.
    Replay {
        /// The recording
        #[arg(value_hint = clap::ValueHint::FilePath)]
        file: std::path::PathBuf,
        /// Another policy, as for rtx-run
        #[arg(long, value_name = "POLICY")]
        policy: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    #[command(flatten)]
    Job(JobCommand),
    Top(TopFlags),
    /// Make a page of a report of rtx-run
    ///
    /// One HTML file, which needs nothing else: where threads were when, load, how long things
    /// took, and the pages that nodes took from each other.
    Report {
        /// The report, from rtx-run --report
        #[arg(value_name = "REPORT", value_hint = clap::ValueHint::FilePath)]
        report: std::path::PathBuf,
        /// Where the page goes
        #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
        output: std::path::PathBuf,
    },
    /// Say why each thread moved, or did not
    ///
    /// Of a report, when the job is over, or of a job that runs: what has become of its threads until now, and what kept those
    /// at home that are there.
    Explain {
        /// The report, from rtx-run --report, or the process id of a job's rtx-run [default: your only job]
        #[arg(value_name = "REPORT|JOB", value_hint = clap::ValueHint::FilePath)]
        of: Option<std::path::PathBuf>,
        /// Only this thread
        #[arg(long, value_name = "TID")]
        thread: Option<i32>,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
        /// For which command
        #[arg(long, value_name = "COMMAND", default_value = NAME,
              value_parser = ["rtx-run", "rtx", "rtx-board"])]
        of: String,
    },
    /// Write the manual pages of all commands
    Man {
        /// Into this directory
        #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
        directory: std::path::PathBuf,
    },
}

/// The definitions of all commands, named as their files are.
pub fn commands() -> [clap::Command; 3] {
    [
        cli::Flags::command(),
        Flags::command(),
        rtx_runtime::board::command::definition(),
    ]
}

/// What there is to explain: of a file, or of a job.
fn account(of: Option<&Path>) -> Result<Account, Box<dyn Explain>> {
    let job = of.filter(|path| !path.exists());
    let job = job.and_then(|path| path.to_str()?.parse().ok());
    match (of, job) {
        (Some(path), None) => Ok(Account::from(report::read(path)?)),
        (_, job) => jobs::account(job),
    }
}

/// Runs the command.
pub fn main() -> ExitCode {
    match run(Flags::parse()) {
        Ok(status) => status,
        Err(error) => {
            errors::print(NAME, error.as_ref());
            ExitCode::from(error.status())
        }
    }
}

fn run(flags: Flags) -> Result<ExitCode, Box<dyn Explain>> {
    let mut status = ExitCode::SUCCESS;
    let text = match flags.command {
        Command::Check { json } => {
            let checked = check::all();
            status = ExitCode::from(u8::from(!check::passed(&checked)));
            match json {
                true => render::json(&checked),
                false => render::text(&checked),
            }
        }
        Command::Config { json, settings, .. } => config::show(&settings, json)?,
        Command::Plan(flags) => {
            let (text, would) = plan::show(*flags)?;
            status = ExitCode::from(would);
            text
        }
        Command::Policies { name, markdown } => policies::show(name.as_deref(), markdown)?,
        Command::Replay { file, policy, json } => {
            let (text, same) = policies::replay(&file, policy.as_deref(), json)?;
            status = ExitCode::from(u8::from(!same));
            text
        }
        Command::Job(command) => jobs::run(command)?,
        Command::Top(flags) => top::run(&flags)?,
        Command::Report { report, output } => {
            report::write(&output, &report::page(&report::read(&report)?))?;
            String::new()
        }
        Command::Explain { of, thread } => report::explain(&account(of.as_deref())?, thread)?,
        Command::Completions { shell, of } => manual::completions(shell, &of),
        Command::Man { directory } => {
            manual::pages(&directory)?;
            String::new()
        }
    };
    // A reader that went away has seen enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(status)
}
