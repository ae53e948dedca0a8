//! Forks. A thread enters the call only once every page is at home, where the kernel copies them: the
//! child has the memory of one moment. A thread that comes home to fork is stopped at the call anyway.
//! The call of one that is at home is intercepted; the thread is sent back to just before it, and goes
//! on like the other. Should a fork have been missed (no known one is), its child gets what home lacked
//! afterwards.

use std::time::Instant;

use nix::unistd::Pid;

use super::error::JobError;
use super::intercept::Forwarded;
use super::messages::ToPager;
use super::supervisor::{FAULT_STAY, Supervisor, Waiting, alive};
use super::thread::{AtHome, Place};
use crate::calls;
use crate::guest::ptrace::{self, Tid};
use crate::guest::stop::Stop;
use crate::memory::remote;

impl Supervisor {
    /// A thread at home is about to fork, and waits in the call; or one that was stopped at its entry,
    /// and has everything at home.
    pub(super) fn on_forks(&mut self, call: Forwarded) -> Result<(), JobError> {
        let tid = call.caller;
        let gathered = self.threads.get(&tid).is_none_or(|t| t.gathered.is_some());
        let free = self.at_home(tid) == Some(&mut AtHome::Free);
        if gathered || !free || self.setup.is_none() || self.failure.is_some() || self.detaching {
            self.tell(ToPager::LetThrough { call });
            return Ok(());
        }
        if let Some(state) = self.at_home(tid) {
            *state = AtHome::NativeCall { entered: false };
        }
        self.send_back(call)
    }

    /// A thread stands at the entry of the call it came home for.
    pub(super) fn enter_native_call(&mut self, tid: Tid) -> Result<(), JobError> {
        if self.setup.is_none() || self.failure.is_some() || !self.copies_memory(tid)? {
            let answer = ptrace::cont_to_call(tid, 0);
            return self.resumed(tid, answer);
        }
        let token = self.ask(Waiting::Fork(tid));
        self.tell(ToPager::Gather { token });
        Ok(())
    }

    fn copies_memory(&self, tid: Tid) -> Result<bool, JobError> {
        let Some(regs) = alive(ptrace::registers(tid), "read registers")? else {
            return Ok(false);
        };
        let Some(nr) = regs.call_in_progress() else {
            return Ok(false);
        };
        Ok(calls::copies_memory(
            nr as i64,
            regs.first_argument(),
            |at| remote::read_word(Pid::from_raw(tid), at).ok(),
        ))
    }

    /// Every page is at home.
    pub(super) fn gathered(&mut self, tid: Tid, token: u64) -> Result<(), JobError> {
        let Some(thread) = self.threads.get_mut(&tid) else {
            self.tell(ToPager::Scatter { token });
            return Ok(());
        };
        thread.gathered = Some(token);
        let answer = ptrace::cont_to_call(tid, 0);
        self.resumed(tid, answer)
    }

    /// Lets boards have pages again that a thread kept at home.
    pub(super) fn scatter(&mut self, tid: Tid) {
        let token = self
            .threads
            .get_mut(&tid)
            .and_then(|thread| thread.gathered.take());
        if let Some(token) = token {
            self.tell(ToPager::Scatter { token });
        }
    }

    /// A thread has made the call it came home for.
    pub(super) fn leave_native_call(&mut self, tid: Tid) -> Result<(), JobError> {
        self.scatter(tid);
        let regs = alive(ptrace::registers(tid), "read registers")?;
        let restarts = regs.is_some_and(|regs| regs.call_will_restart());
        if let Some(state) = self.at_home(tid) {
            *state = if restarts {
                AtHome::NativeCall { entered: false }
            } else {
                AtHome::Free
            };
        }
        if restarts {
            return self.go_on_with_call(tid);
        }
        if regs.is_some_and(|regs| self.makes_for_board(tid, &regs)) {
            return self.native_made(tid);
        }
        self.settle(tid)
    }

    /// A thread forked.
    pub(super) fn on_fork(&mut self, tid: Tid) -> Result<(), JobError> {
        match alive(ptrace::event_message(tid), "read an event")? {
            Some(child) => self.on_forked(tid, child as Tid),
            None => Ok(()),
        }
    }

    pub(super) fn on_forked(&mut self, tid: Tid, child: Tid) -> Result<(), JobError> {
        if let Some(state) = self.at_home(tid) {
            let native = matches!(state, AtHome::NativeCall { .. });
            *state = AtHome::Forking { child, native };
        }
        let stopped = self.children.insert(child, false).is_some();
        if stopped {
            self.fill(child)?;
        }
        Ok(())
    }

    /// Has a forked child, which is stopped, filled with what home lacked.
    fn fill(&mut self, child: Tid) -> Result<(), JobError> {
        let gathered = self.threads.values().any(|thread| {
            let forks =
                matches!(thread.place, Place::Home(AtHome::Forking { child: c, .. }) if c == child);
            forks && thread.gathered.is_some()
        });
        if self.setup.is_some() && self.failure.is_none() && !gathered {
            self.tell(ToPager::FillChild { child });
            Ok(())
        } else {
            self.on_child_filled(child)
        }
    }

    /// A forked child stopped (it was attached to automatically).
    pub(super) fn on_child_stop(&mut self, child: Tid, stop: Stop) -> Result<(), JobError> {
        if stop.is_end() {
            self.children.remove(&child);
            return self.on_child_filled(child);
        }
        match self.children.insert(child, true) {
            Some(false) => self.fill(child),
            // Not announced yet, or a further stop of a child that is being filled.
            _ => Ok(()),
        }
    }

    /// A forked child has its memory: it runs natively from here.
    pub(super) fn on_child_filled(&mut self, child: Tid) -> Result<(), JobError> {
        if self.children.remove(&child).is_some() {
            self.ask_nobody_in(child);
            alive(ptrace::detach(child, 0), "let a child go")?;
        }
        let parent = self.threads.values_mut().find_map(|t| match t.place {
            Place::Home(AtHome::Forking { child: c, native }) if c == child => Some((t, native)),
            _ => None,
        });
        let Some((parent, native)) = parent else {
            return self.check_withdrawn();
        };
        let tid = parent.tid;
        if native {
            parent.place = Place::Home(AtHome::NativeCall { entered: true });
            self.scatter(tid);
            self.go_on_with_call(tid)?;
        } else {
            parent.place = Place::Home(AtHome::Free);
            self.wake_by(Instant::now() + FAULT_STAY);
            self.resume(tid, 0)?;
        }
        self.check_withdrawn()
    }
}
