//! The tracer thread of a job: what to do when a thread of the guest stops and when a board speaks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rtx_policies::{Policy, Request};
use tokio::sync::mpsc::UnboundedSender;

use super::backtraces::Backtraces;
use super::deadlines::Deadline;
use super::error::JobError;
use super::finished::Finished;
use super::foreign::Birth;
use super::job::{BoardFacts, Observer};
use super::journal::Journal;
use super::messages::{BoardId, ToPager, ToSupervisor};
use super::operator::Orders;
use super::operator::status::Decisions;
use super::setup::Setup;
use super::stats::Stats;
use super::thread::{AtHome, Place, Shadow, Thread};
use super::withdraw::Withdrawal;
use crate::calls::cut_short::Remainder;
use crate::continuations::Pair;
use crate::continuations::requests::Requests;
use crate::figures::{Meter, Runnable};
use crate::guest::arch::{self, Registers};
use crate::guest::bell::Sleeper;
use crate::guest::inject::InjectError;
use crate::guest::procfs;
use crate::guest::ptrace::{self, Tid};
use crate::guest::stop::Stop;
use crate::patience::Patience;
use crate::report::What;

/// How the guest ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It exited with this code.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
    /// rtx let it go: it runs on alone.
    Detached,
}

/// What an answer of the pager is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Waiting {
    /// A thread in its exit event.
    Exit(Tid),
    /// A thread about to be delivered a fatal signal.
    Death(Tid),
    /// Everything, to let a thread copy the memory.
    Fork(Tid),
    /// Boards' figures, for a call of this thread.
    Usage(Tid),
    /// Everything, to let the guest go.
    Detach,
    /// Everything, to let the guest go on without boards.
    Withdrawal,
}

/// The state of a job, owned by its tracer thread.
pub struct Supervisor {
    pub(super) pid: Tid,
    pub(super) threads: BTreeMap<Tid, Thread>,
    pub(super) finished: Finished,
    /// Stops seen while waiting for something else.
    pub(super) deferred: VecDeque<(Tid, i32)>,
    pub(super) setup: Option<Setup>,
    pub(super) pager: UnboundedSender<ToPager>,
    pub(super) inbox: Receiver<ToSupervisor>,
    /// Messages that came while it waited for something else.
    pub(super) mail: VecDeque<ToSupervisor>,
    pub(super) sleeper: Sleeper,
    pub(super) policy: Box<dyn Policy>,
    pub(super) boards: Vec<BoardFacts>,
    /// Of this machine, as far as rtx may use them.
    pub(super) cores: u32,
    /// What it takes with nothing to do and with all cores busy.
    pub(super) watts: Option<(f64, f64)>,
    pub(super) meter: Meter,
    pub(super) runnable: Runnable,
    /// Moves that the user has asked for since the policy was last asked.
    pub(super) asked_for: Vec<Request>,
    pub(super) stats: Stats,
    pub(super) observer: Box<dyn Observer>,
    pub(super) journal: Journal,
    /// Questions to the pager, and since when they are open.
    pub(super) waiting: BTreeMap<u64, (Waiting, Instant)>,
    pub(super) patience: Patience,
    pub(super) backtraces: Backtraces,
    /// Boards that have not answered a question about their threads' CPU time.
    pub(super) asked: BTreeMap<u64, BTreeSet<BoardId>>,
    /// CPU nanoseconds that all threads used on boards, in stays that have ended.
    pub(super) board_ns: u64,
    pub(super) next_token: u64,
    pub(super) children: BTreeMap<Tid, bool>,
    /// Of calls that are made again.
    pub(super) deadlines: BTreeMap<Tid, Deadline>,
    /// Of calls that were cut short. Such a thread is in the call that makes the remainder, or about to
    /// make it.
    pub(super) remainders: BTreeMap<Tid, Remainder>,
    /// New threads of which one thing has been seen so far: their first stop, or their maker's event.
    /// One of which both have been seen may be gone again.
    pub(super) half_born: BTreeSet<Tid>,
    /// The program's files, if it is of rtx-cc.
    pub(super) pair: Option<Arc<Pair>>,
    /// Threads at home that are asked to leave at their next equivalence point.
    pub(super) requests: Requests<Tid>,
    /// Threads that foreign ones have made and that have not been seen yet.
    pub(super) births: BTreeMap<Tid, Birth>,
    /// Scratch areas for translated calls that nobody uses.
    pub(super) scratches: Vec<u64>,
    /// Calls of foreign threads of whose refusal the user has been told.
    pub(super) refused: BTreeSet<&'static str>,
    /// What the operator has ordered.
    pub(super) orders: Orders,
    /// What was decided last.
    pub(super) decisions: Decisions,
    pub(super) started: Instant,
    pub(super) next_tick: Option<Instant>,
    /// The whole guest is stopped by job control.
    pub(super) group_stopped: bool,
    /// No more moves to boards: the guest runs another program, or is being let go.
    pub(super) closed: bool,
    /// The program had code that it has made at run time when that was looked for last.
    pub(super) has_made_code: bool,
    /// No more moves to boards: the guest has timers that count CPU time.
    pub(super) stays: bool,
    pub(super) detaching: bool,
    /// The guest is being brought home for good.
    pub(super) withdrawal: Option<Withdrawal>,
    /// The guest is under the filter that reports calls.
    pub(super) filtered: bool,
    pub(super) warned_of_rseq: bool,
    pub(super) ended: Option<Ended>,
    pub(super) failure: Option<JobError>,
}

