//! Signals to threads that compute on boards. A handler needs its thread at home, or at least its stack, so each signal
//! takes the thread off its board. One that gets signals faster than it is fetched and sent back
//! would compute nothing between two of them and never get on. So a signal waits until its thread has been on
//! its board for as long as the way there took, and the way home for the signal before. That may be just as long as the
//! pages take that the handler has used, above all the stack's. So of those of whose signals one after the other has had
//! to wait the next waits longer.
//!
//! Its shadow holds the signal meanwhile. If the thread makes a home call, or has to come home for another reason, the
//! signal comes then.

use std::time::{Duration, Instant};

use super::error::JobError;
use super::supervisor::Supervisor;
use super::thread::{Away, Place, Shadow, Thread};
use crate::guest::ptrace::Tid;
use crate::report::RecallCause;

/// How long a signal waits at most.
const LONGEST: Duration = Duration::from_secs(1);

/// How often the time that a signal waits doubles at most.
const DOUBLINGS: u32 = 4;

impl Away {
    /// A signal that its thread is to be fetched for waits.
    fn has_respite(&self) -> bool {
        matches!(self.shadow, Shadow::Held(signal) if signal != 0)
            && self.recalling.is_none()
            && self.context.is_none()
    }
}

impl Supervisor {
    /// A thread runs on its board.
    pub(super) fn begin_respite(&mut self, tid: Tid) -> Result<(), JobError> {
        let Some(thread) = self.threads.get_mut(&tid) else {
            return Ok(());
        };
        let way_home = std::mem::take(&mut thread.way_home);
        let crowded = match std::mem::take(&mut thread.signal_waited) {
            true => (thread.crowded + 1).min(DOUBLINGS),
            false => thread.crowded.saturating_sub(1),
        };
        thread.crowded = crowded;
        let Some(away) = thread.away() else {
            return Ok(());
        };
        let ways = away.sent.elapsed() + way_home;
        away.respite = (ways * (1 << crowded)).min(LONGEST);
        match away.has_respite() {
            true => self.recall_for_handler(tid),
            false => Ok(()),
        }
    }

    /// The shadow of a thread holds a signal whose handler needs that: it is fetched, now or when it has had its time.
    pub(super) fn recall_for_handler(&mut self, tid: Tid) -> Result<(), JobError> {
        let Some(thread) = self.threads.get_mut(&tid) else {
            return Ok(());
        };
        let crowded = thread.crowded;
        let Some(away) = thread.away() else {
            return Ok(());
        };
        let ends = away.started.map(|started| started + away.respite);
        let undoubled = away
            .started
            .map(|started| started + away.respite / (1 << crowded));
        match ends {
            // It does not compute.
            _ if away.call.is_some() => self.recall(tid, RecallCause::Signal),
            Some(ends) if ends <= Instant::now() => self.recall(tid, RecallCause::Signal),
            Some(ends) => {
                // Because of the doubling alone it need not wait longer still.
                thread.signal_waited |= undoubled.is_some_and(|end| Instant::now() < end);
                self.wake_by(ends);
                Ok(())
            }
            // It does not run there yet: that will be told.
            None => Ok(()),
        }
    }

    /// Fetches those that have had their time.
    pub(super) fn end_respites(&mut self) -> Result<(), JobError> {
        let waits = |thread: &&Thread| match &thread.place {
            Place::Away(away) => away.has_respite(),
            Place::Home(_) => false,
        };
        let waiting: Vec<Tid> = self.threads.values().filter(waits).map(|t| t.tid).collect();
        waiting
            .into_iter()
            .try_for_each(|tid| self.recall_for_handler(tid))
    }
}
