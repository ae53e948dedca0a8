//! `rtx`: what this machine can do, what policies do, and what jobs do.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rtx_launcher::check::{self, render};
use rtx_launcher::errors::{self, Explain};
use rtx_launcher::jobs::{self, JobCommand};
use rtx_launcher::replay;
use rtx_launcher::top::{self, TopFlags};
use rtx_policies::SpecError;
use rtx_policies::spec;

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
        file: PathBuf,
        /// Another policy, as for rtx-run
        #[arg(long, value_name = "POLICY")]
        policy: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let outcome = match Flags::parse().command {
        Command::Check { json } => Ok(look(json)),
        Command::Policies { name, markdown } => policies(name.as_deref(), markdown),
        Command::Replay { file, policy, json } => again(&file, policy.as_deref(), json),
        Command::Job(command) => jobs::run(command).map(|text| (text, true)),
        Command::Top(flags) => top::run(&flags).map(|text| (text, true)),
    };
    match outcome {
        Ok((text, fine)) => {
            // A reader that went away has seen enough.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::from(u8::from(!fine))
        }
        Err(error) => {
            errors::print("rtx", error.as_ref());
            ExitCode::from(error.status())
        }
    }
}

fn look(json: bool) -> (String, bool) {
    let checked = check::all();
    let text = match json {
        true => render::json(&checked),
        false => render::text(&checked),
    };
    (text, check::passed(&checked))
}

fn policies(name: Option<&str>, markdown: bool) -> Result<(String, bool), Box<dyn Explain>> {
    let text = match name {
        _ if markdown => spec::markdown(),
        None => {
            let all = spec::overview();
            format!("{all}\nrtx policies NAME describes one with its parameters.\n")
        }
        Some(name) => match (
            spec::info(name),
            spec::PRESETS.iter().find(|p| p.name == name),
        ) {
            (Some(policy), _) => spec::describe(policy),
            (None, Some(preset)) => preset.text.to_owned(),
            (None, None) => {
                let name = name.to_owned();
                return Err(NoPolicy(SpecError::Name { name }).into());
            }
        },
    };
    Ok((text, true))
}

fn again(
    file: &Path,
    policy: Option<&str>,
    json: bool,
) -> Result<(String, bool), Box<dyn Explain>> {
    let replayed = replay::run(file, policy)?;
    let text = match json {
        true => serde_json::to_string_pretty(&replayed).expect("plain data") + "\n",
        false => replayed.text(),
    };
    Ok((text, !replayed.failed()))
}

/// There is no policy of this name.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct NoPolicy(SpecError);

impl Explain for NoPolicy {
    fn fix(&self) -> Option<String> {
        // The message lists the known ones.
        None
    }
}
