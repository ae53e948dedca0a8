/* __rtx_resume(header): a supervisor lets a thread begin here with the thread pointer set. All of the
 * thread's machine stack is free. */
    .text
    .globl __rtx_resume
    .type __rtx_resume, %function
__rtx_resume:
    ldr x9, [x0, #64]           /* stack_top, a multiple of 16 */
    mov sp, x9
    mov x29, #0                 /* ends chains of frames */
    mov x30, #0
    b __rtx_resume_thread       /* x0: the header; does not return */
    .size __rtx_resume, . - __rtx_resume

/* __rtx_jump(header, stack): begins at __rtx_resume as a supervisor lets a thread begin, with junk in all registers of
 * which the contract says nothing. For tests; other programs do not have it. */
    .section .text.__rtx_jump, "ax", %progbits
    .globl __rtx_jump
    .type __rtx_jump, %function
__rtx_jump:
    mov sp, x1
    mov x1, #0x5555555555555555
    mov x2, x1
    mov x3, x1
    mov x4, x1
    mov x5, x1
    mov x6, x1
    mov x7, x1
    mov x8, x1
    mov x9, x1
    mov x10, x1
    mov x11, x1
    mov x12, x1
    mov x13, x1
    mov x14, x1
    mov x15, x1
    mov x16, x1
    mov x17, x1
    mov x19, x1
    mov x20, x1
    mov x21, x1
    mov x22, x1
    mov x23, x1
    mov x24, x1
    mov x25, x1
    mov x26, x1
    mov x27, x1
    mov x28, x1
    mov x29, x1
    mov x30, x1
    fmov d0, x1
    fmov d1, x1
    fmov d2, x1
    fmov d3, x1
    fmov d4, x1
    fmov d5, x1
    fmov d6, x1
    fmov d7, x1
    fmov d8, x1
    fmov d9, x1
    fmov d10, x1
    fmov d11, x1
    fmov d12, x1
    fmov d13, x1
    fmov d14, x1
    fmov d15, x1
    fmov d16, x1
    fmov d17, x1
    fmov d18, x1
    fmov d19, x1
    fmov d20, x1
    fmov d21, x1
    fmov d22, x1
    fmov d23, x1
    fmov d24, x1
    fmov d25, x1
    fmov d26, x1
    fmov d27, x1
    fmov d28, x1
    fmov d29, x1
    fmov d30, x1
    fmov d31, x1
    b __rtx_resume              /* x0: the header */
    .size __rtx_jump, . - __rtx_jump
    .section .note.GNU-stack, "", %progbits