impl Supervisor {
    /// Runs the job to its end.
    pub fn run(&mut self) -> Result<Ended, JobError> {
        loop {
            while let Some((tid, status)) = self.next_stop()? {
                self.on_stop(tid, Stop::decode(status))?;
            }
            while let Some(message) = self.next_message() {
                self.on_message(message)?;
            }
            if let Some(ended) = self.ended {
                return match self.failure.take() {
                    Some(error) => Err(error),
                    None => Ok(ended),
                };
            }
            self.tick()?;
            self.look_for_stuck(Instant::now())?;
            self.end_calls()?;
            if self.deferred.is_empty() && self.mail.is_empty() {
                let next = [
                    self.next_tick,
                    self.next_deadline(),
                    self.patience.next_look(),
                ];
                let timeout = next
                    .into_iter()
                    .flatten()
                    .min()
                    .map(|t| t.saturating_duration_since(Instant::now()));
                self.sleeper
                    .sleep(timeout)
                    .map_err(|e| JobError::Kernel("wait for the program", e.into()))?;
            }
        }
    }

    fn next_message(&mut self) -> Option<ToSupervisor> {
        let waiting = self.mail.pop_front();
        waiting.or_else(|| self.inbox.try_recv().ok())
    }

    fn next_stop(&mut self) -> Result<Option<(Tid, i32)>, JobError> {
        if let Some(stop) = self.deferred.pop_front() {
            return Ok(Some(stop));
        }
        ptrace::wait(-1, false).map_err(|e| JobError::Kernel("wait for the program", e))
    }

    /// Tells the pager; it outlives the supervisor, so a closed queue means that it failed and
    /// has said so.
    pub(super) fn tell(&self, message: ToPager) {
        let _ = self.pager.send(message);
    }

    /// A new token for a question to the pager.
    pub(super) fn ask(&mut self, waiting: Waiting) -> u64 {
        self.next_token += 1;
        let open = (waiting, Instant::now());
        self.waiting.insert(self.next_token, open);
        self.next_token
    }

    /// Ends the job because of `error`: nothing of the guest runs on.
    pub(super) fn fail(&mut self, error: JobError) {
        if self.failure.is_none() && self.ended.is_none() {
            self.failure = Some(error);
            self.closed = true;
            // SAFETY: kill takes integers; the pid is our tracee's, not yet reaped.
            unsafe { libc::kill(self.pid, libc::SIGKILL) };
            // Threads in their exit event do not see the signal, and nothing they wait for comes.
            for tid in self.threads.values().filter(|t| t.stopped).map(|t| t.tid) {
                // What is not stopped after all is not in an exit event either.
                let _ = ptrace::cont(tid, 0);
            }
        }
    }

