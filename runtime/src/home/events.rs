//! The lives of threads: birth, clone, exit; and of programs: exec, fatal signals.

use std::time::Instant;

use nix::unistd::Pid;

use super::error::JobError;
use super::messages::{ToPager, ToSupervisor};
use super::shadow::{Outcome, outcome};
use super::supervisor::{Supervisor, Waiting, alive};
use super::thread::{AtHome, Counters, Place, Thread};
use crate::calls;
use crate::guest::inject::{InjectError, Injector};
use crate::guest::procfs;
use crate::guest::ptrace::{self, Tid};
use crate::guest::robust;
use crate::memory::remote;

impl Supervisor {
    /// A new thread's first stop.
    pub(super) fn on_birth(&mut self, tid: Tid) -> Result<(), JobError> {
        if self.setup.is_some() {
            // It may have been made before its maker got these.
            alive(
                ptrace::set_options(tid, ptrace::SHARED_GUEST_OPTIONS),
                "set trace options",
            )?;
            // It has the registers with which its maker made it.
            let regs = alive(ptrace::registers(tid), "read registers")?;
            let address = regs.and_then(|regs| {
                let nr = regs.call_in_progress()? as i64;
                calls::clears_at_end(nr, &regs.call_arguments())
            });
            if let Some(thread) = self.threads.get_mut(&tid) {
                thread.tid_address = address;
                thread.ask_tid_address = address.is_none();
            }
        }
        if self.born_away(tid)? {
            return Ok(());
        }
        if self.group_stopped {
            return self.resume(tid, 0); // it joins the group-stop by itself
        }
        self.ask_tid_address(tid)?;
        self.settle(tid)
    }

    /// A thread made another.
    pub(super) fn on_clone(&mut self, tid: Tid) -> Result<(), JobError> {
        // The new thread's own first stop may have come already (and even its end), or comes next. A
        // new process (by clone(2) with an unusual exit signal) is a forked child.
        let new = alive(ptrace::event_message(tid), "read an event")?.map(|t| t as Tid);
        if let Some(new) = new.filter(|new| !self.half_born(*new))
            && self.is_other_process(new)
        {
            self.half_born.remove(&new);
            return self.on_forked(tid, new);
        }
        if let Some(new) = new {
            self.bore_away(tid, new)?;
        }
        let asks = self.threads.get(&tid).is_some_and(|t| t.ask_tid_address);
        self.go_on_with_call(tid)?;
        if asks {
            alive(ptrace::interrupt(tid), "stop a thread")?;
        }
        Ok(())
    }

    /// Resumes a thread that is inside a call, keeping an eye on its end if it came home for it.
    pub(super) fn go_on_with_call(&mut self, tid: Tid) -> Result<(), JobError> {
        match self.at_home(tid) {
            Some(AtHome::NativeCall { .. }) => {
                let answer = ptrace::cont_to_call(tid, 0);
                self.resumed(tid, answer)
            }
            _ => self.resume(tid, 0),
        }
    }

    /// A thread that came home for a call is at its entry or exit.
    pub(super) fn on_call_stop(&mut self, tid: Tid) -> Result<(), JobError> {
        if self.surfaces(tid)? || self.jumps(tid)? {
            return Ok(());
        }
        self.note_sent(tid)?;
        let enters = alive(ptrace::enters_call(tid), "read an event")?.unwrap_or(false);
        match self.at_home(tid) {
            // Of one whose calls are watched: the exit from the call that it was sent back from, to make it again.
            Some(AtHome::NativeCall { entered: false }) if !enters => self.go_on_with_call(tid),
            Some(AtHome::NativeCall { entered }) if !*entered => {
                *entered = true;
                self.enter_native_call(tid)
            }
            Some(AtHome::NativeCall { .. }) => self.leave_native_call(tid),
            Some(&mut AtHome::Parking { header }) => self.depart(tid, header),
            _ => self.on_watched_call(tid),
        }
    }

    /// A signal is about to be delivered to a thread at home.
    pub(super) fn on_signal(&mut self, tid: Tid, signal: i32) -> Result<(), JobError> {
        self.observe_signal(tid, signal);
        let outcome = outcome(self.pid, signal);
        if outcome == Outcome::Ignored {
            // Natively it would not even have been sent. A handler put back meanwhile must not see it.
            return self.resume_interrupted(tid);
        }
        if let Some(state @ AtHome::NativeCall { .. }) = self.at_home(tid) {
            *state = AtHome::Free;
            self.wake_by(Instant::now() + super::supervisor::FAULT_STAY);
        }
        if matches!(outcome, Outcome::Handler | Outcome::Core) {
            self.give_up_remainder(tid, false)?;
        }
        if self.setup.is_some() && self.failure.is_none() && outcome == Outcome::Core {
            return self.on_fatal(tid, signal);
        }
        if outcome == Outcome::Handler {
            self.deadlines.remove(&tid);
            self.note_cancel(tid, signal)?;
            self.paid(tid, signal);
        }
        if outcome == Outcome::Core {
            self.look_at_dying(tid, signal)?;
        }
        self.mend_unseen(tid, signal)?;
        self.resume(tid, signal)
    }

