//! The page faults of a replica, and how long each took.

use std::time::Instant;

use super::session::{SIZE, Session, SessionEnd};
use crate::coherence::{Access, Page};
use crate::memory::uffd::{EVENTS_A_READ, Event};
use crate::node::LocalError;
use crate::wire::message::FaultTimes;

/// Fault times that are kept until they are sent.
const MAX_FAULT_TIMES: usize = 4096;

impl Session {
    /// Takes the faults that wait.
    pub(super) fn read_faults(&mut self) -> Result<(), SessionEnd> {
        loop {
            let Some(equipped) = &mut self.equipped else {
                return Ok(());
            };
            let read = equipped
                .node
                .memory
                .uffd
                .read_events(&mut self.events)
                .map_err(LocalError::from)?;
            for event in self.events.drain(..) {
                if let Event::Fault {
                    addr,
                    write,
                    wp,
                    thread,
                } = event
                {
                    let access = if write || wp {
                        Access::Write
                    } else {
                        Access::Read
                    };
                    let page = addr / SIZE;
                    if self.mapped.get(addr).is_none() {
                        // It has just been unmapped: the thread finds that out.
                        equipped.node.memory.wake(page..page + 1)?;
                        continue;
                    }
                    let waits = self.threads.faulted(thread);
                    let since = || (Instant::now(), waits);
                    self.faults.entry(page).or_insert_with(since);
                    equipped.node.fault(page, access, thread as u32);
                }
            }
            // Fewer than a read takes: that was all; what comes later wakes us anew.
            if read < EVENTS_A_READ {
                return Ok(());
            }
        }
    }

    /// A page came: how long did its fault take?
    pub(super) fn fault_served(&mut self, page: Page) {
        if let Some((since, _)) = self.faults.remove(&page)
            && self.fault_times.len() < MAX_FAULT_TIMES
        {
            self.fault_times.push(since.elapsed().as_nanos() as u64);
        }
    }

    /// Tells home how long faults took.
    pub(super) fn send_fault_times(&mut self) {
        let ns = std::mem::take(&mut self.fault_times);
        if !ns.is_empty() {
            self.say(FaultTimes { ns }.into());
        }
    }

    /// The same, if there are as many as are kept.
    pub(super) fn send_many_fault_times(&mut self) {
        if self.fault_times.len() == MAX_FAULT_TIMES {
            self.send_fault_times();
        }
    }
}
