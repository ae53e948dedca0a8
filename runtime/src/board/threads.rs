//! The offloaded threads of a session: their calls and their faults.

use std::collections::BTreeMap;

use tokio::sync::mpsc::UnboundedReceiver;

use super::leaving::Leaving;
use super::messages::Used;
use super::messages::{FromTracer, ToTracer};
use super::session::{Session, SessionEnd};
use crate::calls::{self, Route};
use crate::continuations;
use crate::guest::arch;
use crate::guest::procfs;
use crate::guest::ptrace::Tid;
use crate::guest::seccomp::{Answered, WaitingCall};
use crate::report::call_name;
use crate::wire::message::{Call, Made, MapRequest, PendingCall, ThreadUsage, Usage};

/// What a thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It runs, as far as this session knows.
    Running,
    /// It waits for a home call; until it has made it here, there is nothing to answer yet.
    InCall { seq: u32, nr: i64, id: Option<u64> },
    /// The call's result is here, but the thread was interrupted before it got it.
    Answered { nr: i64, result: i64 },
}

pub(super) struct Thread {
    vessel: Option<Tid>,
    /// Where its struct pthread is (docs/continuations.md, "The thread"), if it has one of its own.
    pub pthread: Option<u64>,
    pub state: State,
    seq: u32,
    /// Why it is being stopped, if it is.
    pub leaving: Option<Leaving>,
    pub faults: u64,
    /// Calls of which home does not hear otherwise, by number.
    pub calls: BTreeMap<i64, u64>,
}

/// All of them.
#[derive(Default)]
pub(super) struct Threads {
    threads: BTreeMap<Tid, Thread>,
    by_vessel: BTreeMap<Tid, Tid>,
}

impl Threads {
    /// Home sends a thread. In the middle of a call, it makes the call here to wait for it.
    pub fn announced(&mut self, thread: Tid, call: Option<PendingCall>, pthread: Option<u64>) {
        let state = call.map_or(State::Running, |call| State::InCall {
            seq: call.seq,
            nr: call.nr,
            id: None,
        });
        let fresh = Thread {
            vessel: None,
            pthread,
            state,
            seq: call.map_or(0, |call| call.seq),
            leaving: None,
            faults: 0,
            calls: BTreeMap::new(),
        };
        self.threads.insert(thread, fresh);
    }

    /// It got a vessel.
    pub fn started(&mut self, thread: Tid, vessel: Tid) {
        if let Some(t) = self.threads.get_mut(&thread) {
            t.vessel = Some(vessel);
        }
        self.by_vessel.insert(vessel, thread);
    }

    /// One that is here.
    pub fn get_mut(&mut self, thread: Tid) -> Option<&mut Thread> {
        self.threads.get_mut(&thread)
    }

    /// It left, and its vessel carries nobody.
    pub fn gone(&mut self, thread: Tid, vessel: Tid) -> Option<Thread> {
        self.by_vessel.remove(&vessel);
        self.threads.remove(&thread)
    }

    /// What each does, in words.
    pub fn describe(&self) -> Vec<String> {
        let one = |(tid, thread): (&Tid, &Thread)| {
            let vessel = match thread.vessel {
                Some(vessel) => format!("in vessel {vessel}"),
                None => "not begun".to_owned(),
            };
            let state = match thread.state {
                State::Running => "runs".to_owned(),
                State::InCall { nr, seq, id } => {
                    let made = if id.is_some() { "made" } else { "not made yet" };
                    format!("waits for home call {seq}, {} ({made} here)", call_name(nr))
                }
                State::Answered { nr, .. } => format!("gets the answer of {}", call_name(nr)),
            };
            let leaving = thread.leaving.as_ref();
            let leaving = leaving.map(|why| format!(", leaving: {why:?}"));
            let leaving = leaving.unwrap_or_default();
            format!(
                "thread {tid}: {vessel}, {state}{leaving}, {} faults",
                thread.faults
            )
        };
        self.threads.iter().map(one).collect()
    }

    /// It waits for a page. Returns which thread it is; 0: none.
    pub fn faulted(&mut self, vessel: Tid) -> Tid {
        let Some(thread) = self.by_vessel.get(&vessel) else {
            return 0;
        };
        if let Some(t) = self.threads.get_mut(thread) {
            t.faults += 1;
        }
        *thread
    }
}

