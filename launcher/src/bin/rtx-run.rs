//! `rtx-run`: runs a program whose threads can move to other machines.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use rtx_launcher::check::{self, Need};
use rtx_launcher::cli::{self, Request};
use rtx_launcher::errors::{self, Explain};
use rtx_launcher::inherit::Inherit;
use rtx_launcher::{agents, config, descriptors, finish, job, plan};
use rtx_runtime::home::intercept::keeper;

const NAME: &str = "rtx-run";

fn main() -> ExitCode {
    let called = std::env::args_os().next().unwrap_or_default();
    if Path::new(&called).file_name() == Some(agents::BOARD.as_ref()) {
        // One of a job's boards: see `agents`.
        return rtx_runtime::board::command::main(std::env::args_os());
    }
    if called == keeper::NAME {
        // Started by a job's set-up.
        let guest = std::env::args().nth(1).and_then(|pid| pid.parse().ok());
        return keeper::main(guest);
    }
    match run() {
        Ok(status) => status,
        Err(error) => {
            errors::print(NAME, error.as_ref());
            ExitCode::from(error.status())
        }
    }
}

/// Returns only if no program has run; otherwise the process ends as the program did.
fn run() -> Result<ExitCode, Box<dyn Explain>> {
    let inherit = Inherit::captured();
    let flags = match cli::parse(std::env::args_os())? {
        Request::Run(flags) => flags,
        Request::Print(text) => {
            // A reader that went away (| head) has seen enough.
            let _ = std::io::stdout().write_all(text.as_bytes());
            return Ok(ExitCode::SUCCESS);
        }
    };
    let config = config::load(&flags.settings)?;
    let settings = config.settings.clone();
    job::prepare()?;
    let plan = plan::plan(&flags, config, inherit)?;
    finish::check_report(&settings)?;
    let open_files = descriptors::make_room(&plan.boards, settings.is_watched())?;
    check::required(match plan.policy.can_offload() {
        true => Need::Offload,
        false => Need::Supervise,
    })?;
    match job::run(plan, open_files) {
        Ok(outcome) => {
            if let Err(error) = finish::tell(&outcome.report, &settings) {
                // The program's own status is worth more than ours.
                errors::print(NAME, &error);
            }
            if let Some(trouble) = &outcome.trouble {
                errors::print(NAME, trouble);
            }
            finish::end_as(outcome.exit)
        }
        Err(error) => {
            if let Some(report) = error.report() {
                finish::tell(report, &settings)?;
            }
            Err(error.into())
        }
    }
}
