/* __rtx_resume(header): a supervisor lets a thread begin here with the thread pointer set. All of the
 * thread's machine stack is free. */
    .text
    .globl __rtx_resume
    .type __rtx_resume, @function
__rtx_resume:
    xor %ebp, %ebp              /* ends chains of frames */
    mov 64(%rdi), %rsp          /* stack_top, a multiple of 16 */
    call __rtx_resume_thread    /* rdi: the header; does not return */
    ud2
    .size __rtx_resume, . - __rtx_resume

/* __rtx_jump(header, stack): begins at __rtx_resume as a supervisor lets a thread begin, with junk in all registers of
 * which the contract says nothing. For tests; other programs do not have it. */
    .section .text.__rtx_jump, "ax", @progbits
    .globl __rtx_jump
    .type __rtx_jump, @function
__rtx_jump:
    mov %rsi, %rsp
    movabs $0x5555555555555555, %rax
    mov %rax, %rbx
    mov %rax, %rcx
    mov %rax, %rdx
    mov %rax, %rsi
    mov %rax, %rbp
    mov %rax, %r8
    mov %rax, %r9
    mov %rax, %r10
    mov %rax, %r11
    mov %rax, %r12
    mov %rax, %r13
    mov %rax, %r14
    mov %rax, %r15
    jmp __rtx_resume            /* rdi: the header */
    .size __rtx_jump, . - __rtx_jump
    .section .note.GNU-stack, "", @progbits
