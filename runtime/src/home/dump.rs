//! What the job is doing, in words: on demand, and when something has not gone on for too long. This
//! side's part is printed at once, the pager's and the boards' as they answer; who does not answer is
//! part of the picture.

use std::time::Instant;

use super::error::JobError;
use super::messages::ToPager;
use super::supervisor::Supervisor;
use super::thread::{AtHome, Away, CallState, Place, Thread};
use crate::report::call_name;

impl Supervisor {
    /// Prints the state of the job.
    pub(super) fn dump(&mut self) -> Result<(), JobError> {
        let now = Instant::now();
        let (threads, away) = (
            self.threads.len(),
            self.threads.values().filter(|t| t.is_away()).count(),
        );
        let mut lines = vec![format!(
            "process {}, {threads} threads, {away} of them away{}{}",
            self.pid,
            if self.group_stopped {
                ", stopped by job control"
            } else {
                ""
            },
            if self.closed { ", no more moves" } else { "" },
        )];
        lines.extend(self.threads.values().map(|thread| describe(thread, now)));
        lines.extend(self.waiting.iter().map(|(token, (what, since))| {
            format!("asked the pager {token} {} ago: {what:?}", ago(*since, now))
        }));
        self.print("the supervisor", &lines.join("\n"));
        self.tell(ToPager::Describe);
        self.look_at_all()
    }

    pub(super) fn print(&self, who: &str, text: &str) {
        for line in text.lines() {
            self.observer.warn(&format!("state of {who}: {line}"));
        }
    }

    /// The pager or a board told its state.
    pub(super) fn on_state(
        &mut self,
        who: &str,
        complaint: &str,
        text: &str,
    ) -> Result<(), JobError> {
        if complaint.is_empty() {
            self.print(who, text);
            Ok(())
        } else {
            self.complain(&format!("{who}: {complaint}"))
        }
    }

    fn complain(&mut self, what: &str) -> Result<(), JobError> {
        if self.patience.complain(Instant::now()) {
            self.observer.warn(&format!("something is stuck: {what}"));
            self.dump()?;
        }
        Ok(())
    }

    /// Looks, now and then, whether something has waited too long that does not depend on what the
    /// program does.
    pub(super) fn look_for_stuck(&mut self, now: Instant) -> Result<(), JobError> {
        if self.group_stopped || !self.patience.is_due(now) {
            return Ok(());
        }
        let stuck = self.threads.values().find_map(|thread| {
            let Place::Away(away) = &thread.place else {
                return None;
            };
            let (since, what) = unanswered(away)?;
            let over = self.patience.is_over(since, now);
            over.then(|| format!("thread {} {what} for {}", thread.tid, ago(since, now)))
        });
        let open = || {
            let mut open = self.waiting.values();
            let (what, since) = open.find(|(_, since)| self.patience.is_over(*since, now))?;
            Some(format!("no answer to {what:?} for {}", ago(*since, now)))
        };
        if let Some(what) = stuck.or_else(open) {
            self.complain(&what)?;
        }
        Ok(())
    }
}

/// What of an offloaded thread cannot take long, but has not come yet.
fn unanswered(away: &Away) -> Option<(Instant, &'static str)> {
    if away.context.is_some() {
        return None;
    }
    if let Some(recalled) = away.recalled {
        return Some((recalled, "has been asked back"));
    }
    if away.started.is_none() {
        return Some((away.sent, "has not begun on its board"));
    }
    let call = away.call.as_ref();
    let call = call.filter(|call| call.state == CallState::Waiting);
    call.map(|call| (call.since, "has waited to make a call"))
}

fn describe(thread: &Thread, now: Instant) -> String {
    let mut line = format!("thread {}: ", thread.tid);
    match &thread.place {
        Place::Home(at) => {
            line += "at home";
            match at {
                AtHome::Free => {}
                other => line += &format!(", {other:?}"),
            }
        }
        Place::Away(away) => {
            line += &format!("on board {}, shadow {:?}", away.board, away.shadow);
            if let Some(call) = &away.call {
                let (name, since) = (call_name(call.nr), ago(call.since, now));
                line += &format!(", in {name} {since}, {:?}", call.state);
            }
            if let (Some(cause), Some(since)) = (away.recalling, away.recalled) {
                line += &format!(", asked back {} ago ({cause:?})", ago(since, now));
            }
            if away.context.is_some() {
                line += ", its context is here";
            }
            if away.started.is_none() {
                line += &format!(", sent {} ago, not begun", ago(away.sent, now));
            }
        }
    }
    if thread.stopped {
        line += ", stopped";
    }
    if thread.ending {
        line += ", ending";
    }
    line
}

fn ago(since: Instant, now: Instant) -> String {
    format!(
        "{:.1} s",
        now.saturating_duration_since(since).as_secs_f64()
    )
}
