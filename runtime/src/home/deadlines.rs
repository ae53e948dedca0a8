//! Calls that are made again after a stop drove their thread out of them ([`crate::calls::driven_out`]).
//! Their timeouts stand where they cannot be shortened unseen: in registers that the program gets back,
//! in its memory, in a socket. So a call is made again as it was, and the supervisor ends it when its
//! time is over: it stops the thread, and what is driven out then has timed out.
//!
//! When a thread at home entered its call nobody knows: its time counts from the first stop.

use std::time::{Duration, Instant};

use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::Pid;

use super::error::JobError;
use super::supervisor::{Supervisor, alive};
use super::thread::{CallState, Thread};
use crate::calls::{self, Patience};
use crate::guest::arch::Registers;
use crate::guest::equip::fetch_fd;
use crate::guest::ptrace::{self, Tid};
use crate::memory::remote;

/// When the call that a thread makes again is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    at: Instant,
    /// The thread has been asked to stop because of it.
    asked: bool,
}

impl Supervisor {
    /// Has a call made again, or gone on with, that a stopped thread was driven out of without cause,
    /// or ends it if its time is over: then the result is returned. If a handler is to run now, there is
    /// a cause: natively it would have ended the call.
    pub(super) fn mend_interrupted(&mut self, tid: Tid) -> Result<Option<i64>, JobError> {
        let Some(mut regs) = alive(ptrace::registers(tid), "read registers")? else {
            return Ok(None);
        };
        self.mend_cut_short(tid, &mut regs)?;
        self.mend_driven_out(tid)
    }

    /// The same, but for calls that were cut short.
    pub(super) fn mend_driven_out(&mut self, tid: Tid) -> Result<Option<i64>, JobError> {
        let Some(mut regs) = alive(ptrace::registers(tid), "read registers")? else {
            return Ok(None);
        };
        if !calls::driven_out(&regs) {
            return Ok(None);
        }
        self.note_deadline(tid, &regs);
        let mut result = None;
        if let Some(nr) = regs.call_in_progress().filter(|_| self.is_over(tid)) {
            self.deadlines.remove(&tid);
            regs.finish_call(calls::timed_out(nr as i64));
            self.end_remainder(tid, &mut regs);
            result = Some(regs.result());
        } else {
            regs.restart_unless_handled();
        }
        self.stand(tid, &regs, 0)?;
        Ok(result)
    }

    /// Whether the time of the call that a thread makes again is over.
    pub(super) fn is_over(&self, tid: Tid) -> bool {
        let deadline = self.deadlines.get(&tid);
        deadline.is_some_and(|deadline| deadline.at <= Instant::now())
    }

    /// A thread with `regs` is about to make a call again: remembers when that must end.
    pub(super) fn note_deadline(&mut self, tid: Tid, regs: &Registers) {
        if self.deadlines.contains_key(&tid) {
            return;
        }
        let nr = regs.call_in_progress().map_or(-1, |nr| nr as i64);
        let patience = calls::patience(nr, &regs.call_arguments());
        let Some(patience) = patience.and_then(|patience| measure(tid, patience)) else {
            return;
        };
        let away = self.threads.get_mut(&tid).and_then(Thread::away);
        let call = away.and_then(|a| a.call);
        let begun = call.filter(|c| c.state == CallState::Running);
        let begun = begun.map_or_else(Instant::now, |c| c.since);
        if let Some(at) = begun.checked_add(patience) {
            self.deadlines.insert(tid, Deadline { at, asked: false });
        }
    }

    /// Stops the threads whose calls have lasted long enough.
    pub(super) fn end_calls(&mut self) -> Result<(), JobError> {
        if self.deadlines.is_empty() {
            return Ok(());
        }
        let now = Instant::now();
        for (tid, deadline) in &mut self.deadlines {
            if deadline.at <= now && !deadline.asked {
                deadline.asked = true;
                alive(ptrace::interrupt(*tid), "stop a thread")?;
            }
        }
        Ok(())
    }

    /// When [`Supervisor::end_calls`] has something to do.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let open = self.deadlines.values().filter(|d| !d.asked);
        open.map(|d| d.at).min()
    }

    /// A thread with a deadline goes on: its stop may have used up the one that was asked for.
    pub(super) fn keep_deadline(&mut self, tid: Tid) -> bool {
        let deadline = self.deadlines.get_mut(&tid);
        deadline.map(|d| d.asked = false).is_some()
    }
}

/// How long that is for a thread; `None`: for ever, or nobody can tell.
fn measure(tid: Tid, patience: Patience) -> Option<Duration> {
    let limit = match patience {
        Patience::Endless => return None,
        Patience::For(limit) => return Some(limit),
        Patience::At(address) => {
            let mut time = [0u8; 16];
            remote::read_into(Pid::from_raw(tid), address, &mut time).ok()?;
            let half = |i: usize| i64::from_ne_bytes(std::array::from_fn(|k| time[8 * i + k]));
            let (seconds, nanoseconds) = (half(0).try_into().ok()?, half(1).try_into().ok()?);
            return Some(Duration::new(seconds, nanoseconds));
        }
        Patience::Receiving(fd) => {
            getsockopt(&fetch_fd(tid, fd).ok()?, sockopt::ReceiveTimeout).ok()?
        }
        Patience::Sending(fd) => getsockopt(&fetch_fd(tid, fd).ok()?, sockopt::SendTimeout).ok()?,
    };
    let limit = Duration::new(
        limit.tv_sec().try_into().ok()?,
        u32::try_from(limit.tv_usec()).ok()?.checked_mul(1000)?,
    );
    // Zero means that there is none.
    (!limit.is_zero()).then_some(limit)
}
