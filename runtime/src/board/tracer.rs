//! The tracer thread of a board's session: makes the replica, gives threads their contexts, takes
//! them back, and reports faults that the memory alone cannot explain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, Sender};

use tokio::sync::mpsc::UnboundedSender;

use super::begin::Begin;
use super::messages::{FromTracer, ToTracer, Used};
use super::replica::{self, Replica, ReplicaError};
use crate::guest::bell::{Bell, Sleeper};
use crate::guest::procfs;
use crate::guest::ptrace::{self, Tid};
use crate::guest::stop::Stop;
use crate::report::chain;

/// What a vessel does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vessel {
    /// Nothing: stopped, ready for a thread.
    Idle,
    /// It carries this thread, which runs.
    Running { thread: Tid, since_ns: u64 },
    /// It was asked to stop, to hand over the thread.
    Stopping { thread: Tid, since_ns: u64 },
    /// Stopped after a fault.
    Faulted { thread: Tid, since_ns: u64 },
    /// Stopped with all others.
    Frozen { thread: Tid, since_ns: u64 },
}

/// The tracer's state.
pub struct Tracer {
    replica: Option<Replica>,
    pub(super) vessels: BTreeMap<Tid, Vessel>,
    /// How long each vessel had waited for a core when it was last given a thread, in nanoseconds.
    delays: BTreeMap<Tid, u64>,
    /// Vessels to be looked at when they stop.
    pub(super) looked_for: BTreeSet<Tid>,
    frozen: bool,
    ended: bool,
    inbox: Receiver<ToTracer>,
    outbox: UnboundedSender<FromTracer>,
    sleeper: Sleeper,
}

/// Sends to a tracer and wakes it.
#[derive(Clone)]
pub struct TracerHandle {
    sender: Sender<ToTracer>,
    bell: Bell,
}

impl TracerHandle {
    /// Sends; a tracer that is gone has said so.
    pub fn send(&self, message: ToTracer) {
        let _ = self.sender.send(message);
        self.bell.ring();
    }
}

/// Starts a tracer thread.
pub fn start(
    outbox: UnboundedSender<FromTracer>,
) -> std::io::Result<(TracerHandle, std::thread::JoinHandle<()>)> {
    let (sender, inbox) = std::sync::mpsc::channel();
    let (bell_sender, bell) = std::sync::mpsc::channel();
    let thread = std::thread::Builder::new()
        .name("rtx-tracer".into())
        .spawn(move || {
            let sleeper = match Sleeper::new() {
                Ok(sleeper) => sleeper,
                Err(e) => {
                    let _ =
                        outbox.send(FromTracer::Failed(format!("cannot wait for threads: {e}")));
                    return;
                }
            };
            let _ = bell_sender.send(sleeper.bell());
            let mut tracer = Tracer {
                replica: None,
                vessels: BTreeMap::new(),
                delays: BTreeMap::new(),
                looked_for: BTreeSet::new(),
                frozen: false,
                ended: false,
                inbox,
                outbox,
                sleeper,
            };
            if let Err(e) = tracer.run() {
                let _ = tracer.outbox.send(FromTracer::Failed(chain(&e)));
            }
            tracer.end();
        })?;
    let bell = bell.recv().map_err(std::io::Error::other)?;
    Ok((TracerHandle { sender, bell }, thread))
}

impl Tracer {
    fn run(&mut self) -> Result<(), ReplicaError> {
        loop {
            loop {
                match self.inbox.try_recv() {
                    Ok(message) => self.on_message(message)?,
                    Err(std::sync::mpsc::TryRecvError::Empty) => break,
                    Err(std::sync::mpsc::TryRecvError::Disconnected) => self.ended = true,
                }
                if self.ended {
                    return Ok(());
                }
            }
            while let Some((tid, status)) = ptrace::wait(-1, false).map_err(failed("wait for"))? {
                self.on_stop(tid, Stop::decode(status))?;
                if self.ended {
                    return Ok(());
                }
            }
            self.sleeper
                .sleep(None)
                .map_err(|e| failed("wait for")(e.into()))?;
        }
    }

    fn end(&mut self) {
        if let Some(replica) = self.replica.take() {
            // SAFETY: kill takes integers; the replica is our tracee and not reaped.
            unsafe { libc::kill(replica.pid, libc::SIGKILL) };
            while let Ok(Some(_)) = ptrace::wait(-1, true) {}
        }
        let _ = self.outbox.send(FromTracer::Gone);
    }

