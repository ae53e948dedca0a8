//! Home calls: a thread's system calls that its shadow makes, at the stub's gadget, while the thread waits on
//! its board.

use std::time::Instant;

use super::error::JobError;
use super::foreign::{Step, stand_below};
use super::messages::ToPager;
use super::shadow::outcome;
use super::supervisor::{Supervisor, alive};
use super::thread::{CallState, PendingCall, Shadow, Thread};
use crate::calls;
use crate::continuations::GO_HOME;
use crate::guest::arch;
use crate::guest::ptrace::{self, Tid};
use crate::report::RecallCause;

/// Of a call that home has not begun to translate.
const NOT_KNOWN: i64 = -1;

impl Supervisor {
    /// A board's thread makes a home call.
    pub(super) fn on_home_call(
        &mut self,
        tid: Tid,
        seq: u32,
        nr: i64,
        args: [u64; 6],
        sp: u64,
    ) -> Result<(), JobError> {
        let pid = self.pid;
        let Some(thread) = self.threads.get_mut(&tid) else {
            return Ok(());
        };
        thread.counters.home_calls += 1;
        let Some(away) = thread.away() else {
            return Ok(());
        };
        let (board, foreign) = (away.board, away.foreign);
        let call = match nr {
            GO_HOME => Some((nr, args)),
            _ => self.at_home_as(tid, board, nr, args),
        };
        let translated = call.is_none();
        // What the shadow then really makes is counted when it does.
        let (nr, args) = call.unwrap_or((NOT_KNOWN, [0; 6]));
        if !translated {
            *self.stats.calls.entry(nr).or_default() += 1;
        }
        let known = match nr {
            GO_HOME if foreign => Some(self.go_home(tid)?),
            // It was signalled just before it came into the call.
            _ if foreign && self.leaves_call(tid)? => Some(i64::from(-libc::EINTR)),
            _ => calls::known(nr, pid, tid),
        };
        if let Some(result) = known {
            self.tell(ToPager::Reply {
                board,
                tid,
                seq,
                result,
            });
            return Ok(());
        }
        let since = Instant::now();
        let state = self.hold_reading(tid, nr, &args);
        if let Some(away) = self.threads.get_mut(&tid).and_then(Thread::away) {
            away.call = Some(PendingCall {
                seq,
                nr,
                args,
                since,
                state,
                left: None,
                sp,
                owed: None,
            });
        }
        if let Some(what) = calls::beyond(nr, &args) {
            if foreign {
                // It cannot come home before this call returns.
                self.fail(JobError::ForeignBeyond {
                    what,
                    tids: vec![tid],
                });
                return Ok(());
            }
            // The thread makes it itself, once it is home.
            return self.withdraw(what);
        }
        match state {
            // It comes home with the rest and makes the call there: nothing it computes after that
            // may go uncounted.
            _ if calls::sets_cpu_timer(nr, &args) => {
                self.stay_home()?;
                match foreign {
                    // It cannot come home before this call returns, but at its next point.
                    true => self.begin_call(tid),
                    false => Ok(()),
                }
            }
            CallState::Asking { .. } => Ok(()),
            _ => self.begin_call(tid),
        }
    }

