//! Reading and writing a stopped thread's registers, and finding the call that it is in.
//!
//! | stopped | the kernel shows |
//! | --- | --- |
//! | at the entry to a call, at its exit, at an event in it | the call's number in NT_ARM_SYSTEM_CALL |
//! | anywhere else, the call to be made again | it wound back: the next instruction is the call's |
//! | anywhere else, the call ended | the result; the number only where the program left it |
//!
//! The first argument, whose register takes the result, stands in `/proc/TID/syscall`.
//!
//! So a thread that stopped right behind a call is taken for one that the stop drove out of it, also
//! when a handler ended the call and has just returned there.

use std::io;

use super::registers::{InCall, Registers};
use super::{SYSCALL_INSTRUCTION, restart};
use crate::guest::ptrace::{self, Tid};

const NT_PRSTATUS: i32 = 1;
const NT_ARM_TLS: i32 = 0x401;
const NT_ARM_SYSTEM_CALL: i32 = 0x404;
const NO_CALL: i32 = -1;
const CALL_BYTES: u64 = SYSCALL_INSTRUCTION.len() as u64;

/// The registers of a stopped thread.
pub fn read_registers(tid: Tid) -> io::Result<Registers> {
    let mut regs = read_plain(tid)?;
    let nr = call_number(tid)?;
    if nr != NO_CALL {
        let first = first_argument(tid)?;
        let nr = nr as u64;
        regs.call = Some(InCall { nr, first });
    } else if is_call(tid, regs.general.pc) {
        let nr = regs.number();
        let reason = restart::reason(nr as i64, &regs.call_arguments());
        regs.enter_call();
        regs.set_result(reason);
    } else if is_call(tid, regs.general.pc.wrapping_sub(CALL_BYTES)) {
        let nr = regs.number();
        set_call_number(tid, nr as i32)?;
        let first = first_argument(tid);
        set_call_number(tid, NO_CALL)?;
        regs.call = Some(InCall { nr, first: first? });
    }
    Ok(regs)
}

/// Replaces the registers of a stopped thread. A call to be made again is begun anew.
pub fn write_registers(tid: Tid, regs: &Registers) -> io::Result<()> {
    let mut plain = *regs;
    if regs.call_will_restart() {
        plain.rewind_call();
    }
    write_plain(tid, &plain)?;
    // Whatever x0 holds now, it is no call's result.
    set_call_number(tid, NO_CALL)
}

/// The registers as they are.
pub(super) fn read_plain(tid: Tid) -> io::Result<Registers> {
    let mut regs = Registers::zeroed();
    // SAFETY: the set is this struct; any bit pattern is a valid value.
    unsafe { ptrace::get_set(tid, NT_PRSTATUS, (&raw mut regs.general).cast(), GENERAL) }?;
    // SAFETY: the set begins with this register, and no more than its size is asked for.
    unsafe { ptrace::get_set(tid, NT_ARM_TLS, (&raw mut regs.thread_pointer).cast(), 8) }?;
    Ok(regs)
}

/// Replaces the registers, not minding any call.
pub(super) fn write_plain(tid: Tid, regs: &Registers) -> io::Result<()> {
    // SAFETY: as above.
    unsafe { ptrace::set_set(tid, NT_PRSTATUS, (&raw const regs.general).cast(), GENERAL) }?;
    // SAFETY: as above.
    unsafe { ptrace::set_set(tid, NT_ARM_TLS, (&raw const regs.thread_pointer).cast(), 8) }
}

const GENERAL: usize = size_of::<libc::user_regs_struct>();

fn call_number(tid: Tid) -> io::Result<i32> {
    let mut nr = NO_CALL;
    // SAFETY: the set is one int.
    unsafe { ptrace::get_set(tid, NT_ARM_SYSTEM_CALL, (&raw mut nr).cast(), 4) }?;
    Ok(nr)
}

/// Has a thread at the entry to a call make call `nr`; anywhere else, says which one it is in.
pub(super) fn set_call_number(tid: Tid, nr: i32) -> io::Result<()> {
    // SAFETY: the set is one int.
    unsafe { ptrace::set_set(tid, NT_ARM_SYSTEM_CALL, (&raw const nr).cast(), 4) }
}

/// Whether an instruction that enters the kernel is at `at`. Memory that is away holds none that a
/// thread has just met.
pub(super) fn is_call(tid: Tid, at: u64) -> bool {
    let word = ptrace::peek(tid, at).unwrap_or_default();
    word.to_le_bytes().starts_with(SYSCALL_INSTRUCTION)
}

/// What the thread's last call had as its first argument, of a thread whose call's number is set. ESRCH: it
/// stands no longer, so it has been killed.
fn first_argument(tid: Tid) -> io::Result<u64> {
    let path = format!("/proc/{tid}/syscall");
    let text = std::fs::read_to_string(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => gone(),
        _ => e,
    })?;
    parse_first(&text)
}

fn gone() -> io::Error {
    io::Error::from_raw_os_error(libc::ESRCH)
}

/// Of `NUMBER 0xARG 0xARG ...`, or of `running`.
fn parse_first(text: &str) -> io::Result<u64> {
    let mut words = text.split_ascii_whitespace();
    if words.next() == Some("running") {
        return Err(gone());
    }
    let first = words.next().and_then(|word| word.strip_prefix("0x"));
    first
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .ok_or_else(|| io::Error::other(format!("a call's arguments are: {text}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_argument_is_found() {
        let text = "63 0x3 0xffff 0x10 0x0 0x0 0x0 0xffffe0 0x4012a4\n";
        assert_eq!(parse_first(text).expect("an argument"), 3);
        for text in ["", "63", "63 3", "63 0xg"] {
            assert_eq!(
                parse_first(text).expect_err(text).kind(),
                io::ErrorKind::Other
            );
        }
    }

    #[test]
    fn a_killed_thread_is_no_error_of_its_own() {
        let error = parse_first("running\n").expect_err("it runs");
        assert_eq!(error.raw_os_error(), Some(libc::ESRCH));
    }
}