    fn on_stop(&mut self, tid: Tid, stop: Stop) -> Result<(), JobError> {
        if self.children.contains_key(&tid) {
            return self.on_child_stop(tid, stop);
        }
        if stop.is_end() {
            return self.on_end(tid, stop);
        }
        if !self.threads.contains_key(&tid) {
            if self.is_other_process(tid) {
                // A forked child whose first stop came before its parent's event.
                return self.on_child_stop(tid, stop);
            }
            self.threads.insert(tid, Thread::new(tid, Instant::now()));
            self.journal.gauges.forget(tid);
            self.note(tid, What::Born);
            self.half_born(tid);
            self.stopped(tid);
            return self.on_birth(tid);
        }
        self.stopped(tid);
        if stop != Stop::Exec {
            self.take_own_mask(tid)?;
        }
        self.look_if_wanted(tid)?;
        match stop {
            Stop::Exec => self.on_exec(tid),
            Stop::Exiting => self.on_exiting(tid),
            Stop::Clone => self.on_clone(tid),
            Stop::Fork => self.on_fork(tid),
            _ if self.threads[&tid].is_away() => self.on_shadow_stop(tid, stop),
            Stop::Signal(signal) => self.on_signal(tid, signal),
            Stop::Group(_) => self.on_group_stop(tid),
            Stop::Call => self.on_call_stop(tid),
            Stop::Trap => self.on_trap(tid),
            Stop::Filtered => self.on_park_call(tid),
            _ => self.resume(tid, 0),
        }
    }

    /// One more thing of a new thread has been seen. True if it is the second.
    pub(super) fn half_born(&mut self, tid: Tid) -> bool {
        let second = self.half_born.remove(&tid);
        if !second {
            self.half_born.insert(tid);
        }
        second
    }

