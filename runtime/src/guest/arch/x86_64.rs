//! x86-64: registers as the kernel's `user_regs_struct`, and the stub's machine code.

mod tracing;

use std::arch::global_asm;

pub use tracing::*;

/// `e_machine` of an ELF file for this ISA.
pub const ELF_MACHINE: u16 = object::elf::EM_X86_64.0;
/// `AUDIT_ARCH_X86_64` (linux/audit.h): system calls by the 64-bit entry.
pub const AUDIT_ARCH: u32 = 0xc000_003e;
/// The bytes of the instruction that enters the kernel.
pub const SYSCALL_INSTRUCTION: &[u8] = &[0x0f, 0x05];
/// Where instructions may start, in bytes.
pub const INSTRUCTION_ALIGN: usize = 1;

/// The general registers of one thread, as PTRACE_GETREGSET(NT_PRSTATUS) gives them.
#[derive(Clone, Copy)]
pub struct Registers(pub libc::user_regs_struct);

impl Registers {
    /// Bytes of the set.
    pub const SIZE: usize = size_of::<libc::user_regs_struct>();

    /// A set with every register zero.
    pub fn zeroed() -> Self {
        // SAFETY: user_regs_struct is a plain C struct of integers; all zero is a valid value.
        Registers(unsafe { std::mem::zeroed() })
    }

    /// The set as the bytes that travel on the wire (kernel layout, little endian).
    pub fn to_bytes(&self) -> Vec<u8> {
        // SAFETY: the struct is plain integers without padding, SIZE bytes long.
        unsafe { std::slice::from_raw_parts((&raw const self.0).cast::<u8>(), Self::SIZE) }.to_vec()
    }