    /// Tells the launcher who sent what, so that a signal to the whole process group is not
    /// delivered twice.
    pub(super) fn observe_signal(&mut self, tid: Tid, signal: i32) {
        if let Ok(info) = ptrace::signal_info(tid) {
            let sender = if info.code <= 0 { info.sender } else { 0 };
            self.observer.guest_signal(signal, sender);
        }
    }

    /// A signal that writes a core: what boards hold must be home first.
    pub(super) fn on_fatal(&mut self, tid: Tid, signal: i32) -> Result<(), JobError> {
        self.tell(ToPager::Freeze(true));
        let token = self.ask(Waiting::Death(tid));
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.place = Place::Home(AtHome::Dying { token, signal });
        }
        self.tell(ToPager::FetchAll { token });
        Ok(())
    }

    /// Everything is home: the thread may die.
    pub(super) fn die(&mut self, tid: Tid) -> Result<(), JobError> {
        let Some(AtHome::Dying { signal, .. }) = self.at_home(tid).copied() else {
            return Ok(());
        };
        self.look_at_dying(tid, signal)?;
        self.resume(tid, signal)
    }

    /// The kernel writes there when the thread ends.
    pub(super) fn set_tid_address(&mut self, tid: Tid, address: u64) {
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.tid_address = Some(address);
        }
    }

    /// Takes the news that a thread which ends now may have caused before its end.
    fn hear_tid_addresses(&mut self) {
        while let Ok(message) = self.inbox.try_recv() {
            match message {
                ToSupervisor::TidAddress { tid, address } => self.set_tid_address(tid, address),
                other => self.mail.push_back(other),
            }
        }
    }

    /// A thread is about to end.
    pub(super) fn on_exiting(&mut self, tid: Tid) -> Result<(), JobError> {
        self.account(tid);
        self.hear_tid_addresses();
        let Some(thread) = self.threads.get_mut(&tid) else {
            return Ok(());
        };
        // A thread that ends while it is away was killed with the whole process.
        if self.setup.is_none() || self.failure.is_some() || thread.is_away() {
            return self.let_end(tid);
        }
        let Some(tid_address) = thread.tid_address else {
            // It was ending when the guest was prepared, and can be asked no more: the kernel may
            // write anywhere.
            let token = self.ask(Waiting::Exit(tid));
            if let Some(thread) = self.threads.get_mut(&tid) {
                thread.gathered = Some(token);
                thread.place = Place::Home(AtHome::Exiting);
            }
            self.tell(ToPager::Gather { token });
            return Ok(());
        };
        let mut addresses = Vec::new();
        addresses.extend((tid_address != 0).then_some(tid_address));
        thread.robust = robust::Walk::begin(tid);
        addresses.extend(thread.robust.iter().flat_map(robust::Walk::needs));
        if addresses.is_empty() {
            return self.let_end(tid);
        }
        let token = self.ask(Waiting::Exit(tid));
        if let Some(state) = self.at_home(tid) {
            *state = AtHome::Exiting;
        }
        self.tell(ToPager::Pin { token, addresses });
        Ok(())
    }

    /// Pages the kernel writes at a thread's end are home; there may be more.
    pub(super) fn exit_pinned(&mut self, tid: Tid, token: u64) -> Result<(), JobError> {
        let Some(thread) = self.threads.get_mut(&tid) else {
            self.tell(ToPager::Unpin { token });
            return Ok(());
        };
        if thread.gathered == Some(token) {
            return self.let_end(tid);
        }
        thread.pins.push(token);
        let Some(pid) = self.setup.as_ref().map(|s| s.memory) else {
            return Ok(());
        };
        let addresses = match &mut thread.robust {
            Some(walk) => {
                walk.advance(|at| remote::read_word(Pid::from_raw(pid), at).ok());
                walk.needs()
            }
            None => Vec::new(),
        };
        if addresses.is_empty() {
            return self.let_end(tid);
        }
        let token = self.ask(Waiting::Exit(tid));
        self.tell(ToPager::Pin { token, addresses });
        Ok(())
    }

    /// A thread leaves its exit event.
    pub(super) fn let_end(&mut self, tid: Tid) -> Result<(), JobError> {
        let keeps = self.threads.get_mut(&tid).is_some_and(|thread| {
            thread.ending = true;
            !thread.pins.is_empty() || thread.gathered.is_some()
        });
        let others = || procfs::threads(self.pid).is_ok_and(|threads| threads.len() > 1);
        let keeps_from_others = tid == self.pid && keeps && others();
        self.resume(tid, 0)?;
        if keeps_from_others {
            // The end of the first thread is reported only when all others have ended too; what is
            // kept for it must go before, or they might wait for it. One that it has just made may not
            // have shown itself yet.
            procfs::await_end(self.pid, tid);
            self.let_go_of_kept(tid);
        }
        Ok(())
    }

    /// Lets go of what was kept at home for the kernel's sake, while a thread was ending or forking.
    pub(super) fn let_go_of_kept(&mut self, tid: Tid) {
        let Some(thread) = self.threads.get_mut(&tid) else {
            return;
        };
        for token in std::mem::take(&mut thread.pins) {
            self.tell(ToPager::Unpin { token });
        }
        self.scatter(tid);
    }

    /// A thread runs another program: all other threads are gone.
    pub(super) fn on_exec(&mut self, tid: Tid) -> Result<(), JobError> {
        let former = ptrace::event_message(tid).unwrap_or(0) as Tid;
        let now = Instant::now();
        let mut survivor = self
            .threads
            .remove(&former)
            .unwrap_or_else(|| Thread::new(tid, now));
        for (tid, thread) in std::mem::take(&mut self.threads) {
            self.finished.push(tid, thread.counters);
        }
        survivor.tid = tid;
        survivor.place = Place::Home(AtHome::Free);
        survivor.wanted = None;
        survivor.pins.clear();
        survivor.gathered = None;
        survivor.handler = None;
        survivor.leaving = None;
        survivor.beneath = None;
        survivor.jumps = None;
        survivor.cancelled = None;
        survivor.own_mask = None;
        self.requests = Default::default();
        self.pair = None;
        survivor.left_board = None;
        self.deadlines.clear();
        self.remainders.clear();
        survivor.tid_address = None;
        self.threads.insert(tid, survivor);
        self.stopped(tid);
        if self.setup.take().is_some() {
            self.tell(ToPager::Unshare);
        }
        self.closed = true;
        self.backtraces.program_changed();
        self.withdrawal = None;
        alive(
            ptrace::set_options(tid, ptrace::GUEST_OPTIONS),
            "set trace options",
        )?;
        self.resume(tid, 0)
    }

    /// Learns where the kernel will write when a thread ends, by asking in the thread itself.
    pub(super) fn ask_tid_address(&mut self, tid: Tid) -> Result<(), JobError> {
        let (Some(setup), Some(thread)) = (&self.setup, self.threads.get_mut(&tid)) else {
            return Ok(());
        };
        if !std::mem::take(&mut thread.ask_tid_address) {
            return Ok(());
        }
        let (stub, memory) = (setup.stub, setup.memory);
        let mut ask = || -> Result<u64, InjectError> {
            let mut injector = Injector::begin(self.pid, tid)?;
            let args = [libc::PR_GET_TID_ADDRESS as u64, stub.scratch(), 0, 0, 0, 0];
            let answer = injector.call(stub.gadget(), "prctl", libc::SYS_prctl, args);
            thread.stops += injector.finish()?;
            answer
        };
        match ask() {
            Ok(_) => {
                let word = remote::read_word(Pid::from_raw(memory), stub.scratch());
                thread.tid_address = Some(word.map_err(|e| {
                    JobError::Kernel("read the program's memory", std::io::Error::other(e))
                })?);
                Ok(())
            }
            Err(InjectError::Ended(tid, status)) => {
                self.deferred.extend(status.map(|s| (tid, s)));
                Ok(())
            }
            Err(e) => Err(JobError::Setup(e.into())),
        }
    }

    /// Everything a report says of threads, ended ones included.
    pub fn thread_counters(&self) -> Vec<(Tid, Counters)> {
        let mut all = self.finished.all();
        all.extend(self.threads.values().map(|t| {
            let mut counters = t.counters;
            if let Ok((cpu, _)) = procfs::cpu_ns(self.pid, t.tid) {
                counters.home_ns = cpu;
            }
            (t.tid, counters)
        }));
        all.sort_by_key(|(tid, _)| *tid);
        all
    }
}