impl Session {
    /// Takes the system calls that wait.
    pub(super) fn read_calls(
        &mut self,
        tracer: &mut UnboundedReceiver<FromTracer>,
    ) -> Result<(), SessionEnd> {
        let failed =
            |e: std::io::Error| SessionEnd::Here(format!("cannot take the replica's calls: {e}"));
        loop {
            let Some(equipped) = &self.equipped else {
                return Ok(());
            };
            if !equipped.calls.more() {
                return Ok(());
            }
            let Some(call) = equipped.calls.receive().map_err(failed)? else {
                continue;
            };
            if call.caller == equipped.seed {
                equipped.calls.let_through(call.id).map_err(failed)?;
                continue;
            }
            // Which thread a vessel carries is said before it runs: what was said until now is taken
            // in, so that the call is not another thread's that the vessel carried before.
            while let Ok(message) = tracer.try_recv() {
                self.on_tracer(message)?;
            }
            // A call that still waits was made by the thread that the vessel carries now; one that
            // was interrupted meanwhile will be made again.
            let equipped = self.equipped.as_ref().expect("a call came through it");
            if !equipped.calls.is_waiting(call.id) {
                continue;
            }
            if !self.threads.by_vessel.contains_key(&call.caller) {
                return Err(SessionEnd::Here(
                    "a call came from an unknown thread".into(),
                ));
            }
            self.on_call(call)?;
        }
    }

    fn on_call(&mut self, call: WaitingCall) -> Result<(), SessionEnd> {
        let tid = self.threads.by_vessel[&call.caller];
        let thread = self
            .threads
            .threads
            .get_mut(&tid)
            .expect("a vessel carries a known thread");
        match thread.state {
            // Interrupted in the call, and making it again.
            State::InCall { seq, nr, .. } => {
                let id = Some(call.id);
                thread.state = State::InCall { seq, nr, id };
                return Ok(());
            }
            State::Answered { nr, result } => {
                thread.state = State::InCall {
                    seq: thread.seq,
                    nr,
                    id: Some(call.id),
                };
                return self.on_reply(tid, self.threads.threads[&tid].seq, result);
            }
            State::Running => {}
        }
        if thread.leaving.is_some() {
            // It is being stopped; it makes the call again wherever it goes on.
            return Ok(());
        }
        let native = call.arch == arch::AUDIT_ARCH;
        if !native && self.asking.foreign() {
            // Home cannot tell which call it is, and nobody can make it here.
            return Err(SessionEnd::Here(format!(
                "a thread made a system call of another kind ({:#x}) than programs of rtx-cc do",
                call.arch
            )));
        }
        let made = || Made {
            nr: call.nr,
            args: call.args.to_vec(),
        };
        if native && call.nr == continuations::PARK && self.asking.points.is_some() {
            thread.leaving = Some(Leaving::Parked(made()));
            self.tracer.send(ToTracer::Stop { thread: tid });
            return Ok(());
        }
        let route = if native {
            calls::route(call.nr)
        } else {
            Route::Native
        };
        if route != Route::Home {
            *thread.calls.entry(call.nr).or_default() += 1;
        }
        match route {
            Route::Local => {
                let equipped = self.equipped.as_ref().expect("a call came through it");
                let answered = equipped.calls.let_through(call.id);
                answered
                    .map(drop)
                    .map_err(|e| SessionEnd::Here(format!("cannot answer a call: {e}")))
            }
            Route::Home => {
                thread.seq += 1;
                let seq = thread.seq;
                thread.state = State::InCall {
                    seq,
                    nr: call.nr,
                    id: Some(call.id),
                };
                let (ip, sp) = if self.asking.foreign() {
                    (call.pc, self.stack_in(&call))
                } else {
                    (0, 0)
                };
                let message = Call {
                    thread: tid as u32,
                    seq,
                    nr: call.nr,
                    args: call.args.to_vec(),
                    ip,
                    sp,
                };
                self.say(message.into());
                // Home is about to work on the thread's memory.
                if let Some(equipped) = &mut self.equipped {
                    equipped.node.thread_rests(call.caller as u32);
                }
                Ok(())
            }
            Route::Native => {
                thread.leaving = Some(Leaving::Call(made()));
                self.tracer.send(ToTracer::Stop { thread: tid });
                Ok(())
            }
        }
    }