    /// Reads what [`Registers::to_bytes`] wrote; `None` if the length is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != Self::SIZE {
            return None;
        }
        let mut regs = Self::zeroed();
        // SAFETY: both are SIZE bytes; any bit pattern is a valid user_regs_struct.
        unsafe {
            std::ptr::copy_nonoverlapping(
                bytes.as_ptr(),
                (&raw mut regs.0).cast::<u8>(),
                Self::SIZE,
            )
        };
        Some(regs)
    }

    /// Program counter.
    pub fn pc(&self) -> u64 {
        self.0.rip
    }

    /// Stack pointer.
    pub fn sp(&self) -> u64 {
        self.0.rsp
    }

    /// Sets the first argument of a function that the thread is to run.
    pub fn set_argument(&mut self, value: u64) {
        self.0.rdi = value;
    }

    /// Sets the program counter.
    pub fn set_pc(&mut self, pc: u64) {
        self.0.rip = pc;
    }

    /// Sets the stack pointer.
    pub fn set_sp(&mut self, sp: u64) {
        self.0.rsp = sp;
    }

    /// The thread pointer: the base of fs.
    pub fn thread_pointer(&self) -> u64 {
        self.0.fs_base
    }

    /// Sets the thread pointer.
    pub fn set_thread_pointer(&mut self, thread_pointer: u64) {
        self.0.fs_base = thread_pointer;
    }

    /// Of the registers of a thread that has run no code of a program yet: those of one that begins at
    /// `pc` with this thread pointer and first argument. It has no stack.
    pub fn begin_at(&mut self, pc: u64, thread_pointer: u64, argument: u64) {
        /// Interrupts are on, and the bit that always is.
        const FLAGS: u64 = 0x202;
        let kernels = self.0;
        *self = Self::zeroed();
        (self.0.cs, self.0.ss) = (kernels.cs, kernels.ss);
        self.0.eflags = FLAGS;
        self.0.rip = pc;
        self.0.fs_base = thread_pointer;
        self.0.rdi = argument;
        self.leave_call();
    }

    /// The result register of a finished system call.
    pub fn result(&self) -> i64 {
        self.0.rax as i64
    }

    /// Sets the result register.
    pub fn set_result(&mut self, result: i64) {
        self.0.rax = result as u64;
    }

    /// Sets the result register and says that no system call is in progress, so that the kernel
    /// does not restart one (arch/x86/kernel/signal.c, handle_signal).
    pub fn finish_call(&mut self, result: i64) {
        self.0.rax = result as u64;
        self.0.orig_rax = u64::MAX;
    }

    /// The number of the system call this thread is in, if it was stopped inside one.
    pub fn call_in_progress(&self) -> Option<u64> {
        (self.0.orig_rax as i64 >= 0).then_some(self.0.orig_rax)
    }

    /// Stopped inside a call that the kernel will restart (it shows one of its internal
    /// -ERESTART codes, include/linux/errno.h).
    pub fn call_will_restart(&self) -> bool {
        self.call_in_progress().is_some() && matches!(-self.result(), 512..=514 | 516)
    }

    /// Says that no system call is in progress, keeping all registers.
    pub fn leave_call(&mut self) {
        self.0.orig_rax = u64::MAX;
    }

    /// Winds a thread that was stopped inside a call back to the instruction that entered it.
    pub fn rewind_call(&mut self) {
        if let Some(nr) = self.call_in_progress() {
            self.0.rax = nr;
            self.0.rip -= SYSCALL_INSTRUCTION.len() as u64;
            self.0.orig_rax = u64::MAX;
        }
    }

    /// Makes a thread whose next instruction enters a call look like one that was stopped inside it.
    pub fn enter_call(&mut self) {
        self.0.rip += SYSCALL_INSTRUCTION.len() as u64;
        self.0.orig_rax = self.0.rax;
        self.restart_unless_handled();
    }

    /// Winds a thread that met a trap instruction back to it (one byte, 0xcc).
    pub fn rewind_trap(&mut self) {
        self.0.rip -= 1;
    }

    /// Takes over another set's call in progress: its number and its (perhaps internal) result,
    /// so that the kernel restarts or finishes that call at this set's own instruction.
    pub fn adopt_call(&mut self, from: &Registers) {
        self.0.rax = from.0.rax;
        self.0.orig_rax = from.0.orig_rax;
    }

    /// Moves a thread that is stopped inside a call to another instruction that enters the kernel, at
    /// `at`: the kernel goes on with the call there.
    pub fn move_call(&mut self, at: u64) {
        self.0.rip = at + SYSCALL_INSTRUCTION.len() as u64;
    }

    /// Has the kernel make a call again that it would end with EINTR, unless a signal's handler is to
    /// run first: then it does end so (-ERESTARTNOHAND, include/linux/errno.h).
    pub fn restart_unless_handled(&mut self) {
        self.0.rax = -514i64 as u64;
    }

    /// Has a thread that is stopped inside a call make another one instead when it goes on, unless a
    /// signal's handler is to run first (see [`Registers::restart_unless_handled`]).
    pub fn make_instead(&mut self, nr: u64, args: [u64; 6]) {
        self.0.orig_rax = nr;
        self.set_call_arguments(args);
        self.restart_unless_handled();
    }

    /// Sets the arguments of the call this thread is in.
    pub fn set_call_arguments(&mut self, args: [u64; 6]) {
        let r = &mut self.0;
        [r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9] = args;
    }

    /// Whether the kernel has wound a thread back to `instruction`, where it is, to make its call again:
    /// it looks as if that had returned its own number.
    pub fn was_wound_back(&self, instruction: &[u8]) -> bool {
        self.call_in_progress() == Some(self.0.rax) && instruction == SYSCALL_INSTRUCTION
    }

    /// The arguments of the call this thread is in.
    pub fn call_arguments(&self) -> [u64; 6] {
        let r = &self.0;
        [r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9]
    }

    /// Sets up a system call at `at`, an address that holds [`SYSCALL_INSTRUCTION`].
    pub fn prepare_call(&mut self, at: u64, nr: u64, args: [u64; 6]) {
        self.0.rip = at;
        self.0.rax = nr;
        self.0.orig_rax = u64::MAX;
        self.set_call_arguments(args);
    }

    /// Sets up the parked helper: it reads commands from `socket` into `buffer`.
    pub fn prepare_helper(&mut self, socket: u64, buffer: u64) {
        self.0.r12 = socket;
        self.0.r13 = buffer;
    }

    /// The first argument of the call that this thread is at the entry of.
    pub fn first_argument(&self) -> u64 {
        self.0.rdi
    }
}

/// Arguments of the raw `clone` system call in this ISA's order.
pub fn clone_args(flags: u64, stack: u64) -> [u64; 6] {
    [flags, stack, 0, 0, 0, 0]
}

