//! CPU time of a program part of which computes on boards.
//!
//! A call that reads a CPU-time clock is made at home, at the stub's gadget, and what threads have
//! used on boards is added to what the kernel wrote. Boards on which threads of interest are right
//! now are asked first. A shadow makes its calls at the gadget anyway. A thread at home is brought
//! there:
//!
//! | step | |
//! | --- | --- |
//! | 1. The filter reports the call to the keeper, the keeper to the pager, the pager to us | [`Supervisor::on_cpu_read`] |
//! | 2. The thread is asked to stop, then the call is answered as one that the kernel makes again | the same |
//! | 3. It stops, still in the call. Boards are asked while it waits | [`Supervisor::account_reading`] |
//! | 4. The call is injected, the time added, and the thread goes on behind it | [`Supervisor::make_reading`] |
//!
//! A freeze or a signal between two steps does no harm: the kernel makes the call again, and all of
//! this begins anew.
//!
//! Timers and limits by CPU time cannot be kept from here: a program that sets one stays at home.

use std::collections::BTreeSet;

use nix::unistd::Pid;

use super::error::JobError;
use super::intercept::Forwarded;
use super::journal::Decision;
use super::messages::{BoardId, ToPager, Used};
use super::supervisor::{Supervisor, Waiting, alive};
use super::thread::{AtHome, CallState, Thread};
use crate::calls::{self, MAKE_AGAIN, Reading, Whose};
use crate::guest::inject::{InjectError, Injector};
use crate::guest::procfs;
use crate::guest::ptrace::{self, Tid};
use crate::memory::remote;
use crate::report::RecallCause;

impl Supervisor {
    /// Asks the boards on which there is somebody whose time `caller` wants to know. `None`: none.
    fn ask_usage(&mut self, caller: Tid, whose: Whose) -> Option<u64> {
        let of_interest = |tid: Tid| match whose {
            Whose::Caller => tid == caller,
            Whose::Thread(named) => tid == named,
            Whose::Process => true,
        };
        let threads = self.threads.values_mut();
        let boards: BTreeSet<BoardId> = threads
            .filter(|thread| of_interest(thread.tid))
            .filter_map(|thread| thread.abroad().map(|away| away.board))
            .collect();
        if boards.is_empty() {
            return None;
        }
        let token = self.ask(Waiting::Usage(caller));
        for &board in &boards {
            self.tell(ToPager::AskUsage { board, token });
        }
        self.asked.insert(token, boards);
        Some(token)
    }

    /// A board says what threads have used on it.
    pub(super) fn on_usage(
        &mut self,
        board: BoardId,
        token: u64,
        used: &[Used],
    ) -> Result<(), JobError> {
        for used in used {
            if let Some(away) = self.threads.get_mut(&used.tid).and_then(Thread::abroad)
                && away.board == board
                && away.context.is_none()
            {
                away.cpu_ns = away.cpu_ns.max(used.cpu_ns);
                away.delay_ns = away.delay_ns.max(used.delay_ns);
                away.faults = away.faults.max(used.faults);
            }
        }
        self.answered(board, token)
    }

    /// A board has answered, or never will.
    fn answered(&mut self, board: BoardId, token: u64) -> Result<(), JobError> {
        let Some(boards) = self.asked.get_mut(&token) else {
            return Ok(());
        };
        boards.remove(&board);
        if boards.is_empty() {
            self.asked.remove(&token);
            return self.on_answer(token);
        }
        Ok(())
    }

    /// A board is gone: nobody waits for its answers.
    pub(super) fn answers_nothing(&mut self, board: BoardId) -> Result<(), JobError> {
        let tokens: Vec<u64> = self.asked.keys().copied().collect();
        for token in tokens {
            self.answered(board, token)?;
        }
        Ok(())
    }

