//! The program's code for aarch64.

use std::arch::global_asm;

/// fpcr of a new thread.
pub const FRESH_CONTROL: u64 = 0;

global_asm!(
    ".pushsection .rodata.board_program, \"a\"",
    ".balign 4",
    ".globl board_program",
    "board_program:",
    "   mov x19, x0",
    "   ldr x9, [x19, #64]",
    "   mov sp, x9",
    "   mrs x9, fpcr",
    "   str x9, [x19, #128]",
    "   str d15, [x19, #136]",
    "   mrs x20, tpidr_el0",
    "   ldr x9, [x20]",
    "   str x9, [x19, #144]",
    // Spoil what it has written down.
    "   mov x9, #0x400000",
    "   msr fpcr, x9",
    "   movi v15.16b, #255",
    "2: ldr x9, [x19, #152]",
    "   add x9, x9, #1",
    "   str x9, [x19, #152]",
    "   mov x10, #0x430000",
    "   ldr w9, [x10]",
    "   cbz w9, 2b",
    "   ldr w11, [x10, #12]",
    "   add x10, x10, #16",
    "3: cbz w11, 2b",
    "   sub w11, w11, #1",
    "   ldr x9, [x10], #8",
    "   cmp x9, x20",
    "   b.ne 3b",
    "   mov x8, #0x5801",
    "   movk x8, #0x5254, lsl #16",
    "   mov x0, x19",
    "   mov x1, #256",
    "   svc #0",
    "   brk #0",
    ".globl board_program_call",
    "board_program_call:",
    "   mov x19, x0",
    "   ldr x9, [x19, #64]",
    "   sub sp, x9, #16",
    "   mrs x20, tpidr_el0",
    "   mov x8, #173", // getppid
    "   svc #0",
    ".globl board_program_behind",
    "board_program_behind:",
    "   str x0, [x19, #160]",
    "   mov x8, #220", // clone
    "   mov x0, #0x123",
    "   mov x1, sp",
    "   svc #0",
    "   cbz x0, 4f",
    "   str x0, [x19, #168]",
    "   b 2b",
    // The child: its header is at its stack's top.
    "4: mov x19, sp",
    "   mrs x20, tpidr_el0",
    "   ldr x9, [x20]",
    "   str x9, [x19, #144]",
    "   b 2b",
    ".globl board_program_end",
    "board_program_end:",
    ".popsection",
);

// SAFETY: labels of the assembly above; only their addresses are used.
unsafe extern "C" {
    static board_program: u8;
    static board_program_call: u8;
    static board_program_behind: u8;
    static board_program_end: u8;
}

fn offset(symbol: *const u8) -> u64 {
    symbol as u64 - &raw const board_program as u64
}

pub fn code() -> &'static [u8] {
    let (start, length) = (
        &raw const board_program,
        offset(&raw const board_program_end),
    );
    // SAFETY: the two symbols delimit read-only data of this binary, assembled above.
    unsafe { std::slice::from_raw_parts(start, length as usize) }
}

pub fn call_offset() -> u64 {
    offset(&raw const board_program_call)
}

pub fn behind_call() -> u64 {
    offset(&raw const board_program_behind)
}
