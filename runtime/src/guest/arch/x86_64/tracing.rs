//! Reading and writing a stopped thread's registers. The kernel shows all of them in any stop, and the
//! call that a thread is in; it goes on with that wherever the registers say.

use std::io;

use super::Registers;
use crate::guest::inject::{InjectError, failed};
use crate::guest::ptrace::{self, Tid};

const NT_PRSTATUS: i32 = 1;
/// The register set that holds floating point, vector and protection-key state.
const NT_X86_XSTATE: i32 = 0x202;
/// Enough room for any XSAVE area of today's processors, in bytes (AMX included).
const XSTATE_MAX: usize = 16 * 1024;

/// At the entry to and the exit from a call all registers can be read and written.
pub const CALL_STOPS_HIDE_REGISTERS: bool = false;
/// Where the addresses end that the kernel gives to a process unasked.
pub const ADDRESSES_END: u64 = 1 << 47;
/// A thread that stands before the instruction that enters a call does not look like one in it.
pub const CALLS_ARE_WOUND_BACK: bool = false;

/// The general registers of a stopped thread.
pub fn read_registers(tid: Tid) -> io::Result<Registers> {
    let mut regs = Registers::zeroed();
    let buffer = (&raw mut regs.0).cast();
    // SAFETY: the set is this struct; any bit pattern is a valid value.
    unsafe { ptrace::get_set(tid, NT_PRSTATUS, buffer, Registers::SIZE) }?;
    Ok(regs)
}

/// Replaces the general registers of a stopped thread.
pub fn write_registers(tid: Tid, regs: &Registers) -> io::Result<()> {
    // SAFETY: the set is this struct, SIZE bytes long.
    unsafe {
        ptrace::set_set(
            tid,
            NT_PRSTATUS,
            (&raw const regs.0).cast(),
            Registers::SIZE,
        )
    }
}

/// The extended state (floating point, vectors) of a stopped thread, in the kernel's layout.
pub fn read_extended(tid: Tid) -> io::Result<Vec<u8>> {
    let mut state = vec![0u8; XSTATE_MAX];
    // SAFETY: the kernel writes at most as many bytes as there is room for.
    let len = unsafe { ptrace::get_set(tid, NT_X86_XSTATE, state.as_mut_ptr(), state.len()) }?;
    state.truncate(len);
    Ok(state)
}

/// Replaces the extended state of a stopped thread. A state from a machine with fewer parts is filled
/// up with parts in their initial state (the kernel takes this machine's size only); one with more
/// is cut, which the handshake allows only between machines that agree on what is in use.
pub fn write_extended(tid: Tid, state: &[u8]) -> io::Result<()> {
    let size = read_extended(tid)?.len();
    let mut fitted = state.to_vec();
    fitted.resize(size, 0);
    // SAFETY: the kernel reads as many bytes as there are.
    unsafe { ptrace::set_set(tid, NT_X86_XSTATE, fitted.as_ptr(), fitted.len()) }
}

/// Gives a stopped thread its registers. If it is in a call that is made again, it stands in it as if
/// it had been interrupted there.
pub fn stand(_pid: Tid, tid: Tid, regs: &Registers, _signal: i32) -> Result<(), InjectError> {
    write_registers(tid, regs).map_err(failed(tid, "write the registers of"))
}

/// A thread with `regs` stopped in a call: it is in it.
pub fn confirm_restart(_pid: Tid, _tid: Tid, _regs: &mut Registers) -> Result<(), InjectError> {
    Ok(())
}

/// The exit from a call is a stop like any other.
pub fn leave_call_stop(_pid: Tid, _tid: Tid) -> Result<(), InjectError> {
    Ok(())
}
