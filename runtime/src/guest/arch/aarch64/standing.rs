//! Putting a thread into a call that was interrupted.
//!
//! Why a call was interrupted, and where, the kernel keeps to itself while it looks for signals, and
//! forgets when the thread goes on elsewhere. So a thread that is to stand in a call makes another one
//! that does nothing (sched_yield) with the same first argument; at its exit it gets the number and the
//! result of the call it is to stand in. The kernel then winds it back by itself, and decides by itself
//! what a signal's handler makes of it.

use std::io;

use super::call_state::{is_call, read_plain, set_call_number, write_plain, write_registers};
use super::registers::Registers;
use super::{SYSCALL_INSTRUCTION, restart};
use crate::guest::inject::{InjectError, failed};
use crate::guest::ptrace::{self, Tid};
use crate::guest::stop::Stop;

/// Gives a stopped thread of process `pid` its registers. If it is in a call that is made again, it
/// stands in it as if it had been interrupted there. With a `signal` it must be stopped for its
/// delivery, and is so afterwards.
pub fn stand(pid: Tid, tid: Tid, regs: &Registers, signal: i32) -> Result<(), InjectError> {
    let fail = |what| failed(tid, what);
    let restarts = regs.call_will_restart();
    let now = read_plain(tid).map_err(fail("read the registers of"))?;
    // Where the kernel would wind a call on that is not to be.
    let mistaken = signal != 0 && now.pc() == regs.pc() && is_call(tid, now.pc());
    if !restarts && !mistaken {
        return write_registers(tid, regs).map_err(fail("write the registers of"));
    }
    let mut wound_back = *regs;
    wound_back.rewind_call();
    if restarts && signal != 0 && wound_back.makes_same_call(&now) {
        // The kernel knows it there. It may have another signal mask for the time of the call, which a
        // detour would lose.
        return write_plain(tid, &wound_back).map_err(fail("write the registers of"));
    }
    let mask = ptrace::signal_mask(tid).map_err(fail("read the signal mask of"))?;
    let info = match signal {
        0 => None,
        _ => Some(ptrace::full_signal_info(tid).map_err(fail("read the signal of"))?),
    };
    let again = without_signals(pid, tid, mask, |go_on| {
        let mut idle = wound_back;
        let at = idle.pc();
        idle.general.regs[8] = libc::SYS_sched_yield as u64;
        write_registers(tid, &idle).map_err(fail("write the registers of"))?;
        while go_on(ptrace::cont_to_call, 0)? != Stop::Call || entering(tid)? {
            // Of a thread that stands where its sleep began, the kernel has that go on instead.
            if ptrace::is_at_call(tid).map_err(fail("read the stop of"))? {
                set_call_number(tid, libc::SYS_sched_yield as i32)
                    .map_err(fail("change the call of"))?;
            }
        }
        let mut there = *regs;
        if restarts {
            there.general.pc = at + SYSCALL_INSTRUCTION.len() as u64;
            write_plain(tid, &there).map_err(fail("write the registers of"))?;
        } else {
            write_registers(tid, &there).map_err(fail("write the registers of"))?;
        }
        if signal == 0 {
            ptrace::interrupt(tid).map_err(fail("stop"))?;
            while !matches!(go_on(ptrace::cont, 0)?, Stop::Trap | Stop::Group(_)) {}
        } else {
            let others = !(1u64 << (CARRIER - 1));
            ptrace::set_signal_mask(tid, others).map_err(fail("block the signals of"))?;
            let mut stop = go_on(ptrace::cont, CARRIER)?;
            while stop != Stop::Signal(CARRIER) {
                stop = go_on(ptrace::cont, 0)?;
            }
        }
        Ok(())
    });
    if let Some(info) = info {
        again?;
        return ptrace::set_signal_info(tid, &info).map_err(fail("write the signal of"));
    }
    again
}

/// A thread with `regs` stopped in a call: if that is a sleep that it has not begun yet, it stands
/// before it. The thread may have signals only that it blocks.
pub fn confirm_restart(pid: Tid, tid: Tid, regs: &mut Registers) -> Result<(), InjectError> {
    if !regs.call_will_restart() || regs.result() != restart::GO_ON {
        return Ok(());
    }
    let fail = |what| failed(tid, what);
    let mask = ptrace::signal_mask(tid).map_err(fail("read the signal mask of"))?;
    without_signals(pid, tid, mask, |go_on| stop_again(tid, go_on))?;
    let now = read_plain(tid).map_err(fail("read the registers of"))?;
    if !restart::is_confirmed(now.number()) {
        regs.rewind_call();
    }
    Ok(())
}

/// Has a thread that is at the exit from a call stop behind that, where all its registers can be read
/// and written.
pub fn leave_call_stop(pid: Tid, tid: Tid) -> Result<(), InjectError> {
    let fail = |what| failed(tid, what);
    if !ptrace::is_at_call(tid).map_err(fail("read the stop of"))? {
        return Ok(());
    }
    let mask = ptrace::signal_mask(tid).map_err(fail("read the signal mask of"))?;
    without_signals(pid, tid, mask, |go_on| stop_again(tid, go_on))
}

/// A signal that stops the thread for the delivery of another, in whose place it goes. Not that one
/// itself: of its kind more may be queued. Nobody sends this one.
const CARRIER: i32 = libc::SIGSTKFLT;

type How = fn(Tid, i32) -> io::Result<()>;
type GoOn<'a> = &'a mut dyn FnMut(How, i32) -> Result<Stop, InjectError>;

fn stop_again(tid: Tid, go_on: GoOn) -> Result<(), InjectError> {
    ptrace::interrupt(tid).map_err(failed(tid, "stop"))?;
    while !matches!(go_on(ptrace::cont, 0)?, Stop::Trap | Stop::Group(_)) {}
    Ok(())
}

fn entering(tid: Tid) -> Result<bool, InjectError> {
    ptrace::enters_call(tid).map_err(failed(tid, "read the stop of"))
}

/// Lets a thread run from stop to stop while its signals are blocked. One that cannot be blocked is
/// sent again afterwards.
fn without_signals(
    pid: Tid,
    tid: Tid,
    mask: u64,
    work: impl FnOnce(GoOn) -> Result<(), InjectError>,
) -> Result<(), InjectError> {
    ptrace::set_signal_mask(tid, u64::MAX).map_err(failed(tid, "block the signals of"))?;
    let mut met = None;
    let mut go_on = |how: How, signal: i32| {
        how(tid, signal).map_err(failed(tid, "resume"))?;
        let Some((_, status)) = ptrace::wait(tid, true).map_err(failed(tid, "wait for"))? else {
            return Err(InjectError::Ended(tid, None));
        };
        let stop = Stop::decode(status);
        if stop.is_end() || stop == Stop::Exiting {
            return Err(InjectError::Ended(tid, Some(status)));
        }
        if let Stop::Signal(other) = stop
            && other != signal
        {
            met = Some(other);
        }
        Ok(stop)
    };
    work(&mut go_on)?;
    ptrace::set_signal_mask(tid, mask).map_err(failed(tid, "restore the signal mask of"))?;
    match met {
        Some(signal) => ptrace::tgkill(pid, tid, signal).map_err(failed(tid, "signal")),
        None => Ok(()),
    }
}
