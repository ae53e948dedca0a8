//! One question to a job, and its answer.

use rtx_runtime::home::operator::{Reply, Request, Status};
use rtx_runtime::home::pager::LOCAL;
use rtx_runtime::report::Account;
use serde::Serialize;

use super::find::{FindError, jobs, reach, visit};
use super::table::{boards_table, jobs_table};
use crate::boards::BoardAddress;
use crate::errors::{Explain, print};
use crate::program::name_variables_of;

/// The job has refused.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

impl Explain for Refused {
    fn fix(&self) -> Option<String> {
        None
    }
}

/// A job as `rtx jobs --json` shows it.
#[derive(Debug, Serialize)]
pub struct Listed {
    /// The process id of its `rtx-run`.
    pub job: i32,
    /// The program's file.
    pub program: String,
    #[serde(flatten)]
    pub status: Status,
}

/// All jobs of the user.
pub fn list(json: bool) -> Result<String, Box<dyn Explain>> {
    let mut listed = Vec::new();
    let mut silent = Vec::new();
    for (user, pid) in jobs()? {
        let Ok(mut visit) = reach(user, pid) else {
            continue;
        };
        match visit.ask(&Request::Status) {
            Ok(Reply::Status(mut status)) => {
                if json {
                    name_variables_of(&mut status.hot_pages, status.pid);
                }
                let program = std::fs::read_link(format!("/proc/{}/exe", status.pid));
                let program =
                    program.map_or_else(|_| "?".into(), |path| path.display().to_string());
                listed.push(Listed {
                    job: pid,
                    program,
                    status: *status,
                });
            }
            Ok(_) => {}
            Err(source) => silent.push((user, pid, source)),
        }
    }
    if !silent.is_empty() {
        // One that has ended meanwhile is no job any more.
        let there = jobs()?;
        silent.retain(|(user, pid, _)| there.contains(&(*user, *pid)));
    }
    for (_, pid, source) in silent {
        print("rtx", &FindError::Reach { pid, source });
    }
    Ok(match json {
        true => serde_json::to_string_pretty(&listed).expect("a list of plain values") + "\n",
        false => jobs_table(&listed),
    })
}

/// Moves a thread.
pub fn move_thread(job: Option<i32>, tid: i32, to: &str) -> Result<String, Box<dyn Explain>> {
    let board = (to != "home").then(|| to.to_owned());
    ask(job, &Request::Move { tid, board })
}

/// Has a board leave.
pub fn drain(job: Option<i32>, board: String) -> Result<String, Box<dyn Explain>> {
    ask(job, &Request::Drain { board })
}

/// Has a board join.
pub fn add(job: Option<i32>, address: &str) -> Result<String, Box<dyn Explain>> {
    let address = match address {
        LOCAL => LOCAL.to_owned(),
        address => address.parse::<BoardAddress>()?.to_string(),
    };
    ask(job, &Request::Add { address })
}

/// Why threads of a job moved, or did not.
pub fn account(job: Option<i32>) -> Result<Account, Box<dyn Explain>> {
    let (pid, mut visit) = visit(job)?;
    match visit.ask(&Request::Explain) {
        Ok(Reply::Account(account)) => Ok(*account),
        Ok(reply) => Err(unexpected(reply).into()),
        Err(source) => Err(FindError::Reach { pid, source }.into()),
    }
}

/// The boards of a job.
pub fn boards(job: Option<i32>) -> Result<String, Box<dyn Explain>> {
    let (pid, mut visit) = visit(job)?;
    match visit.ask(&Request::Status) {
        Ok(Reply::Status(status)) => Ok(boards_table(&status)),
        Ok(reply) => Err(unexpected(reply).into()),
        Err(source) => Err(FindError::Reach { pid, source }.into()),
    }
}

fn ask(job: Option<i32>, request: &Request) -> Result<String, Box<dyn Explain>> {
    let (pid, mut visit) = visit(job)?;
    match visit.ask(request) {
        Ok(Reply::Done(text)) => Ok(text + "\n"),
        Ok(reply) => Err(unexpected(reply).into()),
        Err(source) => Err(FindError::Reach { pid, source }.into()),
    }
}

/// A reply that is no answer to what was asked.
pub fn unexpected(reply: Reply) -> Refused {
    match reply {
        Reply::Done(text) | Reply::Refused(text) => Refused(text),
        Reply::Status(_) | Reply::Account(_) => Refused("the job answers something else".into()),
    }
}