// The stub: position-independent code copied into the first reserved page of a traced process.
// It never uses the stack.
global_asm!(
    ".pushsection .rodata.rtx_stub, \"a\"",
    ".balign 16",
    ".globl rtx_stub_start",
    "rtx_stub_start:",
    // gadget: one system call for the tracer, which watches for its end.
    "   syscall",
    // park: an interruptible wait that a signal ends and the kernel restarts.
    ".globl rtx_stub_park",
    "rtx_stub_park:",
    "2: mov eax, 34", // pause
    "   syscall",
    ".globl rtx_stub_parked",
    "rtx_stub_parked:",
    "   jmp 2b",
    "   .balign 16",
    // call_and_return: the end of a function that makes a system call.
    ".globl rtx_stub_call_and_return",
    "rtx_stub_call_and_return:",
    "   syscall",
    "   ret",
    "   .balign 16",
    // clock: clock_gettime(rdi, rsi) as the vDSO has it. The result's page of a clock of the machine is
    // touched first: the kernel cannot wait for pages that are away, and says EFAULT if it is away
    // again. CPU-time clocks (2, 3, negative) are always a system call.
    ".globl rtx_stub_clock",
    "rtx_stub_clock:",
    "   cmp edi, 11",
    "   ja 7f",
    "   lea ecx, [rdi - 2]",
    "   cmp ecx, 1",
    "   jbe 7f",
    "8: lock or dword ptr [rsi], 0",
    "   lock or dword ptr [rsi + 12], 0",
    "   mov eax, 228", // clock_gettime
    "   syscall",
    ".globl rtx_stub_clock_made",
    "rtx_stub_clock_made:",
    "   cmp rax, -14", // EFAULT
    "   je 8b",
    "   ret",
    "7: mov eax, 228", // clock_gettime
    "   syscall",
    "   ret",
    "   .balign 16",
    // spawn: a clone whose child becomes the helper; the tracer catches the parent.
    ".globl rtx_stub_spawn",
    "rtx_stub_spawn:",
    "   syscall",
    "   test rax, rax",
    "   jz 3f",
    "   ud2",
    "   .balign 16",
    // helper: receive a batch of system calls, run them, send the results.
    // r12 = socket, r13 = buffer: {count, [nr, args[6]] * 64} and, one page on, {count, result * 64}.
    ".globl rtx_stub_helper",
    "rtx_stub_helper:",
    "3: mov rdi, r12",
    "   mov rsi, r13",
    "   mov edx, 4096",
    "   xor r10d, r10d",
    "   xor r8d, r8d",
    "   xor r9d, r9d",
    "   mov eax, 45", // recvfrom
    "   syscall",
    "   cmp rax, -4", // EINTR: again
    "   je 3b",
    "   test rax, rax",
    "   jle 6f",         // the supervisor is gone
    "   mov r15, [r13]", // count
    "   xor r14d, r14d", // index
    "4: cmp r14, r15",
    "   jae 5f",
    "   imul rbx, r14, 56",
    "   mov rax, [r13 + rbx + 8]",
    "   mov rdi, [r13 + rbx + 16]",
    "   mov rsi, [r13 + rbx + 24]",
    "   mov rdx, [r13 + rbx + 32]",
    "   mov r10, [r13 + rbx + 40]",
    "   mov r8,  [r13 + rbx + 48]",
    "   mov r9,  [r13 + rbx + 56]",
    "   syscall",
    "   mov [r13 + r14 * 8 + 4104], rax",
    "   inc r14",
    "   jmp 4b",
    "5: mov [r13 + 4096], r15",
    "   mov rdi, r12",
    "   lea rsi, [r13 + 4096]",
    "   lea rdx, [r15 * 8 + 8]",
    "   mov r10d, 0x4000", // MSG_NOSIGNAL
    "   xor r8d, r8d",
    "   xor r9d, r9d",
    "   mov eax, 44", // sendto
    "   syscall",
    "   jmp 3b",
    "6: xor edi, edi",
    "   mov eax, 231", // exit_group
    "   syscall",
    "   int3",
    ".globl rtx_stub_end",
    "rtx_stub_end:",
    ".popsection",
);

/// Machine code of a function that makes system call `nr` with its caller's arguments and
/// returns its result: stands in for a vDSO function on a board.
pub fn call_trampoline(nr: u32) -> Vec<u8> {
    let mut code = vec![0xb8]; // mov eax, imm32
    code.extend_from_slice(&nr.to_le_bytes());
    code.extend_from_slice(SYSCALL_INSTRUCTION);
    code.push(0xc3); // ret
    code
}

