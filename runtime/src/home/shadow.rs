//! Shadows: the home kernel threads of offloaded threads. They wait in the stub, make home calls
//! ([`super::home_calls`]), and take their thread's context back when it returns.

use std::time::Instant;

use super::cut_short::stand_inside;
use super::error::JobError;
use super::messages::{Context, Held, ToPager, Why};
use super::supervisor::{FAULT_STAY, Supervisor, alive};
use super::thread::{AtHome, CallState, Place, Shadow, Thread};
use crate::calls;
use crate::guest::arch;
use crate::guest::procfs;
use crate::guest::ptrace::{self, Tid};
use crate::guest::stop::Stop;
use crate::report::RecallCause;

/// What a signal will do when it is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A handler runs.
    Handler,
    /// The process dies with a core.
    Core,
    /// Nothing at all.
    Ignored,
    /// Nothing that needs the thread's own context: it stops, continues or plainly dies.
    Plain,
}

/// Asks the kernel's tables (signal(7)) what `signal` will do to process `pid`.
pub(super) fn outcome(pid: Tid, signal: i32) -> Outcome {
    let bit = 1u64 << (signal - 1);
    let Ok(dispositions) = procfs::dispositions(pid) else {
        return Outcome::Plain; // it is gone
    };
    if dispositions.caught & bit != 0 {
        return Outcome::Handler;
    }
    let ignored_by_default = matches!(
        signal,
        libc::SIGCHLD | libc::SIGURG | libc::SIGWINCH | libc::SIGCONT
    );
    if dispositions.ignored & bit != 0 || ignored_by_default {
        return Outcome::Ignored;
    }
    let cores = matches!(
        signal,
        libc::SIGQUIT
            | libc::SIGILL
            | libc::SIGTRAP
            | libc::SIGABRT
            | libc::SIGBUS
            | libc::SIGFPE
            | libc::SIGSEGV
            | libc::SIGXCPU
            | libc::SIGXFSZ
            | libc::SIGSYS
    );
    if cores { Outcome::Core } else { Outcome::Plain }
}

impl Supervisor {
    /// A context came back from a board.
    pub(super) fn on_context(
        &mut self,
        tid: Tid,
        mut context: Box<Context>,
    ) -> Result<(), JobError> {
        let Some(thread) = self.threads.get_mut(&tid) else {
            return Ok(());
        };
        let told = thread.away().map_or(0, |away| away.cpu_ns);
        // Nobody may see a clock go backward.
        let used = context.cpu_ns.max(told);
        thread.counters.board_ns += used;
        let delayed = thread
            .away()
            .map_or(0, |away| std::mem::take(&mut away.delay_ns));
        thread.board_delay_ns += delayed;
        self.board_ns += used;
        thread.counters.faults += context.faults;
        thread.counters.recalls += 1;
        let board = thread.needs();
        let stopped = thread.stopped;
        let Some(away) = thread.away() else {
            return Ok(());
        };
        let left = away.board;
        let calls = std::mem::take(&mut context.calls);
        // A board that sends a thread without cause answers a wish of home's.
        let cause = context
            .cause
            .or(away.recalling)
            .unwrap_or(RecallCause::Policy);
        *self.stats.recalls.entry(cause).or_default() += 1;
        let recalled = away.recalled.take();
        away.context = Some(context);
        (away.cpu_ns, away.faults) = (0, 0);
        let shadow = away.shadow;
        if let Some(recalled) = recalled.filter(|_| cause == RecallCause::Signal) {
            thread.way_home = recalled.elapsed();
        }
        self.note_home(tid, left, cause);
        for (nr, count) in calls {
            let nr = board.map_or(Some(nr), |board| self.counted_as(board, nr));
            if let Some(nr) = nr {
                *self.stats.calls.entry(nr).or_default() += count;
            }
        }
        let Some(away) = self.threads.get_mut(&tid).and_then(Thread::away) else {
            return Ok(());
        };
        match shadow {
            Shadow::Held(signal) => self.restore(tid, signal),
            Shadow::GroupStopped => Ok(()),
            Shadow::Interrupting => Ok(()),
            Shadow::Parked | Shadow::Calling if !stopped => {
                if away.shadow == Shadow::Parked {
                    away.shadow = Shadow::Interrupting;
                }
                alive(ptrace::interrupt(tid), "interrupt a shadow").map(drop)
            }
            Shadow::Parked | Shadow::Calling => Ok(()),
        }
    }

