//! Running a system call inside a stopped thread, synchronously.
//!
//! The thread's registers are saved and restored around it and its signals blocked meanwhile, so
//! that afterwards it goes on as if nothing had been. Restoring the registers of a thread that
//! was stopped in a call lets the kernel restart that call (findings: transparent on both ISAs).

use std::io;
use std::time::Duration;

use super::arch::{self, Registers};
use super::procfs;
use super::ptrace::{self, Tid};
use super::stop::Stop;

/// How often a process's first thread is looked at before looks are spaced.
const QUICK_LOOKS: u32 = 50;
/// The time between later looks.
const BETWEEN_LOOKS: Duration = Duration::from_micros(50);

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum InjectError {
    /// The thread ended (killed) before the call returned; its wait status, which the caller must
    /// still handle, if there was one.
    #[error("thread {0} ended during an injected call")]
    Ended(Tid, Option<i32>),
    /// A ptrace request failed.
    #[error("cannot {1} thread {0}")]
    Ptrace(Tid, &'static str, #[source] io::Error),
    /// The call itself failed.
    #[error("injected {1} failed in thread {0}")]
    Call(Tid, &'static str, #[source] io::Error),
}

/// A stopped thread into which calls are injected.
pub struct Injector {
    tid: Tid,
    pid: Tid,
    saved: Registers,
    mask: u64,
    stop_again: Option<i32>,
    stops: u64,
}

impl Injector {
    /// Begins injecting into `tid` of process `pid`, which must be in a ptrace-stop outside of
    /// clone and exit events.
    pub fn begin(pid: Tid, tid: Tid) -> Result<Injector, InjectError> {
        let mut saved = ptrace::registers(tid).map_err(failed(tid, "read the registers of"))?;
        let mask = ptrace::signal_mask(tid).map_err(failed(tid, "read the signal mask of"))?;
        ptrace::set_signal_mask(tid, u64::MAX).map_err(failed(tid, "block the signals of"))?;
        arch::confirm_restart(pid, tid, &mut saved)?;
        Ok(Injector {
            tid,
            pid,
            saved,
            mask,
            stop_again: None,
            stops: 0,
        })
    }

    /// The thread.
    pub fn tid(&self) -> Tid {
        self.tid
    }

    /// The registers the thread had, and will have again.
    pub fn saved(&self) -> &Registers {
        &self.saved
    }

    /// Runs system call `nr` at `at`, the address of an instruction that enters the kernel, returning
    /// what it returned (-errno on failure).
    pub fn raw(&mut self, at: u64, nr: i64, args: [u64; 6]) -> Result<i64, InjectError> {
        let mut regs = self.saved;
        regs.prepare_call(at, nr as u64, args);
        self.run(&regs)
    }

    /// Runs the thread with `regs`, which are at a system call, to the end of that call and returns its
    /// result. No trap instruction tells of the end, because its signal would cost a program that
    /// blocks or ignores SIGTRAP its handler.
    pub fn run(&mut self, regs: &Registers) -> Result<i64, InjectError> {
        let tid = self.tid;
        let fail = |what| failed(tid, what);
        ptrace::set_registers(tid, regs).map_err(fail("write the registers of"))?;
        loop {
            if self.go_on(ptrace::cont_to_call)? != Stop::Call
                || ptrace::enters_call(tid).map_err(fail("read the stop of"))?
            {
                continue;
            }
            let regs = ptrace::registers(tid).map_err(fail("read the registers of"))?;
            if !regs.call_will_restart() {
                return Ok(regs.result());
            }
        }
    }

    /// Lets the thread run to its next stop.
    fn go_on(&mut self, how: fn(Tid, i32) -> io::Result<()>) -> Result<Stop, InjectError> {
        how(self.tid, 0).map_err(failed(self.tid, "resume"))?;
        let stop = self.wait()?;
        match stop {
            // Cannot be blocked; keep it for later.
            Stop::Signal(signal) => self.stop_again = Some(signal),
            Stop::Trap | Stop::Group(_) | Stop::Clone | Stop::Call => {}
            _ => unreachable!("thread {}: {stop:?} during an injected call", self.tid),
        }
        Ok(stop)
    }

    fn wait(&mut self) -> Result<Stop, InjectError> {
        let tid = self.tid;
        match self.next_report().map_err(failed(tid, "wait for"))? {
            None => Err(InjectError::Ended(tid, None)),
            Some((_, status)) => {
                self.stops += 1;
                let stop = Stop::decode(status);
                // Another thread that executes a program takes the place of the first.
                if stop.is_end() || matches!(stop, Stop::Exiting | Stop::Exec) {
                    return Err(InjectError::Ended(tid, Some(status)));
                }
                Ok(stop)
            }
        }
    }

    /// What is reported of the thread next; nothing if it has ended without a report.
    fn next_report(&self) -> io::Result<Option<(Tid, i32)>> {
        if self.tid != self.pid {
            return ptrace::wait(self.tid, true);
        }
        // Another thread's exec kills the first one, whose end is reported after the others'. They wait for
        // us meanwhile.
        let mut looks = 0;
        loop {
            if let Some(report) = ptrace::wait(self.tid, false)? {
                return Ok(Some(report));
            }
            if procfs::has_ended(self.pid, self.tid) {
                return ptrace::wait(self.tid, false);
            }
            looks += 1;
            if looks > QUICK_LOOKS {
                std::thread::sleep(BETWEEN_LOOKS);
            }
        }
    }

    /// As [`Injector::raw`] at a gadget, failing if the call does.
    pub fn call(
        &mut self,
        gadget: u64,
        name: &'static str,
        nr: i64,
        args: [u64; 6],
    ) -> Result<u64, InjectError> {
        check(self.tid, name, self.raw(gadget, nr, args)?)
    }

    /// Gives the thread its registers and signal mask back. It stays stopped.
    /// Answers how often the thread has stopped for all this.
    pub fn finish(self) -> Result<u64, InjectError> {
        let saved = self.saved;
        self.finish_with(&saved)
    }

    /// As [`Injector::finish`], but leaves the thread with `regs`.
    pub fn finish_with(mut self, regs: &Registers) -> Result<u64, InjectError> {
        let tid = self.tid;
        if regs.call_in_progress().is_some() {
            // The kernel makes a call again only on its way past signals, which is not where the
            // thread is now.
            ptrace::interrupt(tid).map_err(failed(tid, "stop"))?;
            while !matches!(self.go_on(ptrace::cont)?, Stop::Trap | Stop::Group(_)) {}
        }
        arch::stand(self.pid, tid, regs, 0)?;
        ptrace::set_signal_mask(tid, self.mask)
            .map_err(failed(tid, "restore the signal mask of"))?;
        if let Some(signal) = self.stop_again {
            ptrace::tgkill(self.pid, tid, signal).map_err(failed(tid, "signal"))?;
        }
        Ok(self.stops)
    }
}

/// What went wrong with a ptrace request. A thread that was killed is no longer stopped (ESRCH): its
/// end is still to be reported.
pub(super) fn failed(tid: Tid, what: &'static str) -> impl Fn(io::Error) -> InjectError {
    move |e| match e.raw_os_error() {
        Some(libc::ESRCH) => InjectError::Ended(tid, None),
        _ => InjectError::Ptrace(tid, what, e),
    }
}

/// Turns a raw result into a value or an error.
pub fn check(tid: Tid, name: &'static str, result: i64) -> Result<u64, InjectError> {
    if (-4095..0).contains(&result) {
        let error = io::Error::from_raw_os_error(-result as i32);
        Err(InjectError::Call(tid, name, error))
    } else {
        Ok(result as u64)
    }
}
