//! What a foreign thread's kernel thread ran at home is over: it stands in the stub again, and the thread
//! goes on.

use super::{Beneath, What};
use crate::guest::arch::{self, Registers};
use crate::guest::ptrace::{self, Tid};
use crate::home::error::JobError;
use crate::home::supervisor::{Supervisor, alive};
use crate::home::thread::{AtHome, CallState, Place, Shadow, Thread};

impl Supervisor {
    /// A thread at home is at the entry to or the exit from a call, or was stopped by us: whether it has just
    /// come back to the stub, and so goes on as a shadow.
    pub(in crate::home) fn surfaces(&mut self, tid: Tid) -> Result<bool, JobError> {
        let thread = self.threads.get(&tid);
        let free = thread.is_some_and(|thread| {
            thread.beneath.is_some() && matches!(thread.place, Place::Home(AtHome::Free))
        });
        let Some(stub) = self.setup.as_ref().map(|s| s.stub).filter(|_| free) else {
            return Ok(false);
        };
        let Some(regs) = alive(ptrace::registers(tid), "read registers")? else {
            return Ok(false);
        };
        let stub = stub.gadget()..stub.call_and_return();
        if !stub.contains(&regs.pc()) {
            return Ok(false);
        }
        if alive(ptrace::is_at_call(tid), "read a stop")?.unwrap_or(false)
            && alive(ptrace::enters_call(tid), "read an event")?.unwrap_or(true)
        {
            // It stops again before it waits.
            alive(ptrace::interrupt(tid), "stop a thread")?;
            self.resume(tid, 0)?;
            return Ok(true);
        }
        self.surface(tid)?;
        Ok(true)
    }

    fn surface(&mut self, tid: Tid) -> Result<(), JobError> {
        let behind = arch::leave_call_stop(self.pid, tid);
        if self.unless_ended(behind)?.is_none() {
            return Ok(());
        }
        let Some(regs) = alive(ptrace::registers(tid), "read registers")? else {
            return Ok(());
        };
        let Some(stub) = self.setup.as_ref().map(|s| s.stub) else {
            return Ok(());
        };
        let comes_again = self.comes_again(tid)?;
        let thread = self.threads.get_mut(&tid).expect("caller checked");
        let at_gadget = regs.pc() == stub.gadget() || regs.call_will_restart();
        match thread.beneath.as_ref().map(|b| &b.what) {
            Some(What::InCall(_)) => self.surface_in_call(tid, &regs, (at_gadget, comes_again)),
            _ if comes_again => self.resume(tid, 0),
            Some(What::Still(_)) => {
                let fault = alive(ptrace::fault_is_pending(tid), "look for signals")?;
                let open = alive(ptrace::signal_is_pending(tid), "look for signals")?;
                match fault == Some(true) && open == Some(true) {
                    // Something else has stopped it before the signal of its own fault.
                    true => self.resume(tid, 0),
                    false => self.do_for(tid),
                }
            }
            Some(What::Makes(..)) if at_gadget => {
                thread.place = Place::Home(AtHome::NativeCall { entered: false });
                let answer = ptrace::cont_to_call(tid, 0);
                self.resumed(tid, answer)
            }
            Some(What::Makes(..)) => self.native_made(tid),
            None => Ok(()),
        }
    }

    /// A handler has run while the thread waits for a home call, which goes on.
    fn surface_in_call(
        &mut self,
        tid: Tid,
        regs: &Registers,
        (at_gadget, comes_again): (bool, bool),
    ) -> Result<(), JobError> {
        let in_gadget = self.setup.as_ref().map(|s| s.stub.in_gadget());
        let thread = self.threads.get_mut(&tid).expect("caller checked");
        let Some(Beneath {
            what: What::InCall(mut away),
            ..
        }) = thread.beneath.take()
        else {
            unreachable!("caller checked");
        };
        let call = away.call.expect("it waits in one");
        let returned = Some(regs.pc()) == in_gadget && !at_gadget;
        away.shadow = Shadow::Calling;
        thread.place = Place::Away(away);
        self.ask_back_if_closing(tid)?;
        let leaves = self.leaves_call(tid)?;
        let others_first = self.owes(tid)? || comes_again;
        match call.state {
            CallState::Done(_) if others_first => self.resume(tid, 0),
            CallState::Done(_) => self.call_over(tid, false),
            CallState::Running if leaves && !returned && !self.writes_result(tid) => {
                self.leave_call(tid)
            }
            CallState::Waiting if leaves => self.leave_call(tid),
            CallState::Running if at_gadget => {
                if !others_first {
                    self.go_ahead(tid)?;
                }
                self.resume(tid, 0)
            }
            CallState::Running if returned => self.call_returned(tid, regs.result()),
            _ => {
                if let Some(away) = self.threads.get_mut(&tid).and_then(Thread::away) {
                    away.shadow = Shadow::Parked;
                    if call.state == CallState::Waiting && away.recalling.is_none() && !others_first
                    {
                        self.go_ahead(tid)?;
                    }
                }
                self.go_on(tid, 0)
            }
        }
    }

    /// A home call is not made, or not again: the thread is cancelled in it.
    fn leave_call(&mut self, tid: Tid) -> Result<(), JobError> {
        let away = self.threads.get_mut(&tid).and_then(Thread::away);
        if let Some(call) = away.and_then(|away| away.call.as_mut()) {
            call.state = CallState::Done(i64::from(-libc::EINTR));
        }
        self.end_translated(tid);
        self.call_over(tid, false)
    }

    /// Lets a kernel thread go on in the stub after a signal that runs no handler, to surface at once.
    pub(super) fn resume_beneath(&mut self, tid: Tid, signal: i32) -> Result<(), JobError> {
        alive(ptrace::interrupt(tid), "stop a thread")?;
        self.resume(tid, signal)
    }
}
