//! Looking at the threads of a replica for home's backtraces: each is stopped for a moment.

use nix::unistd::Pid;

use super::messages::FromTracer;
use super::replica::ReplicaError;
use super::session::Session;
use super::tracer::{Tracer, Vessel, failed};
use crate::guest::ptrace::{self, Tid};
use crate::memory::remote::Memory;
use crate::trace::Snapshot;
use crate::trace::snapshot::THREADS;
use crate::wire::message::Trace;

impl Tracer {
    /// Looks at every thread: those that run once they have stopped.
    pub(super) fn look_for_all(&mut self) -> Result<(), ReplicaError> {
        let carrying = self.vessels.iter().filter(|(_, v)| **v != Vessel::Idle);
        let carrying: Vec<_> = carrying.take(THREADS).map(|(t, v)| (*t, *v)).collect();
        for (vessel, state) in carrying {
            match state {
                Vessel::Running { .. } => {
                    self.looked_for.insert(vessel);
                    ptrace::interrupt(vessel).map_err(failed("stop a thread of"))?;
                }
                state => self.look(vessel, state)?,
            }
        }
        Ok(())
    }

    /// Takes a snapshot of a vessel's thread. Of one that is about to go home none is needed.
    pub(super) fn look(&self, vessel: Tid, state: Vessel) -> Result<(), ReplicaError> {
        let (Vessel::Running { thread, .. }
        | Vessel::Faulted { thread, .. }
        | Vessel::Frozen { thread, .. }) = state
        else {
            return Ok(());
        };
        let registers = ptrace::registers(vessel).map_err(failed("read registers in"))?;
        let Ok(memory) = Memory::open(Pid::from_raw(vessel)) else {
            // No memory can be read: home says that there is no trace.
            return Ok(());
        };
        let snapshot = Snapshot::take(&memory, registers.to_bytes(), registers.sp());
        self.say(FromTracer::Looked { thread, snapshot });
        Ok(())
    }
}

impl Session {
    /// Sends home what a thread's backtrace needs.
    pub(super) fn say_trace(&mut self, thread: Tid, snapshot: Snapshot) {
        let Snapshot {
            registers,
            sp,
            stack,
        } = snapshot;
        let trace = Trace {
            thread: thread as u32,
            regs: registers.into(),
            sp,
            stack: stack.into(),
        };
        self.say(trace.into());
    }
}