    /// What threads have used on boards, as far as is known, in nanoseconds.
    fn board_time(&mut self, caller: Tid, whose: Whose) -> u64 {
        let used = |thread: &mut Thread| {
            thread.counters.board_ns + thread.abroad().map_or(0, |away| away.cpu_ns)
        };
        match whose {
            Whose::Process => {
                let away = self.threads.values_mut().filter_map(Thread::abroad);
                self.board_ns + away.map(|away| away.cpu_ns).sum::<u64>()
            }
            Whose::Caller => self.threads.get_mut(&caller).map_or(0, used),
            Whose::Thread(tid) => self.threads.get_mut(&tid).map_or(0, used),
        }
    }

    /// Holds a home call that reads a CPU-time clock until boards have answered. The state it waits in.
    pub(super) fn hold_reading(&mut self, tid: Tid, nr: i64, args: &[u64; 6]) -> CallState {
        let asked = calls::reading(nr, args, self.pid).and_then(|r| self.ask_usage(tid, r.whose));
        asked.map_or(CallState::Waiting, |token| CallState::Asking { token })
    }

    /// Adds the time on boards to what call `nr` of thread `tid` has read.
    pub(super) fn add_board_time(&mut self, tid: Tid, nr: i64, args: &[u64; 6], result: i64) {
        let Some(reading) = calls::reading(nr, args, self.pid) else {
            return;
        };
        let ns = self.board_time(tid, reading.whose);
        let failed = (-4095..0).contains(&result);
        if failed || reading.at == 0 || ns == 0 {
            return;
        }
        let Some(memory) = self.setup.as_ref().map(|s| Pid::from_raw(s.memory)) else {
            return;
        };
        // Memory that the kernel could write to a moment ago is gone only if the program has just
        // unmapped it: then nobody misses the time.
        let _ = add(memory, &reading, ns);
    }

    /// A thread reads a CPU-time clock at home; its call waits.
    pub(super) fn on_cpu_read(&mut self, call: Forwarded) -> Result<(), JobError> {
        let ours = calls::reading(call.nr, &call.args, self.pid).is_some();
        if !ours || self.closed || self.at_home(call.caller) != Some(&mut AtHome::Free) {
            // Another process's clock, or a child's call that shares the memory until its exec.
            self.tell(ToPager::LetThrough { call });
            return Ok(());
        }
        self.send_back(call)
    }

    /// Has a thread stop in an intercepted call, which it makes again if nobody does anything.
    pub(super) fn send_back(&mut self, call: Forwarded) -> Result<(), JobError> {
        // In this order: without a stop ahead it would see the kernel's internal code.
        if alive(ptrace::interrupt(call.caller), "stop a thread")?.is_some() {
            let result = MAKE_AGAIN;
            self.tell(ToPager::Answer { call, result });
        }
        Ok(())
    }

    /// A thread at home stopped: true if it stands in a call that reads a CPU-time clock, and is taken
    /// care of.
    pub(super) fn account_reading(&mut self, tid: Tid) -> Result<bool, JobError> {
        let free = self.at_home(tid) == Some(&mut AtHome::Free);
        if !free || self.setup.is_none() || self.closed {
            return Ok(false);
        }
        let Some(reading) = self.reading_of(tid)? else {
            return Ok(false);
        };
        let Some(token) = self.ask_usage(tid, reading.whose) else {
            self.make_reading(tid)?;
            return Ok(true);
        };
        if let Some(state) = self.at_home(tid) {
            *state = AtHome::Accounting { token };
        }
        Ok(true)
    }

    /// What a stopped thread reads, if it was sent back from that.
    fn reading_of(&self, tid: Tid) -> Result<Option<Reading>, JobError> {
        let regs = alive(ptrace::registers(tid), "read registers")?;
        Ok(regs.filter(|r| r.result() == MAKE_AGAIN).and_then(|regs| {
            let nr = regs.call_in_progress()? as i64;
            calls::reading(nr, &regs.call_arguments(), self.pid)
        }))
    }

