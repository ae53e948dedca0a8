//! Running a system call inside a stopped thread, synchronously.
//!
//! The thread's registers are saved and restored around it and its signals blocked meanwhile, so
//! that afterwards it goes on as if nothing had been. Restoring the registers of a thread that
//! was stopped in a call lets the kernel restart that call (findings: transparent on both ISAs).

use std::io;

use super::arch::Registers;
use super::ptrace::{self, Tid};
use super::stop::Stop;

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
}

/// How the thread gets back to the tracer after the call.
#[derive(Clone, Copy)]
pub enum Return {
    /// A trap instruction follows the call.
    Trap,
    /// None does: single-step over the call.
    Step,
}

impl Injector {
    /// Begins injecting into `tid` of process `pid`, which must be in a ptrace-stop outside of
    /// clone and exit events.
    pub fn begin(pid: Tid, tid: Tid) -> Result<Injector, InjectError> {
        let saved = ptrace::registers(tid)
            .map_err(|e| InjectError::Ptrace(tid, "read the registers of", e))?;
        let mask = ptrace::signal_mask(tid)
            .map_err(|e| InjectError::Ptrace(tid, "read the signal mask of", e))?;
        // All but the trap that ends each call: the kernel resets the handler of a blocked one.
        ptrace::set_signal_mask(tid, !(1 << (libc::SIGTRAP - 1)))
            .map_err(|e| InjectError::Ptrace(tid, "block the signals of", e))?;
        Ok(Injector {
            tid,
            pid,
            saved,
            mask,
            stop_again: None,
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

    /// Runs system call `nr` at `at`, returning what it returned (-errno on failure).
    pub fn raw(
        &mut self,
        at: u64,
        how: Return,
        nr: i64,
        args: [u64; 6],
    ) -> Result<i64, InjectError> {
        let mut regs = self.saved;
        regs.prepare_call(at, nr as u64, args);
        self.run(&regs, how)
    }

    /// Runs the thread with `regs` up to the next trap and returns its result register.
    pub fn run(&mut self, regs: &Registers, how: Return) -> Result<i64, InjectError> {
        let tid = self.tid;
        let fail = |what| move |e| InjectError::Ptrace(tid, what, e);
        ptrace::set_registers(tid, regs).map_err(fail("write the registers of"))?;
        loop {
            match how {
                Return::Trap => ptrace::cont(tid, 0),
                Return::Step => ptrace::step(tid),
            }
            .map_err(fail("resume"))?;
            match self.wait()? {
                Stop::Signal(libc::SIGTRAP) => break,
                // Cannot be blocked; keep it for later.
                Stop::Signal(signal) => self.stop_again = Some(signal),
                Stop::Trap | Stop::Group(_) | Stop::Clone => {}
                stop => unreachable!("thread {tid}: {stop:?} during an injected call"),
            }
        }
        let regs = ptrace::registers(tid).map_err(fail("read the registers of"))?;
        Ok(regs.result())
    }

    fn wait(&mut self) -> Result<Stop, InjectError> {
        let tid = self.tid;
        match ptrace::wait(tid, true).map_err(|e| InjectError::Ptrace(tid, "wait for", e))? {
            None => Err(InjectError::Ended(tid, None)),
            Some((_, status)) => {
                let stop = Stop::decode(status);
                if stop.is_end() || stop == Stop::Exiting {
                    return Err(InjectError::Ended(tid, Some(status)));
                }
                Ok(stop)
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
        check(self.tid, name, self.raw(gadget, Return::Trap, nr, args)?)
    }

    /// Gives the thread its registers and signal mask back. It stays stopped.
    pub fn finish(self) -> Result<(), InjectError> {
        let saved = self.saved;
        self.finish_with(&saved)
    }

    /// As [`Injector::finish`], but leaves the thread with `regs`.
    pub fn finish_with(self, regs: &Registers) -> Result<(), InjectError> {
        let tid = self.tid;
        ptrace::set_registers(tid, regs)
            .map_err(|e| InjectError::Ptrace(tid, "restore the registers of", e))?;
        ptrace::set_signal_mask(tid, self.mask)
            .map_err(|e| InjectError::Ptrace(tid, "restore the signal mask of", e))?;
        if let Some(signal) = self.stop_again {
            ptrace::tgkill(self.pid, tid, signal)
                .map_err(|e| InjectError::Ptrace(tid, "signal", e))?;
        }
        Ok(())
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