    /// A shadow stopped.
    pub(super) fn on_shadow_stop(&mut self, tid: Tid, stop: Stop) -> Result<(), JobError> {
        if self.setup.is_none() {
            return self.resume(tid, 0);
        }
        let pid = self.pid;
        let Some(away) = self.threads.get_mut(&tid).and_then(Thread::away) else {
            return Ok(());
        };
        match stop {
            Stop::Trap => {
                if away.shadow == Shadow::GroupStopped {
                    away.shadow = Shadow::Parked;
                }
                self.group_continued();
                self.go_on(tid, 0)
            }
            Stop::Call if away.shadow == Shadow::Calling => self.on_shadow_call(tid),
            Stop::Signal(signal) => {
                self.observe_signal(tid, signal);
                self.shadow_signal(tid, signal, outcome(pid, signal))
            }
            Stop::Group(_) => {
                if away.shadow != Shadow::Calling {
                    away.shadow = Shadow::GroupStopped;
                }
                self.on_group_stop(tid)
            }
            _ => self.resume(tid, 0),
        }
    }

    /// A signal is about to be delivered to a shadow.
    pub(super) fn shadow_signal(
        &mut self,
        tid: Tid,
        signal: i32,
        outcome: Outcome,
    ) -> Result<(), JobError> {
        let away = self
            .threads
            .get_mut(&tid)
            .and_then(Thread::away)
            .expect("caller checked");
        match outcome {
            Outcome::Plain => return self.go_on(tid, signal),
            // Natively it would not even have been sent.
            Outcome::Ignored => return self.go_on(tid, 0),
            Outcome::Handler | Outcome::Core => {}
        }
        if away.foreign && away.call.is_some() && away.context.is_none() {
            // Its registers wait there for the call.
            return self.handle_in_call(tid, signal, outcome);
        }
        // A handler needs the thread's own registers and stack, and so does a core.
        if away.context.is_some() {
            return self.restore(tid, signal);
        }
        away.shadow = Shadow::Held(signal);
        match outcome {
            Outcome::Handler => self.recall_for_handler(tid),
            _ => self.recall(tid, RecallCause::Signal),
        }
    }

    /// Asks the board for a thread's context, once, because of `cause`.
    pub(super) fn recall(&mut self, tid: Tid, cause: RecallCause) -> Result<(), JobError> {
        if let Some(away) = self.threads.get_mut(&tid).and_then(Thread::away)
            && away.recalling.is_none()
            && away.context.is_none()
        {
            if away.foreign && cause != RecallCause::Signal {
                return self.ask_back(tid);
            }
            away.recalling = Some(cause);
            away.recalled = Some(Instant::now());
            let board = away.board;
            self.tell(ToPager::Recall {
                board,
                tid,
                at_point: false,
            });
        }
        Ok(())
    }

    /// A stopped shadow goes on with whatever is next for it.
    pub(super) fn go_on(&mut self, tid: Tid, signal: i32) -> Result<(), JobError> {
        let away = self
            .threads
            .get_mut(&tid)
            .and_then(Thread::away)
            .expect("caller checked");
        if away.context.is_some() {
            return self.restore(tid, signal);
        }
        if away.shadow == Shadow::Calling {
            if away.recalling.is_some() && signal == 0 {
                // Interrupted to be recalled in the middle of a call.
                away.shadow = Shadow::Held(0);
                return Ok(());
            }
            return self.resume_interrupted_or_signal(tid, signal);
        }
        let waiting = away.call.filter(|call| call.state == CallState::Waiting);
        match waiting.filter(|_| away.recalling.is_none()) {
            Some(call) => self.make_call(tid, call, signal),
            None => {
                away.shadow = Shadow::Parked;
                self.resume(tid, signal)
            }
        }
    }

