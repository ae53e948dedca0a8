//! The program's code for x86-64.

use std::arch::global_asm;

/// mxcsr, then the x87 control word, of a new thread.
pub const FRESH_CONTROL: u64 = 0x037f_0000_1f80;

global_asm!(
    ".pushsection .rodata.board_program, \"a\"",
    ".globl board_program",
    "board_program:",
    "   mov rbx, rdi",
    "   mov rsp, [rbx + 64]",
    "   stmxcsr [rbx + 128]",
    "   fnstcw [rbx + 132]",
    "   movq [rbx + 136], xmm15",
    "   mov rax, fs:[0]",
    "   mov [rbx + 144], rax",
    // Spoil what it has written down.
    "   push 0x7f80",
    "   ldmxcsr [rsp]",
    "   mov dword ptr [rsp], 0x0f7f",
    "   fldcw [rsp]",
    "   pcmpeqd xmm15, xmm15",
    "2: inc qword ptr [rbx + 152]",
    "   cmp dword ptr [0x430000], 0",
    "   je 2b",
    "   mov ecx, [0x43000c]",
    "   mov rdx, fs:[0]",
    "3: test ecx, ecx",
    "   jz 2b",
    "   dec ecx",
    "   cmp [rcx * 8 + 0x430010], rdx",
    "   jne 3b",
    "   mov eax, 0x52545801",
    "   mov rdi, rbx",
    "   mov esi, 256",
    "   syscall",
    "   ud2",
    ".globl board_program_call",
    "board_program_call:",
    "   mov rbx, rdi",
    "   mov rsp, [rbx + 64]",
    "   push 1",
    "   mov eax, 110", // getppid
    "   syscall",
    ".globl board_program_behind",
    "board_program_behind:",
    "   mov [rbx + 160], rax",
    "   mov eax, 56", // clone
    "   mov edi, 0x123",
    "   mov rsi, rsp",
    "   syscall",
    "   test rax, rax",
    "   jz 4f",
    "   mov [rbx + 168], rax",
    "   jmp 2b",
    // The child: its header is at its stack's top.
    "4: mov rbx, rsp",
    "   mov rax, fs:[0]",
    "   mov [rbx + 144], rax",
    "   jmp 2b",
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