    fn on_message(&mut self, message: ToTracer) -> Result<(), ReplicaError> {
        match message {
            ToTracer::Prepare { stub, clocks_agree } => {
                let (replica, fds) = replica::make(stub, clocks_agree)?;
                let copy = Replica {
                    pid: replica.pid,
                    seed: replica.seed,
                    stub: replica.stub,
                };
                self.replica = Some(replica);
                self.say(FromTracer::Ready(Box::new(fds), copy));
                Ok(())
            }
            ToTracer::Start { thread, begin } => self.start_thread(thread, begin),
            ToTracer::Stop { thread } => self.stop_thread(thread),
            ToTracer::Retry { thread } => self.retry(thread),
            ToTracer::Freeze(on) => self.freeze(on),
            ToTracer::Look => self.look_for_all(),
            ToTracer::Usage { token } => {
                let used = self.usage();
                self.say(FromTracer::Usage { token, used });
                Ok(())
            }
            ToTracer::End => {
                self.ended = true;
                Ok(())
            }
        }
    }

    pub(super) fn say(&self, message: FromTracer) {
        let _ = self.outbox.send(message);
    }

    fn start_thread(&mut self, thread: Tid, begin: Begin) -> Result<(), ReplicaError> {
        let replica = self.replica.as_ref().expect("Prepare comes before Start");
        let idle = self
            .vessels
            .iter()
            .find(|(_, v)| **v == Vessel::Idle)
            .map(|(t, _)| *t);
        let vessel = match idle {
            Some(vessel) => vessel,
            None => replica.vessel()?,
        };
        let (since_ns, delay) = procfs::cpu_ns(replica.pid, vessel).unwrap_or_default();
        self.delays.insert(vessel, delay);
        let (registers, extended) = match begin {
            Begin::From(registers, extended) => (*registers, extended),
            Begin::Resume(at) => replica.fresh(at).map_err(failed("read registers in"))?,
        };
        ptrace::set_registers(vessel, &registers).map_err(failed("write registers in"))?;
        ptrace::set_extended(vessel, &extended).map_err(failed("write registers in"))?;
        // Said before it runs, so that its first call is known to be its own.
        self.say(FromTracer::Started { thread, vessel });
        self.let_run(vessel, thread, since_ns)
    }

    /// Lets a stopped vessel run, unless all are frozen: then it waits for the end of that.
    fn let_run(&mut self, vessel: Tid, thread: Tid, since_ns: u64) -> Result<(), ReplicaError> {
        if self.frozen {
            self.vessels
                .insert(vessel, Vessel::Frozen { thread, since_ns });
            return Ok(());
        }
        self.vessels
            .insert(vessel, Vessel::Running { thread, since_ns });
        ptrace::cont(vessel, 0).map_err(failed("resume a thread of"))
    }

    fn vessel_of(&self, wanted: Tid) -> Option<(Tid, Vessel)> {
        self.vessels.iter().map(|(t, v)| (*t, *v)).find(|(_, v)| {
            matches!(*v, Vessel::Running { thread, .. } | Vessel::Stopping { thread, .. }
                | Vessel::Faulted { thread, .. } | Vessel::Frozen { thread, .. } if thread == wanted)
        })
    }

    fn stop_thread(&mut self, wanted: Tid) -> Result<(), ReplicaError> {
        match self.vessel_of(wanted) {
            Some((vessel, Vessel::Running { thread, since_ns })) => {
                self.vessels
                    .insert(vessel, Vessel::Stopping { thread, since_ns });
                ptrace::interrupt(vessel).map_err(failed("stop a thread of"))
            }
            Some((
                vessel,
                Vessel::Faulted { thread, since_ns } | Vessel::Frozen { thread, since_ns },
            )) => self.hand_over(vessel, thread, since_ns),
            _ => Ok(()),
        }
    }

    fn hand_over(&mut self, vessel: Tid, thread: Tid, since_ns: u64) -> Result<(), ReplicaError> {
        let pid = self.replica.as_ref().expect("a vessel exists").pid;
        let registers = ptrace::registers(vessel).map_err(failed("read registers in"))?;
        let extended = ptrace::extended(vessel).map_err(failed("read registers in"))?;
        let cpu = procfs::cpu_ns(pid, vessel).map_or(0, |c| c.0);
        self.vessels.insert(vessel, Vessel::Idle);
        self.say(FromTracer::Stopped {
            thread,
            vessel,
            registers: Box::new(registers),
            extended,
            cpu_ns: cpu.saturating_sub(since_ns),
        });
        Ok(())
    }

