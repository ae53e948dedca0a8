//! The stub's machine code, and code in place of vDSO functions.

use std::arch::global_asm;

use super::SYSCALL_INSTRUCTION;

// The stub: position-independent code copied into the first reserved page of a traced process.
// It never uses the stack.
global_asm!(
    ".pushsection .rodata.rtx_stub, \"a\"",
    ".balign 16",
    ".globl rtx_stub_start",
    "rtx_stub_start:",
    // gadget: one system call for the tracer, which watches for its end.
    "   svc #0",
    // park: an interruptible wait that a signal ends and the kernel restarts.
    ".globl rtx_stub_park",
    "rtx_stub_park:",
    "2: mov x0, #0",
    "   mov x1, #0",
    "   mov x2, #0",
    "   mov x3, #0",
    "   mov x4, #0",
    "   mov x8, #73", // ppoll
    "   svc #0",
    ".globl rtx_stub_parked",
    "rtx_stub_parked:",
    "   b 2b",
    "   .balign 16",
    // call_and_return: the end of a function that makes a system call.
    ".globl rtx_stub_call_and_return",
    "rtx_stub_call_and_return:",
    "   svc #0",
    "   ret",
    "   .balign 16",
    // clock: clock_gettime(x0, x1) as the vDSO has it. The result's page of a clock of the machine is
    // touched first: the kernel cannot wait for pages that are away, and says EFAULT if it is away
    // again. CPU-time clocks (2, 3, negative) are always a system call, and so are odd addresses.
    ".globl rtx_stub_clock",
    "rtx_stub_clock:",
    "   cmp w0, #11",
    "   b.hi 7f",
    "   sub w9, w0, #2",
    "   cmp w9, #1",
    "   b.ls 7f",
    "   tst x1, #7",
    "   b.ne 7f",
    "   mov x10, x0",
    "   add x11, x1, #8",
    "8: ldxr x12, [x1]",
    "   stxr w13, x12, [x1]",
    "   cbnz w13, 8b",
    "9: ldxr x12, [x11]",
    "   stxr w13, x12, [x11]",
    "   cbnz w13, 9b",
    "   mov x0, x10",
    "   mov x8, #113", // clock_gettime
    "   svc #0",
    ".globl rtx_stub_clock_made",
    "rtx_stub_clock_made:",
    "   cmn x0, #14", // EFAULT
    "   b.eq 8b",
    "   ret",
    "7: mov x8, #113", // clock_gettime
    "   svc #0",
    "   ret",
    "   .balign 16",
    // spawn: a clone whose child becomes the helper; the tracer catches the parent.
    ".globl rtx_stub_spawn",
    "rtx_stub_spawn:",
    "   svc #0",
    "   cbz x0, 3f",
    "   brk #0",
    "   .balign 16",
    // helper: receive a batch of system calls, run them, send the results.
    // x19 = socket, x20 = buffer: {count, [nr, args[6]] * 64} and, one page on, {count, result * 64}.
    ".globl rtx_stub_helper",
    "rtx_stub_helper:",
    "3: mov x0, x19",
    "   mov x1, x20",
    "   mov x2, #4096",
    "   mov x3, #0",
    "   mov x4, #0",
    "   mov x5, #0",
    "   mov x8, #207", // recvfrom
    "   svc #0",
    "   cmn x0, #4", // EINTR: again
    "   b.eq 3b",
    "   cmp x0, #0",
    "   b.le 6f",             // the supervisor is gone
    "   ldr x21, [x20]",      // count
    "   mov x22, #0",         // index
    "   add x23, x20, #8",    // the next call
    "   add x24, x20, #4096", // the last result
    "4: cmp x22, x21",
    "   b.hs 5f",
    "   ldr x8, [x23], #8",
    "   ldp x0, x1, [x23], #16",
    "   ldp x2, x3, [x23], #16",
    "   ldp x4, x5, [x23], #16",
    "   svc #0",
    "   str x0, [x24, #8]!",
    "   add x22, x22, #1",
    "   b 4b",
    "5: add x1, x20, #4096",
    "   str x21, [x1]",
    "   mov x0, x19",
    "   lsl x2, x21, #3",
    "   add x2, x2, #8",
    "   mov x3, #0x4000", // MSG_NOSIGNAL
    "   mov x4, #0",
    "   mov x5, #0",
    "   mov x8, #206", // sendto
    "   svc #0",
    "   b 3b",
    "6: mov x0, #0",
    "   mov x8, #94", // exit_group
    "   svc #0",
    "   brk #0",
    ".globl rtx_stub_end",
    "rtx_stub_end:",
    ".popsection",
);

/// Machine code of a function that makes system call `nr` with its caller's arguments and
/// returns its result: stands in for a vDSO function on a board.
pub fn call_trampoline(nr: u32) -> Vec<u8> {
    let mut code = (0xd280_0008 | nr << 5).to_le_bytes().to_vec(); // mov x8, #nr
    code.extend_from_slice(SYSCALL_INSTRUCTION);
    code.extend_from_slice(&0xd65f_03c0u32.to_le_bytes()); // ret
    code
}

/// A function that is another one, elsewhere.
pub fn jump_trampoline(to: u64) -> Vec<u8> {
    let mut code = 0x5800_0050u32.to_le_bytes().to_vec(); // ldr x16, the word behind the jump
    code.extend_from_slice(&0xd61f_0200u32.to_le_bytes()); // br x16
    code.extend_from_slice(&to.to_le_bytes());
    code
}

/// Where a thread can be in [`jump_trampoline`]'s code behind its beginning.
pub const TRAMPOLINE_JUMP: u64 = 4;

/// Where a thread can be in [`call_trampoline`]'s code once the call's number is set: from the call's
/// own instruction to the one behind it.
pub const TRAMPOLINE_CALL: std::ops::RangeInclusive<u64> = 4..=8;
