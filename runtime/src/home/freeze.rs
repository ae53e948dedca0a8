//! Stopping the whole guest for a moment.

use std::sync::atomic::Ordering;

use super::error::JobError;
use super::messages::{ToPager, ToSupervisor};
use super::supervisor::{Supervisor, alive};
use super::thread::Shadow;
use crate::calls;
use crate::guest::procfs;
use crate::guest::ptrace::{self, Tid};
use crate::guest::stop::Stop;

/// Threads that were running and stopped only for the freeze.
pub(super) struct Frozen(Vec<Tid>);

impl Frozen {
    /// A stopped thread into which calls can be injected.
    pub(super) fn any_at_home(&self, supervisor: &Supervisor) -> Option<Tid> {
        self.0
            .iter()
            .copied()
            .find(|t| supervisor.threads.contains_key(t))
    }
}

impl Supervisor {
    /// Stops every thread of the guest. Stops that mean something by themselves are kept for
    /// later; until then those threads stay stopped. The pager serves faults meanwhile, because a
    /// thread that waits for a page inside the kernel stops only once it has it.
    pub(super) fn freeze(&mut self) -> Result<Frozen, JobError> {
        let (ending, running): (Vec<_>, Vec<_>) = self
            .threads
            .values()
            .filter(|t| !t.stopped)
            .partition(|t| t.ending);
        let ending: Vec<Tid> = ending.iter().map(|t| t.tid).collect();
        let running: Vec<Tid> = running.iter().map(|t| t.tid).collect();
        let mut frozen = Vec::new();
        for &tid in &running {
            alive(ptrace::interrupt(tid), "stop a thread")?;
        }
        self.freezing(true);
        for tid in running {
            let Some((_, status)) = self.wait_to_freeze(tid)? else {
                continue;
            };
            let asked_for = Stop::decode(status) == Stop::Trap;
            let free = self.threads.get_mut(&tid).is_some_and(|thread| {
                let ours = thread.wanted.is_none()
                    && thread.away().is_none_or(|a| {
                        // One whose context is back was asked to stop for it.
                        let idle = matches!(a.shadow, Shadow::Parked | Shadow::Calling);
                        idle && a.context.is_none()
                    });
                thread.has_stopped();
                ours
            });
            if asked_for && free {
                frozen.push(tid);
            } else {
                self.deferred.push_back((tid, status));
            }
        }
        self.freezing(false);
        // The kernel still writes for a thread that ends, until it is a zombie or gone.
        for tid in ending {
            procfs::await_end(self.pid, tid);
        }
        // News of others may have come and gone unheard while we waited.
        self.sleeper.bell().ring();
        Ok(Frozen(frozen))
    }

    /// Tells the pager whether threads that wait for its answer have been asked to stop.
    fn freezing(&self, on: bool) {
        if let Some(setup) = &self.setup {
            setup.freezing.store(on, Ordering::SeqCst);
            if on {
                self.tell(ToPager::Freezing);
            }
        }
    }

    /// Waits for a thread that was asked to stop. It may wait itself, for an answer of ours to an
    /// intercepted call, in which it does not stop: it makes that call again after the freeze.
    fn wait_to_freeze(&mut self, tid: Tid) -> Result<Option<(Tid, i32)>, JobError> {
        let failed = |e| JobError::Kernel("wait for a thread", e);
        loop {
            if let Some(stop) = ptrace::wait(tid, false).map_err(failed)? {
                return Ok(Some(stop));
            }
            let mut mail = std::mem::take(&mut self.mail);
            mail.extend(self.inbox.try_iter());
            for message in mail {
                match message {
                    ToSupervisor::ReadsCpuTime { call } | ToSupervisor::Forks { call }
                        if self.threads.contains_key(&call.caller) =>
                    {
                        self.send_back(call)?;
                    }
                    message => self.mail.push_back(message),
                }
            }
            if procfs::waits_in(self.pid, tid).is_some_and(|(nr, _)| calls::executes(nr))
                && let Some(stop) = self.let_others_end(tid)?
            {
                return Ok(Some(stop));
            }
            if procfs::has_ended(self.pid, tid) {
                // Perhaps just now.
                return ptrace::wait(tid, false).map_err(failed);
            }
            self.sleeper
                .sleep(None)
                .map_err(|e| JobError::Kernel("wait for a thread", e.into()))?;
        }
    }

    /// A thread executes a program: it stops only when it is alone. The others are being killed, and wait for
    /// us at their ends. The answer is a report of the thread itself.
    fn let_others_end(&mut self, tid: Tid) -> Result<Option<(Tid, i32)>, JobError> {
        let failed = |e| JobError::Kernel("wait for a thread", e);
        let mut own = None;
        while own.is_none()
            && let Some(report) = ptrace::wait(-1, false).map_err(failed)?
        {
            match report.0 == tid {
                true => own = Some(report),
                false => self.deferred.push_back(report),
            }
        }
        // What the kernel writes for them goes to memory that nobody will see.
        for other in self.take_exiting() {
            self.let_end(other)?;
        }
        Ok(own)
    }

    /// Lets go on what [`Supervisor::freeze`] stopped.
    pub(super) fn thaw(&mut self, frozen: Frozen) -> Result<(), JobError> {
        for tid in frozen.0 {
            if self.surfaces(tid)? {
                continue;
            }
            self.ask_tid_address(tid)?;
            self.resume_interrupted(tid)?;
        }
        Ok(())
    }
}
