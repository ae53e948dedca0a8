//! aarch64. The kernel shows a thread's state in a system call less plainly than on x86-64; what
//! `ptrace` gives is brought into one form here, the same as there:
//!
//! - [`registers`]: the general registers, the thread pointer, and the call that a thread is in;
//! - [`call_state`]: reading and writing them, and finding out whether a stopped thread is in a call;
//! - [`restart`]: what the kernel does with a call that a stop interrupted;
//! - [`standing`]: putting a thread into a call, so that the kernel itself goes on with it or ends it;
//! - [`extended`]: vectors and pointer authentication;
//! - [`stub`]: machine code.

mod call_state;
mod extended;
mod registers;
mod restart;
mod standing;
mod stub;

pub use call_state::{read_registers, write_registers};
pub use extended::{read_extended, write_extended};
pub use registers::Registers;
pub use standing::{confirm_restart, leave_call_stop, stand};
pub use stub::*;

/// `e_machine` of an ELF file for this ISA.
pub const ELF_MACHINE: u16 = object::elf::EM_AARCH64.0;
/// `AUDIT_ARCH_AARCH64` (linux/audit.h).
pub const AUDIT_ARCH: u32 = 0xc000_00b7;
/// The bytes of the instruction that enters the kernel: `svc #0`.
pub const SYSCALL_INSTRUCTION: &[u8] = &[0x01, 0x00, 0x00, 0xd4];
/// Where instructions may start, in bytes.
pub const INSTRUCTION_ALIGN: usize = 4;
/// Where the addresses end that the kernel gives to a process unasked.
pub const ADDRESSES_END: u64 = 1 << 48;
/// At the entry to and the exit from a call the kernel keeps a register back (x7, in which it says
/// which of the two it is; arch/arm64/kernel/ptrace.c, report_syscall).
pub const CALL_STOPS_HIDE_REGISTERS: bool = true;
/// A thread that stands before the instruction that enters a call looks like one that was stopped in it.
pub const CALLS_ARE_WOUND_BACK: bool = true;

/// System calls only this ISA has that copy the memory for a new process.
pub const COPYING_CALLS: &[i64] = &[];

/// System calls only this ISA has in which a thread waits while a child runs in its memory.
pub const LENDING_CALLS: &[i64] = &[];

/// Which argument of clone(2) says where the kernel writes zero when the new thread ends.
pub const CLONE_TID_ARGUMENT: usize = 4;

/// System calls only this ISA has that end with EINTR when a tracer stops a thread in them.
pub const FAIL_WHEN_INTERRUPTED: &[i64] = &[];

/// open(2), where it is a call of its own.
pub const OPEN: Option<i64> = None;

/// The functions of this ISA's vDSO and the system calls that do the same. Its `__kernel_rt_sigreturn`
/// is a plain system call, and stays.
pub const VDSO_CALLS: &[(&str, i64)] = &[
    ("__kernel_clock_gettime", libc::SYS_clock_gettime),
    ("__kernel_gettimeofday", libc::SYS_gettimeofday),
    ("__kernel_clock_getres", libc::SYS_clock_getres),
    ("__kernel_getrandom", libc::SYS_getrandom),
];

/// Arguments of the raw `clone` system call in this ISA's order.
pub fn clone_args(flags: u64, stack: u64) -> [u64; 6] {
    [flags, stack, 0, 0, 0, 0]
}