/// A function that is another one, elsewhere.
pub fn jump_trampoline(to: u64) -> Vec<u8> {
    let mut code = vec![0x48, 0xb8]; // movabs rax, imm64
    code.extend_from_slice(&to.to_le_bytes());
    code.extend_from_slice(&[0xff, 0xe0]); // jmp rax
    code
}

/// Where a thread can be in [`jump_trampoline`]'s code behind its beginning.
pub const TRAMPOLINE_JUMP: u64 = 10;

/// Where a thread can be in [`call_trampoline`]'s code once the call's number is set: from the call's
/// own instruction to the one behind it.
pub const TRAMPOLINE_CALL: std::ops::RangeInclusive<u64> = 5..=7;

/// System calls only this ISA has that copy the memory for a new process.
pub const COPYING_CALLS: &[i64] = &[libc::SYS_fork];

/// System calls only this ISA has in which a thread waits while a child runs in its memory.
pub const LENDING_CALLS: &[i64] = &[libc::SYS_vfork];

/// Which argument of clone(2) says where the kernel writes zero when the new thread ends.
pub const CLONE_TID_ARGUMENT: usize = 3;

/// System calls only this ISA has that end with EINTR when a tracer stops a thread in them. Their fourth
/// argument is how long they wait, in milliseconds.
pub const FAIL_WHEN_INTERRUPTED: &[i64] = &[libc::SYS_epoll_wait];

/// open(2), where it is a call of its own.
pub const OPEN: Option<i64> = Some(libc::SYS_open);

/// The functions of this ISA's vDSO and the system calls that do the same.
pub const VDSO_CALLS: &[(&str, i64)] = &[
    ("__vdso_clock_gettime", libc::SYS_clock_gettime),
    ("clock_gettime", libc::SYS_clock_gettime),
    ("__vdso_gettimeofday", libc::SYS_gettimeofday),
    ("gettimeofday", libc::SYS_gettimeofday),
    ("__vdso_time", libc::SYS_time),
    ("time", libc::SYS_time),
    ("__vdso_clock_getres", libc::SYS_clock_getres),
    ("clock_getres", libc::SYS_clock_getres),
    ("__vdso_getcpu", libc::SYS_getcpu),
    ("getcpu", libc::SYS_getcpu),
    ("__vdso_getrandom", libc::SYS_getrandom),
    ("getrandom", libc::SYS_getrandom),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_survive_the_wire() {
        let mut regs = Registers::zeroed();
        regs.0.rip = 0x401000;
        regs.0.fs_base = 7;
        let back = Registers::from_bytes(&regs.to_bytes()).unwrap();
        assert_eq!((back.pc(), back.0.fs_base), (0x401000, 7));
        assert!(Registers::from_bytes(&[0; 3]).is_none());
    }

    #[test]
    fn a_thread_that_begins_has_nothing_of_another() {
        let mut regs = Registers::zeroed();
        (regs.0.cs, regs.0.ss, regs.0.eflags) = (0x33, 0x2b, 0x10246);
        (regs.0.rbx, regs.0.rsp, regs.0.orig_rax) = (1, 2, 56);
        regs.begin_at(0x401000, 0x5000, 0x6000);
        assert_eq!((regs.pc(), regs.thread_pointer()), (0x401000, 0x5000));
        assert_eq!((regs.first_argument(), regs.sp()), (0x6000, 0));
        assert_eq!((regs.0.cs, regs.0.ss, regs.0.eflags), (0x33, 0x2b, 0x202));
        assert_eq!((regs.0.rbx, regs.call_in_progress()), (0, None));
        regs.set_sp(0x7000);
        regs.set_thread_pointer(0x8000);
        assert_eq!((regs.sp(), regs.thread_pointer()), (0x7000, 0x8000));
    }

    #[test]
    fn rewinding_a_call_points_at_its_instruction() {
        let mut regs = Registers::zeroed();
        regs.0.rip = 0x1002;
        regs.0.orig_rax = 202;
        regs.0.rax = -512i64 as u64;
        assert!(regs.call_will_restart());
        regs.rewind_call();
        assert_eq!((regs.0.rip, regs.0.rax), (0x1000, 202));
        assert_eq!(regs.call_in_progress(), None);
    }
}
