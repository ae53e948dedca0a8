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
    .section .note.GNU-stack, "", %progbits