    /// The stack pointer of a thread in its call, also if that has been interrupted meanwhile.
    fn stack_in(&self, call: &WaitingCall) -> u64 {
        let equipped = self.equipped.as_ref().expect("a call came through it");
        let pid = equipped.node.memory.pid.as_raw();
        loop {
            if let Some(sp) = procfs::stack_pointer(pid, call.caller) {
                return sp;
            }
            if procfs::has_ended(pid, call.caller) {
                return 0; // the replica ends
            }
            // The kernel tells once the thread sleeps or is stopped, which it is about to.
            std::thread::yield_now();
        }
    }

    /// Home made a call.
    pub(super) fn on_reply(&mut self, tid: Tid, seq: u32, result: i64) -> Result<(), SessionEnd> {
        let Some(thread) = self.threads.threads.get_mut(&tid) else {
            return Ok(());
        };
        let State::InCall {
            seq: waiting,
            nr,
            id,
        } = thread.state
        else {
            return Ok(());
        };
        if waiting != seq {
            return Ok(());
        }
        let Some(id) = id else {
            thread.state = State::Answered { nr, result };
            return Ok(());
        };
        let equipped = self.equipped.as_ref().expect("a thread runs in it");
        let answered = equipped.calls.answer(id, result);
        thread.state =
            match answered.map_err(|e| SessionEnd::Here(format!("cannot answer a call: {e}")))? {
                Answered::Yes => State::Running,
                Answered::Interrupted => State::Answered { nr, result },
            };
        Ok(())
    }

    /// A thread stopped for a signal that its own instruction caused.
    pub(super) fn on_fault_signal(
        &mut self,
        tid: Tid,
        signal: i32,
        code: i32,
        address: u64,
    ) -> Result<(), SessionEnd> {
        const SEGV_MAPERR: i32 = 1;
        const SEGV_ACCERR: i32 = 2;
        let Some(thread) = self.threads.threads.get_mut(&tid) else {
            return Ok(());
        };
        let fault = |leaving: &Leaving| matches!(leaving, Leaving::Fault { .. });
        if thread.leaving.as_ref().is_some_and(|l| !fault(l)) {
            // Its stop is asked for already; the fault will happen again where it goes on.
            self.tracer.send(ToTracer::Stop { thread: tid });
            return Ok(());
        }
        thread.leaving = Some(Leaving::Fault {
            signal,
            code,
            address,
        });
        if signal == libc::SIGSEGV && (code == SEGV_MAPERR || code == SEGV_ACCERR) {
            // Only if home has nothing better for this address does the thread leave.
            self.say(
                MapRequest {
                    thread: tid as u32,
                    addr: address,
                    write: false,
                }
                .into(),
            );
        } else {
            self.tracer.send(ToTracer::Stop { thread: tid });
        }
        Ok(())
    }

    /// A thread that faulted may go on.
    pub(super) fn retry(&mut self, tid: Tid) {
        if let Some(thread) = self.threads.threads.get_mut(&tid) {
            if matches!(thread.leaving, Some(Leaving::Fault { .. })) {
                thread.leaving = None;
            }
            self.tracer.send(ToTracer::Retry { thread: tid });
        }
    }

    /// Tells home what the threads have used here.
    pub(super) fn say_usage(&mut self, token: u64, used: &[Used]) {
        let faults = |thread: Tid| self.threads.threads.get(&thread).map_or(0, |t| t.faults);
        let threads = used
            .iter()
            .map(|used| ThreadUsage {
                thread: used.thread as u32,
                cpu_ns: used.cpu_ns,
                faults: faults(used.thread),
                delay_ns: used.delay_ns,
            })
            .collect();
        // Who hears of faults also wants to know what they cost.
        self.send_fault_times();
        let usage = Usage { threads, token };
        self.say(usage.into());
    }

    /// Stops or continues all threads.
    pub(super) fn freeze(&mut self, on: bool) -> Result<(), SessionEnd> {
        self.frozen = on;
        self.tracer.send(ToTracer::Freeze(on));
        Ok(())
    }
}