    /// What each thread that is here has used since it came, in nanoseconds. The kernel's figure for
    /// one that computes right now may be a tick old.
    fn usage(&self) -> Vec<Used> {
        let Some(replica) = &self.replica else {
            return Vec::new();
        };
        let used = |(vessel, state): (&Tid, &Vessel)| match *state {
            Vessel::Idle => None,
            Vessel::Running { thread, since_ns }
            | Vessel::Stopping { thread, since_ns }
            | Vessel::Faulted { thread, since_ns }
            | Vessel::Frozen { thread, since_ns } => {
                let (cpu, delay) = procfs::cpu_ns(replica.pid, *vessel).unwrap_or_default();
                let before = self.delays.get(vessel).copied().unwrap_or(0);
                Some(Used {
                    thread,
                    cpu_ns: cpu.saturating_sub(since_ns),
                    delay_ns: delay.saturating_sub(before),
                })
            }
        };
        self.vessels.iter().filter_map(used).collect()
    }

    fn retry(&mut self, wanted: Tid) -> Result<(), ReplicaError> {
        if let Some((vessel, Vessel::Faulted { thread, since_ns })) = self.vessel_of(wanted) {
            return self.let_run(vessel, thread, since_ns);
        }
        Ok(())
    }

    fn freeze(&mut self, on: bool) -> Result<(), ReplicaError> {
        self.frozen = on;
        for (vessel, state) in self.vessels.clone() {
            match state {
                Vessel::Running { .. } if on => {
                    ptrace::interrupt(vessel).map_err(failed("stop a thread of"))?;
                }
                Vessel::Frozen { thread, since_ns } if !on => {
                    self.let_run(vessel, thread, since_ns)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn on_stop(&mut self, tid: Tid, stop: Stop) -> Result<(), ReplicaError> {
        if stop.is_end() {
            if self.replica.as_ref().is_some_and(|r| r.pid == tid) {
                self.replica = None;
                self.ended = true;
            }
            return Ok(());
        }
        let Some(state) = self.vessels.get(&tid).copied() else {
            // The leader or the seed: nothing but a stray signal.
            return ptrace::cont(tid, 0).map_err(failed("resume"));
        };
        if self.looked_for.remove(&tid) {
            self.look(tid, state)?;
        }
        match (stop, state) {
            (
                Stop::Signal(signal),
                Vessel::Running { thread, since_ns } | Vessel::Stopping { thread, since_ns },
            ) => {
                let info = ptrace::signal_info(tid).map_err(failed("read a signal of"))?;
                if matches!(state, Vessel::Stopping { .. }) {
                    // The fault will happen again where the thread goes on; a trap must be met again.
                    if signal == libc::SIGTRAP && info.code > 0 {
                        let mut regs =
                            ptrace::registers(tid).map_err(failed("read registers in"))?;
                        regs.rewind_trap();
                        ptrace::set_registers(tid, &regs).map_err(failed("write registers in"))?;
                    }
                    return self.hand_over(tid, thread, since_ns);
                }
                if info.code <= 0 {
                    // Somebody on this machine sent it; it is not the program's.
                    return ptrace::cont(tid, 0).map_err(failed("resume"));
                }
                self.vessels
                    .insert(tid, Vessel::Faulted { thread, since_ns });
                self.say(FromTracer::Fault {
                    thread,
                    signal,
                    code: info.code,
                    address: info.address,
                });
                Ok(())
            }
            // Stopped between an instruction and the signal that it caused: that comes next.
            (Stop::Trap, Vessel::Stopping { .. } | Vessel::Running { .. })
                if ptrace::fault_is_pending(tid).map_err(failed("look for signals of"))? =>
            {
                ptrace::cont(tid, 0).map_err(failed("resume"))
            }
            (_, Vessel::Stopping { thread, since_ns }) => self.hand_over(tid, thread, since_ns),
            (Stop::Trap, Vessel::Running { thread, since_ns }) if self.frozen => {
                self.vessels
                    .insert(tid, Vessel::Frozen { thread, since_ns });
                Ok(())
            }
            (_, Vessel::Running { .. }) => ptrace::cont(tid, 0).map_err(failed("resume")),
            _ => Ok(()),
        }
    }
}

pub(super) fn failed(what: &'static str) -> impl Fn(std::io::Error) -> ReplicaError {
    move |e| ReplicaError::Step(what, e)
}
