//! The way to the job: looks on one connection, each order on one of its own, because it may take long.

use std::sync::mpsc::{Receiver, Sender, channel};

use rtx_runtime::home::operator::door::Visit;
use rtx_runtime::home::operator::{Reply, Request, Status};

use super::names::Names;
use crate::errors::line;
use crate::jobs::{FindError, unexpected, visit};

/// Asks one job.
pub struct Asker {
    pid: i32,
    visit: Visit,
    names: Names,
    said: Sender<String>,
    heard: Receiver<String>,
}

impl Asker {
    /// Goes to the job; `names` are of what lies in its pages.
    pub fn to(job: Option<i32>, names: Names) -> Result<Asker, FindError> {
        let (pid, mut visit) = visit(job)?;
        // One that serves as many as it can does not answer.
        visit
            .ask(&Request::Status)
            .map_err(|source| FindError::Reach { pid, source })?;
        let (said, heard) = channel();
        Ok(Asker {
            pid,
            visit,
            names,
            said,
            heard,
        })
    }

    /// The process id of its `rtx-run`.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Where everything is; an error is why the job cannot be watched any more.
    pub fn status(&mut self) -> Result<Status, String> {
        match self.visit.ask(&Request::Status) {
            Ok(Reply::Status(mut status)) => {
                self.names.fill(&mut status);
                Ok(*status)
            }
            Ok(reply) => Err(unexpected(reply).to_string()),
            Err(_) => Err(format!("the job of process {} has ended", self.pid)),
        }
    }

    /// Gives an order; what to say meanwhile. Its answer comes by [`Asker::answer`].
    pub fn order(&self, request: Request) -> String {
        let (pid, said) = (self.pid, self.said.clone());
        let text = words(&request);
        let carry = move || {
            let answer = match visit(Some(pid)) {
                Ok((_, mut visit)) => match visit.ask(&request) {
                    Ok(reply) => unexpected(reply).to_string(),
                    Err(e) => e.to_string(),
                },
                Err(e) => line("rtx", &e),
            };
            // Who has quit does not hear it.
            let _ = said.send(answer);
        };
        match std::thread::Builder::new().spawn(carry) {
            Ok(_) => text,
            Err(e) => format!("cannot start a thread: {e}"),
        }
    }

    /// What has been answered to an order.
    pub fn answer(&self) -> Option<String> {
        self.heard.try_recv().ok()
    }
}

fn words(request: &Request) -> String {
    match request {
        Request::Status | Request::Explain => "looking ...".to_owned(),
        Request::Move { tid, board: None } => format!("thread {tid} is to come home ..."),
        Request::Move {
            tid,
            board: Some(board),
        } => format!("thread {tid} is to go to board {board} ..."),
        Request::Drain { board } => format!("board {board} is to leave ..."),
        Request::Add { address } => format!("board {address} is to join ..."),
    }
}
