//! A session's state in words, for people at home, and its watch for pages that do not come.

use std::time::Instant;

use super::messages::ToTracer;
use super::session::Session;
use crate::wire::message::State;

/// Pages that are described at most.
const MOST: usize = 32;

impl Session {
    /// Tells home the state of this side.
    pub(super) fn describe(&mut self) {
        let mut lines = self.threads.describe();
        match &self.equipped {
            Some(equipped) => lines.extend(equipped.node.table.describe(MOST)),
            None => lines.push("the replica is not ready".into()),
        }
        lines.extend(self.asking.describe());
        if self.frozen {
            lines.push("stopped by job control".into());
        }
        let text = lines.join("\n");
        let complaint = String::new();
        self.say(State { complaint, text }.into());
        self.tracer.send(ToTracer::Look);
    }

    /// Complains, now and then, of a page that has not come for too long.
    pub(super) fn look_for_stuck(&mut self, now: Instant) {
        if !self.patience.is_due(now) || self.frozen {
            return;
        }
        let Some(equipped) = &self.equipped else {
            return;
        };
        let wait = equipped.node.oldest_wait();
        let wait = wait.filter(|(_, since)| self.patience.is_over(*since, now));
        if let Some((page, since)) = wait
            && self.patience.complain(now)
        {
            let waited = now.saturating_duration_since(since).as_secs_f64();
            let complaint = format!("page {page:#x} has not come for {waited:.1} s");
            let text = String::new();
            self.say(State { complaint, text }.into());
        }
    }
}
