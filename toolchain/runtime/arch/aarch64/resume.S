/* __rtx_resume(header): a supervisor lets a thread begin here on the thread's machine stack, with the
 * thread pointer set. Nothing above the stack pointer is needed. */
    .text
    .globl __rtx_resume
    .type __rtx_resume, %function
__rtx_resume:
    mov x29, #0                 /* ends chains of frames */
    mov x30, #0
    b __rtx_resume_thread       /* x0: the header; does not return */
    .size __rtx_resume, . - __rtx_resume
    .section .note.GNU-stack, "", %progbits