    pub(super) fn stopped(&mut self, tid: Tid) {
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.has_stopped();
        }
    }

    /// Lets a stopped thread run, delivering `signal` if not 0. A thread that was killed
    /// meanwhile is reported as ended later.
    pub(super) fn resume(&mut self, tid: Tid, signal: i32) -> Result<(), JobError> {
        self.interrupt_again(tid)?;
        let timed = self.keep_deadline(tid) || self.remainders.contains_key(&tid);
        let watched = self.threads.get_mut(&tid).is_some_and(|thread| {
            thread.handler.is_some()
                || thread.beneath.is_some()
                || thread.away().is_some_and(|a| a.shadow == Shadow::Calling)
        });
        let answer = if timed || watched {
            ptrace::cont_to_call(tid, signal)
        } else {
            ptrace::cont(tid, signal)
        };
        self.resumed(tid, answer)
    }

    pub(super) fn resumed(&mut self, tid: Tid, answer: io::Result<()>) -> Result<(), JobError> {
        let Some(thread) = self.threads.get_mut(&tid) else {
            return alive(answer, "resume a thread").map(drop);
        };
        thread.stopped = false;
        alive(answer, "resume a thread").map(drop)
    }

    /// A thread's stop may have used up an interrupt that was meant for something. It stops again before
    /// it runs any code of its own: it might be about to end.
    fn interrupt_again(&mut self, tid: Tid) -> Result<(), JobError> {
        let meant = self.threads.get(&tid).is_some_and(|thread| {
            (thread.wanted.is_some() || thread.ask_tid_address)
                && !thread.ending
                && matches!(thread.place, Place::Home(AtHome::Free))
        });
        if meant {
            alive(ptrace::interrupt(tid), "stop a thread")?;
        }
        Ok(())
    }

    pub(super) fn is_other_process(&self, tid: Tid) -> bool {
        !std::path::Path::new(&format!("/proc/{}/task/{tid}", self.pid)).exists()
    }

    fn on_end(&mut self, tid: Tid, stop: Stop) -> Result<(), JobError> {
        self.let_go_of_kept(tid);
        self.deadlines.remove(&tid);
        self.remainders.remove(&tid);
        self.births.remove(&tid);
        self.end_translated(tid);
        self.stop_asking(tid)?;
        let mut came_home = false;
        if let Some(thread) = self.threads.remove(&tid) {
            came_home = thread.needs().is_some();
            self.journal.gauges.forget(tid);
            self.finished.push(tid, thread.counters);
            self.note_ended(tid, thread.counters.offloads > 0);
        }
        if tid == self.pid {
            self.ended = Some(match stop {
                Stop::Killed { signal, .. } => Ended::Signal(signal),
                Stop::Exited(code) => Ended::Code(code),
                _ => unreachable!("only called for ends"),
            });
        } else if came_home {
            // It does not come home any other way.
            self.check_detached()?;
            self.check_withdrawn()?;
        }
        Ok(())
    }

    /// Reads what a thread used, before it is gone.
    pub(super) fn account(&mut self, tid: Tid) {
        if let (Ok((cpu, _)), Some(thread)) =
            (procfs::cpu_ns(self.pid, tid), self.threads.get_mut(&tid))
        {
            thread.counters.home_ns = cpu;
        }
    }

    pub(super) fn on_group_stop(&mut self, tid: Tid) -> Result<(), JobError> {
        if !self.group_stopped {
            self.group_stopped = true;
            self.tell(ToPager::Freeze(true));
            self.observer.stopped(true);
        }
        alive(ptrace::listen(tid), "leave a thread stopped").map(drop)
    }

    /// Job control continued the guest.
    pub(super) fn group_continued(&mut self) {
        if self.group_stopped {
            self.group_stopped = false;
            self.tell(ToPager::Freeze(false));
            self.patience.resumed(Instant::now());
            self.observer.stopped(false);
            // What was not decided meanwhile.
            self.wake_by(Instant::now() + FAULT_STAY);
        }
    }

    fn on_trap(&mut self, tid: Tid) -> Result<(), JobError> {
        self.group_continued();
        if self.surfaces(tid)? {
            return Ok(());
        }
        self.ask_tid_address(tid)?;
        if self.account_reading(tid)? {
            return Ok(());
        }
        if self.offload_if_wanted(tid)? {
            return Ok(());
        }
        self.resume_interrupted(tid)
    }

    /// Lets a thread go on that was stopped by PTRACE_INTERRUPT. Some calls then end with a
    /// spurious EINTR; they are made again, unless their time is over.
    pub(super) fn resume_interrupted(&mut self, tid: Tid) -> Result<(), JobError> {
        match self.mend_interrupted(tid)? {
            Some(result) if self.threads.get(&tid).is_some_and(Thread::is_away) => {
                self.call_returned(tid, result)
            }
            _ => self.go_on_with_call(tid),
        }
    }

    /// Has an intercepted call made again from which a signal drove a thread: see
    /// [`crate::calls::wind_back`].
    pub(super) fn mend_unseen(&mut self, tid: Tid, signal: i32) -> Result<(), JobError> {
        if self.filtered
            && let Some(mut regs) = alive(ptrace::registers(tid), "read registers")?
            && crate::calls::wind_back(&mut regs)
        {
            self.stand(tid, &regs, signal)?;
        }
        Ok(())
    }

    /// Gives a stopped thread its registers, and has the kernel go on with the call it is in there.
    /// With a `signal` the thread is stopped for its delivery, and stays so. False: the thread ended.
    pub(super) fn stand(
        &mut self,
        tid: Tid,
        regs: &Registers,
        signal: i32,
    ) -> Result<bool, JobError> {
        self.unless_ended(arch::stand(self.pid, tid, regs, signal))
            .map(|stands| stands.is_some())
    }

    /// What was done to a stopped thread; `None` if it was killed meanwhile, which is then still to be
    /// handled.
    pub(super) fn unless_ended<T>(
        &mut self,
        done: Result<T, InjectError>,
    ) -> Result<Option<T>, JobError> {
        match done {
            Ok(done) => Ok(Some(done)),
            Err(InjectError::Ended(tid, status)) => {
                self.deferred.extend(status.map(|s| (tid, s)));
                Ok(None)
            }
            Err(e) => Err(JobError::Setup(e.into())),
        }
    }

    fn on_message(&mut self, message: ToSupervisor) -> Result<(), JobError> {
        match message {
            ToSupervisor::Call {
                tid,
                seq,
                nr,
                args,
                sp,
            } => self.on_home_call(tid, seq, nr, args, sp),
            ToSupervisor::Context { tid, context } => self.on_context(tid, context),
            ToSupervisor::Started { tid } => self.on_started(tid),
            ToSupervisor::Pinned { token } | ToSupervisor::Fetched { token } => {
                self.on_answer(token)
            }
            ToSupervisor::Filled { child } => self.on_child_filled(child),
            ToSupervisor::Convert { addr } => self.convert(addr),
            ToSupervisor::ReadsCpuTime { call } => self.on_cpu_read(call),
            ToSupervisor::SetsCpuTimer { tid } => self.on_cpu_timer(tid),
            ToSupervisor::Usage { board, token, used } => self.on_usage(board, token, &used),
            ToSupervisor::Load {
                board,
                load,
                round_trip,
                faults,
            } => {
                self.on_load(board, load, round_trip, faults);
                Ok(())
            }
            ToSupervisor::Request(request) => {
                self.asked_for.push(request);
                self.wake_by(Instant::now());
                Ok(())
            }
            ToSupervisor::BoardLost {
                board,
                reason,
                pages,
            } => {
                self.on_board_lost(board, reason, pages);
                self.answers_nothing(board)
            }
            ToSupervisor::Reached { token, board } => {
                self.on_reached(token, board);
                Ok(())
            }
            ToSupervisor::Left { board, pages } => {
                self.on_left(board, pages);
                self.answers_nothing(board)
            }
            ToSupervisor::Asked(asked) => self.on_asked(asked),
            ToSupervisor::Forks { call } => self.on_forks(call),
            ToSupervisor::TidAddress { tid, address } => {
                self.set_tid_address(tid, address);
                Ok(())
            }
            ToSupervisor::State {
                who,
                complaint,
                text,
            } => self.on_state(&who, &complaint, &text),
            ToSupervisor::Dump => self.dump(),
            ToSupervisor::Looked {
                board,
                tid,
                snapshot,
            } => {
                self.on_looked(board, tid, snapshot);
                Ok(())
            }
            ToSupervisor::Backtrace { whose, backtrace } => {
                self.on_backtrace(whose, backtrace);
                Ok(())
            }
            ToSupervisor::MadeCode => self.on_made_code(),
            ToSupervisor::Beyond(what) => self.withdraw(what),
            ToSupervisor::PagerFailed(why) => {
                self.fail(JobError::Pager(why));
                Ok(())
            }
            ToSupervisor::Signal(signal) => {
                // SAFETY: kill takes integers; the guest is our tracee and not reaped yet.
                unsafe { libc::kill(self.pid, signal) };
                Ok(())
            }
            ToSupervisor::Detach => self.detach(),
        }
    }

    pub(super) fn on_answer(&mut self, token: u64) -> Result<(), JobError> {
        match self.waiting.remove(&token).map(|(waiting, _)| waiting) {
            Some(Waiting::Exit(tid)) => self.exit_pinned(tid, token)?,
            Some(Waiting::Death(tid)) => self.die(tid)?,
            Some(Waiting::Fork(tid)) => self.gathered(tid, token)?,
            Some(Waiting::Usage(tid)) => self.usage_known(tid, token)?,
            Some(Waiting::Detach) => return self.let_go(),
            Some(Waiting::Withdrawal) => self.withdrawal = Some(Withdrawal::Gathered),
            None => {}
        }
        self.check_withdrawn()
    }

    fn on_board_lost(&mut self, board: u8, reason: String, pages: usize) {
        let facts = &mut self.boards[usize::from(board) - 1];
        facts.alive = false;
        let name = facts.name.clone();
        let lost = What::Lost {
            board: name.clone(),
            reason: reason.clone(),
        };
        self.note(self.pid, lost);
        let threads: Vec<Tid> = self
            .threads
            .values_mut()
            .filter_map(|t| (t.needs() == Some(board)).then_some(t.tid))
            .collect();
        if !threads.is_empty() || pages > 0 {
            self.fail(JobError::BoardLost {
                name,
                reason,
                threads,
                pages,
            });
        } else {
            self.orders.lost(board, &reason);
            self.observer
                .warn(&format!("board {name} is gone ({reason}); it held nothing"));
        }
    }

    /// The main thread's state when nothing else is known: free.
    pub(super) fn at_home(&mut self, tid: Tid) -> Option<&mut AtHome> {
        match self.threads.get_mut(&tid).map(|t| &mut t.place) {
            Some(Place::Home(state)) => Some(state),
            _ => None,
        }
    }

    /// When the supervisor next has something to do by itself, at the latest.
    pub(super) fn wake_by(&mut self, at: Instant) {
        if self.next_tick.is_none_or(|t| at < t) {
            self.next_tick = Some(at);
        }
    }
}

/// A ptrace answer, where ESRCH (the thread was killed; its end will be reported) is `None`.
pub(super) fn alive<T>(answer: io::Result<T>, what: &'static str) -> Result<Option<T>, JobError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(e) if e.raw_os_error() == Some(libc::ESRCH) => Ok(None),
        Err(e) => Err(JobError::Kernel(what, e)),
    }
}

/// How long a thread that came home for a fault stays there, first time; doubles up to 2^6.
pub(super) const FAULT_STAY: Duration = Duration::from_millis(5);