    /// Boards have answered: whoever waited for that goes on.
    pub(super) fn usage_known(&mut self, tid: Tid, token: u64) -> Result<(), JobError> {
        let Some(thread) = self.threads.get_mut(&tid) else {
            return Ok(());
        };
        let asking = CallState::Asking { token };
        let call = thread.abroad().and_then(|away| away.call.as_mut());
        if let Some(call) = call.filter(|call| call.state == asking) {
            call.state = CallState::Waiting;
            // If a handler runs at home now, it begins behind that.
            return self.begin_call(tid);
        }
        match self.at_home(tid) {
            Some(state) if *state == (AtHome::Accounting { token }) => {
                *state = AtHome::Free;
                self.make_reading(tid)
            }
            _ => Ok(()),
        }
    }

    /// Has a stopped thread make the call that it stands in, adds the time on boards, and lets it go
    /// on behind the call.
    fn make_reading(&mut self, tid: Tid) -> Result<(), JobError> {
        let Some(setup) = &self.setup else {
            return self.resume(tid, 0);
        };
        let gadget = setup.stub.gadget();
        let make = || -> Result<_, InjectError> {
            let mut injector = Injector::begin(self.pid, tid)?;
            let mut regs = *injector.saved();
            let (nr, args) = (
                regs.call_in_progress().unwrap_or_default() as i64,
                regs.call_arguments(),
            );
            let result = injector.raw(gadget, nr, args)?;
            regs.finish_call(result);
            injector.finish_with(&regs)?;
            Ok((nr, args, result))
        };
        match make() {
            Ok((nr, args, result)) => self.add_board_time(tid, nr, &args, result),
            Err(InjectError::Ended(tid, status)) => {
                self.deferred.extend(status.map(|s| (tid, s)));
                return Ok(());
            }
            Err(e) => return Err(JobError::Setup(e.into())),
        }
        self.resume(tid, 0)
    }

    /// A thread sets a timer or a limit by CPU time. It may be a child that shares the memory until
    /// its exec.
    pub(super) fn on_cpu_timer(&mut self, tid: Tid) -> Result<(), JobError> {
        if self.threads.contains_key(&tid) {
            self.stay_home()?;
        }
        Ok(())
    }

    /// The program has a timer or a limit by CPU time: from now on it stays at home, where all it uses
    /// counts.
    pub(super) fn stay_home(&mut self) -> Result<(), JobError> {
        if std::mem::replace(&mut self.stays, true) {
            return Ok(());
        }
        let reason = "the program has a timer or a limit by cpu time, for which only home's counts";
        self.decided(self.pid, Decision::KeepHome, reason);
        self.recall_all(RecallCause::CpuTimer)
    }

    /// Whether the program has a limit or timers by CPU time already.
    pub(super) fn has_cpu_timer(&self) -> bool {
        procfs::has_cpu_limit(self.pid) || procfs::has_cpu_timer(self.pid)
    }

    /// The same of the timers that no file tells of: asked for in a stopped thread.
    pub(super) fn has_interval_timer(&mut self, tid: Tid) -> Result<bool, InjectError> {
        let Some(setup) = &self.setup else {
            return Ok(false);
        };
        let (stub, memory) = (setup.stub, Pid::from_raw(setup.memory));
        let mut injector = Injector::begin(self.pid, tid)?;
        let mut runs = false;
        for which in [libc::ITIMER_VIRTUAL, libc::ITIMER_PROF] {
            let args = [which as u64, stub.scratch(), 0, 0, 0, 0];
            injector.call(stub.gadget(), "getitimer", libc::SYS_getitimer, args)?;
            // struct itimerval: interval, then what is left; zero if it does not run.
            let mut words = [0; 32];
            let read = remote::read_into(memory, stub.scratch(), &mut words);
            runs |= read.is_ok() && words[16..].iter().any(|b| *b != 0);
        }
        injector.finish()?;
        Ok(runs)
    }
}

/// Adds time to what stands in memory.
fn add(memory: Pid, reading: &Reading, ns: u64) -> Result<(), remote::RemoteError> {
    let mut bytes = vec![0; reading.bytes()];
    remote::read_into(memory, reading.at, &mut bytes)?;
    reading.add(&mut bytes, ns);
    remote::write(memory, reading.at, &bytes)
}