    /// Gives a stopped shadow its thread's context: the thread is home again and goes on, with
    /// `signal` delivered first if not 0.
    pub(super) fn restore(&mut self, tid: Tid, signal: i32) -> Result<(), JobError> {
        let Some(mut shadow_regs) = alive(ptrace::registers(tid), "read registers")? else {
            return Ok(());
        };
        let setup = self
            .setup
            .as_ref()
            .expect("shadows exist only after set-up");
        let gadget = setup.stub.gadget();
        let thread = self.threads.get_mut(&tid).expect("caller checked");
        let away = thread.away().expect("caller checked");
        let context = away.context.take().expect("caller checked");
        if away.foreign {
            return self.restore_foreign(tid, context, signal);
        }
        let context = *context;
        let Held::Ours {
            registers,
            extended,
        } = context.state
        else {
            unreachable!("the pager holds a board to its ISA");
        };
        let board = away.board;
        let call = away.call.take();
        let left = call.and_then(|call| call.left);
        let mut regs = *registers;
        regs.set_pc(setup.vdso.at_home(regs.pc(), setup.stub));
        // A call whose result a signal has just kept from being sent.
        let mut ended = None;
        match (context.call, call.map(|c| (c.seq, c.state))) {
            (Some(seq), Some((mine, CallState::Running)))
                if seq == mine && self.remainders.contains_key(&tid) =>
            {
                // It goes on with the remainder at its own instruction.
                let mut shadow_regs = shadow_regs;
                stand_inside(&mut shadow_regs);
                regs.adopt_call(&shadow_regs);
                regs.set_call_arguments(shadow_regs.call_arguments());
            }
            (Some(seq), Some((mine, CallState::Done(result)))) if seq == mine => {
                regs.finish_call(result)
            }
            (Some(seq), Some((mine, CallState::Running)))
                if seq == mine
                    && (shadow_regs.pc() == gadget
                        || arch::CALLS_ARE_WOUND_BACK && left.is_none()) =>
            {
                // Stopped just before it.
                regs.rewind_call();
            }
            // Stopped in the middle of the call, at home: the kernel restarts it, or finishes it
            // with the result it has, at the thread's own instruction.
            (Some(seq), Some((mine, CallState::Running))) if seq == mine => {
                if arch::CALLS_ARE_WOUND_BACK
                    && let Some(left) = left
                {
                    shadow_regs.set_result(left);
                }
                regs.adopt_call(&shadow_regs);
                if !calls::wind_back(&mut regs) {
                    ended = call.filter(|_| !shadow_regs.call_will_restart());
                }
            }
            // Home has not begun the call: the thread makes it itself.
            (Some(_), _) => regs.rewind_call(),
            (None, _) => regs.leave_call(),
        }
        let now = Instant::now();
        if let Why::Fault(number) = context.why {
            thread.home_until = Some(now + FAULT_STAY * (1 << thread.bounces.min(6)));
            thread.bounces += 1;
            if number == libc::SIGTRAP {
                // The trap is past its instruction, which has to be met again.
                regs.rewind_trap();
            }
        } else {
            thread.bounces = 0;
        }
        thread.left_board = Some((board, regs.pc()));
        let native = context.why == Why::Call && signal == 0;
        thread.place = Place::Home(if native {
            AtHome::NativeCall { entered: false }
        } else {
            AtHome::Free
        });
        if let Some(call) = ended {
            self.note_effect(tid, &call, shadow_regs.result());
        }
        let needs_end =
            |signal| matches!(outcome(self.pid, signal), Outcome::Handler | Outcome::Core);
        if signal != 0 && needs_end(signal) {
            self.end_remainder(tid, &mut regs);
        }
        let detaching = self.detaching;
        if signal != 0 || regs.call_in_progress().is_none() {
            self.deadlines.remove(&tid);
        }
        alive(
            ptrace::set_extended(tid, &extended),
            "write extended registers",
        )?;
        if !self.stand(tid, &regs, signal)? {
            return Ok(());
        }
        if signal != 0 {
            match outcome(self.pid, signal) {
                Outcome::Core => return self.on_fatal(tid, signal),
                Outcome::Handler => self.await_return(tid),
                Outcome::Plain | Outcome::Ignored => {}
            }
        }
        if !native {
            self.wake_by(now + FAULT_STAY);
        }
        if detaching {
            self.check_detached()?;
        }
        self.check_withdrawn()?;
        if native {
            let answer = ptrace::cont_to_call(tid, 0);
            self.resumed(tid, answer)
        } else {
            self.resume_interrupted_or_signal(tid, signal)
        }
    }

    fn resume_interrupted_or_signal(&mut self, tid: Tid, signal: i32) -> Result<(), JobError> {
        if signal == 0 {
            self.resume_interrupted(tid)
        } else {
            self.resume(tid, signal)
        }
    }
}