    /// Has the shadow begin the call that waits, unless it has something else to do first.
    pub(super) fn begin_call(&mut self, tid: Tid) -> Result<(), JobError> {
        if let Some(away) = self.threads.get_mut(&tid).and_then(Thread::away)
            && away.recalling.is_none()
        {
            match away.shadow {
                Shadow::Parked => {
                    away.shadow = Shadow::Interrupting;
                    alive(ptrace::interrupt(tid), "interrupt a shadow")?;
                }
                // It waits for its thread to have computed for a while, which it does not do any more.
                Shadow::Held(signal) if signal != 0 && away.context.is_none() => {
                    return self.shadow_signal(tid, signal, outcome(self.pid, signal));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The shadow, stopped, makes the call that waits, with `signal` delivered first if not 0.
    pub(super) fn make_call(
        &mut self,
        tid: Tid,
        call: PendingCall,
        signal: i32,
    ) -> Result<(), JobError> {
        let (mut nr, mut args) = (call.nr, call.args);
        if nr == NOT_KNOWN {
            match self.begin_translated(tid)? {
                Some(Step::Make { nr: n, args: a }) => (nr, args) = (n, a),
                Some(Step::Over(result)) => {
                    // It enters no call.
                    self.take_own_mask(tid)?;
                    if let Some(away) = self.threads.get_mut(&tid).and_then(Thread::away) {
                        away.shadow = Shadow::Calling;
                    }
                    return self.call_returned(tid, result);
                }
                None => return Ok(()),
            }
        }
        let gadget = self.setup.as_ref().map(|setup| setup.stub.gadget());
        let (Some(gadget), Some(mut regs)) =
            (gadget, alive(ptrace::registers(tid), "read registers")?)
        else {
            return Ok(());
        };
        regs.prepare_call(gadget, nr as u64, args);
        stand_below(&mut regs, call.sp);
        self.deadlines.remove(&tid);
        if let Some(away) = self.threads.get_mut(&tid).and_then(Thread::away) {
            if let Some(call) = &mut away.call {
                call.state = CallState::Running;
            }
            away.shadow = Shadow::Calling;
        }
        alive(ptrace::set_registers(tid, &regs), "write registers")?;
        self.resume(tid, signal)
    }

    /// A shadow that makes a call is at the entry to or at the exit from one.
    pub(super) fn on_shadow_call(&mut self, tid: Tid) -> Result<(), JobError> {
        let (Some(enters), Some(mut regs)) = (
            alive(ptrace::enters_call(tid), "read an event")?,
            alive(ptrace::registers(tid), "read registers")?,
        ) else {
            return Ok(());
        };
        let parked = self
            .setup
            .as_ref()
            .expect("shadows exist only after set-up")
            .stub
            .parked();
        if enters && regs.pc() == parked {
            return self.call_over(tid, true);
        }
        if !enters
            && !regs.call_will_restart()
            && !calls::driven_out(&regs)
            && !self.is_to_go_on(tid, &mut regs)?
        {
            return self.call_returned(tid, regs.result());
        }
        let away = self
            .threads
            .get_mut(&tid)
            .and_then(Thread::away)
            .expect("caller checked");
        if let Some(call) = away.call.as_mut().filter(|_| !enters) {
            call.left = Some(regs.result());
        }
        if !enters || away.recalling.is_some() || away.context.is_some() {
            // What it was interrupted for is still to be done, and this stop has used the interrupt up.
            alive(ptrace::interrupt(tid), "interrupt a shadow")?;
        }
        self.resume(tid, 0)
    }

    /// A home call returned `result` in the shadow.
    pub(super) fn call_returned(&mut self, tid: Tid, result: i64) -> Result<(), JobError> {
        let result = match self.next_translated(tid, result)? {
            Some(Step::Make { nr, args }) => return self.make_next(tid, nr, args),
            Some(Step::Over(result)) => result,
            None => result,
        };
        let thread = self.threads.get_mut(&tid).expect("caller checked");
        let away = thread.away().expect("caller checked");
        let call = away.call.as_mut().expect("a call was running");
        call.state = CallState::Done(result);
        // Perhaps the call's own doing: they are delivered before the thread sees the result.
        let owed = alive(ptrace::signals_pending(tid), "look for signals")?.unwrap_or_default();
        call.owed = Some(owed);
        let call = *call;
        self.deadlines.remove(&tid);
        if calls::synchronises(call.nr) {
            thread.counters.back_migrations += 1;
            self.stats
                .back_migration
                .record_ns(call.since.elapsed().as_nanos() as u64);
        }
        self.note_effect(tid, &call, result);
        if owed.count > 0 {
            // If they are for another thread, this one is seen next when it parks.
            return self.resume(tid, 0);
        }
        self.call_over(tid, false)
    }

    /// The shadow, at the exit from a call, makes another of those that a home call takes.
    fn make_next(&mut self, tid: Tid, nr: i64, args: [u64; 6]) -> Result<(), JobError> {
        let gadget = self.setup.as_ref().map(|setup| setup.stub.gadget());
        let (Some(gadget), Some(mut regs)) =
            (gadget, alive(ptrace::registers(tid), "read registers")?)
        else {
            return Ok(());
        };
        regs.prepare_call(gadget, nr as u64, args);
        alive(ptrace::set_registers(tid, &regs), "write registers")?;
        self.resume(tid, 0)
    }

    /// A home call has returned and no signal belongs to it: the board is told. `parking`: the shadow
    /// is at the entry to its wait.
    pub(super) fn call_over(&mut self, tid: Tid, parking: bool) -> Result<(), JobError> {
        let away = self
            .threads
            .get_mut(&tid)
            .and_then(Thread::away)
            .expect("caller checked");
        away.shadow = Shadow::Parked;
        let wanted = away.returns_then;
        if self.stays_after_call(tid) {
            self.recall(tid, RecallCause::Synchronised)?;
        } else if wanted {
            self.recall(tid, RecallCause::Policy)?;
        }
        let away = self
            .threads
            .get_mut(&tid)
            .and_then(Thread::away)
            .expect("caller checked");
        if away.context.is_some() {
            if parking || arch::CALL_STOPS_HIDE_REGISTERS {
                away.shadow = Shadow::Interrupting;
                alive(ptrace::interrupt(tid), "interrupt a shadow")?;
                return self.resume(tid, 0);
            }
            return self.restore(tid, 0);
        }
        if away.recalling.is_none()
            && let Some(PendingCall {
                seq,
                state: CallState::Done(result),
                ..
            }) = away.call.take()
        {
            let board = away.board;
            self.tell(ToPager::Reply {
                board,
                tid,
                seq,
                result,
            });
        }
        if parking {
            return self.resume(tid, 0);
        }
        self.park(tid)
    }

    /// A home call ended with `result`: boards must know what it did to mappings, and home where
    /// the kernel now writes at the thread's end.
    pub(super) fn note_effect(&mut self, tid: Tid, call: &PendingCall, result: i64) {
        if call.nr == libc::SYS_set_tid_address {
            self.set_tid_address(tid, call.args[0]);
        }
        self.add_board_time(tid, call.nr, &call.args, result);
        if let Some((start, end)) = calls::remapped(call.nr, &call.args, result) {
            self.tell(ToPager::Remapped { start, end });
        }
    }

    fn park(&mut self, tid: Tid) -> Result<(), JobError> {
        let setup = self.setup.as_ref();
        let park = setup.expect("shadows exist only after set-up").stub.park();
        let Some(mut regs) = alive(ptrace::registers(tid), "read registers")? else {
            return Ok(());
        };
        regs.set_pc(park);
        regs.finish_call(0);
        alive(ptrace::set_registers(tid, &regs), "write registers")?;
        self.resume(tid, 0)
    }
}
