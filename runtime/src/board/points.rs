//! Asking threads of a program of rtx-cc to leave at their next equivalence point
//! (docs/continuations.md, "Asking a thread to leave").

use super::session::{Session, SessionEnd};
use crate::continuations::requests::Requests;
use crate::guest::ptrace::Tid;
use crate::memory::remote;
use crate::report::chain;
use crate::wire::message::Points;

/// Who is asked, and where the program looks.
#[derive(Default)]
pub(super) struct Asking {
    /// `None`: the program has no equivalence points.
    pub points: Option<Points>,
    requests: Requests<Tid>,
}

impl Asking {
    /// Whether the threads are of another ISA than home.
    pub fn foreign(&self) -> bool {
        self.points.is_some_and(|points| points.foreign)
    }

    /// Who is asked, in words.
    pub fn describe(&self) -> Option<String> {
        let asked: Vec<String> = self.requests.asked().map(|tid| tid.to_string()).collect();
        let some = !asked.is_empty();
        some.then(|| {
            format!(
                "asked to leave at their next point: threads {}",
                asked.join(", ")
            )
        })
    }
}

impl Session {
    /// Asks a thread, whose struct pthread is there, to leave.
    pub(super) fn ask(&mut self, thread: Tid, pthread: u64) -> Result<(), SessionEnd> {
        if self.asking.requests.ask(thread, pthread) {
            self.tell()?;
        }
        Ok(())
    }

    /// A thread has left, or need not.
    pub(super) fn ask_no_more(&mut self, thread: Tid) -> Result<(), SessionEnd> {
        if self.asking.requests.forget(thread) {
            self.tell()?;
        }
        Ok(())
    }

    /// Writes who is asked into the replica: first who, then that there is somebody. Home has granted
    /// the pages before it sent a thread; a write to one that is not there fails.
    fn tell(&mut self) -> Result<(), SessionEnd> {
        let Some(points) = self.asking.points else {
            return Err(SessionEnd::Here(
                "home asked a thread to leave at a point of a program that has none".into(),
            ));
        };
        let Some(equipped) = &self.equipped else {
            return Ok(());
        };
        let pid = equipped.node.memory.pid;
        let requests = &self.asking.requests;
        remote::write(pid, points.requests, &requests.table())
            .and_then(|()| remote::write(pid, points.indicator, &requests.indicator()))
            .map_err(|e| {
                let why = chain(&e);
                SessionEnd::Here(format!("cannot ask a thread to leave at a point: {why}"))
            })
    }
}
