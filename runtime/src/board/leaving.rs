//! Threads that go home: where they are, for a reason of home's or of their own, or at their next
//! equivalence point.

use super::messages::ToTracer;
use super::session::{Session, SessionEnd};
use super::threads::State;
use crate::guest::arch::Registers;
use crate::guest::ptrace::Tid;
use crate::wire::message::{CallCount, Context, Made, PendingCall, Why};

/// Why a thread is being stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// Home wants it.
    Recalled,
    /// It is about to make this call, which only home can make.
    Call(Made),
    /// It is about to make this call, by which it says that it is in its continuation.
    Parked(Made),
    /// An instruction caused a signal.
    Fault {
        signal: i32,
        code: i32,
        address: u64,
    },
}

impl Leaving {
    /// It stays so whatever home says: it is known why it leaves.
    fn is_settled(&self) -> bool {
        match self {
            Leaving::Recalled => false,
            Leaving::Call(_) | Leaving::Parked(_) => true,
            // A fault for which home is still looking a mapping up is none yet.
            Leaving::Fault { signal, .. } => *signal == libc::SIGTRAP,
        }
    }

    /// Whether it is in a call that home has not heard of.
    fn in_call(&self) -> bool {
        matches!(self, Leaving::Call(_) | Leaving::Parked(_))
    }

    /// Tells home.
    fn fill(self, context: &mut Context) {
        let why = match self {
            Leaving::Recalled => Why::Recalled,
            Leaving::Call(made) => {
                context.made = Some(made);
                Why::Call
            }
            Leaving::Parked(made) => {
                context.made = Some(made);
                Why::Parked
            }
            Leaving::Fault {
                signal,
                code,
                address,
            } => {
                (context.signal, context.code, context.address) = (signal, code, address);
                Why::Fault
            }
        };
        context.why = why as i32;
    }
}

impl Session {
    /// Home wants a thread back, as it is now.
    pub(super) fn recall(&mut self, tid: Tid) -> Result<(), SessionEnd> {
        let Some(thread) = self.threads.get_mut(tid) else {
            return Ok(());
        };
        if !thread.leaving.as_ref().is_some_and(Leaving::is_settled) {
            thread.leaving = Some(Leaving::Recalled);
        }
        self.tracer.send(ToTracer::Stop { thread: tid });
        self.ask_no_more(tid)
    }

    /// Home wants a thread back at its next equivalence point.
    pub(super) fn recall_at_point(&mut self, tid: Tid) -> Result<(), SessionEnd> {
        let Some(thread) = self.threads.get_mut(tid) else {
            return Ok(());
        };
        let leaves = match &thread.leaving {
            Some(leaving) => leaving.is_settled() || *leaving == Leaving::Recalled,
            None => false,
        };
        match thread.pthread {
            Some(pthread) if !leaves => self.ask(tid, pthread),
            // It leaves anyway, or libc does not know it.
            _ => Ok(()),
        }
    }

    /// A thread is stopped: it goes home.
    pub(super) fn hand_over(
        &mut self,
        tid: Tid,
        vessel: Tid,
        mut registers: Registers,
        extended: Vec<u8>,
        cpu_ns: u64,
    ) -> Result<(), SessionEnd> {
        if let Some(equipped) = &mut self.equipped {
            equipped.node.thread_gone(vessel as u32);
        }
        let Some(thread) = self.threads.gone(tid, vessel) else {
            return Ok(());
        };
        self.ask_no_more(tid)?;
        let leaving = thread.leaving.unwrap_or(Leaving::Recalled);
        let passed_on = !matches!(thread.state, State::Running);
        if (passed_on || leaving.in_call()) && !registers.call_will_restart() {
            // Stopped on its way back into the call.
            registers.enter_call();
        }
        let call = match thread.state {
            State::InCall { seq, nr, .. } => Some(PendingCall { seq, nr }),
            State::Answered { result, .. } => {
                registers.finish_call(result);
                None
            }
            // Home cannot see where its call is, but says what becomes of it.
            State::Running if self.asking.foreign() && leaving.in_call() => None,
            State::Running => {
                // About to make a call that was not passed on: it makes it where it goes on.
                if registers.call_will_restart() {
                    registers.rewind_call();
                }
                None
            }
        };
        let mut context = Context {
            thread: tid as u32,
            sp: registers.sp(),
            regs: registers.to_bytes().into(),
            extended: extended.into(),
            call,
            cpu_ns,
            faults: thread.faults,
            calls: thread
                .calls
                .into_iter()
                .map(|(nr, count)| CallCount { nr, count })
                .collect(),
            ..Context::default()
        };
        leaving.fill(&mut context);
        self.say(context.into());
        Ok(())
    }
}
