/* __rtx_resume(header): a supervisor lets a thread begin here on the thread's machine stack, with the
 * thread pointer set. Nothing above the stack pointer is needed. */
    .text
    .globl __rtx_resume
    .type __rtx_resume, @function
__rtx_resume:
    xor %ebp, %ebp              /* ends chains of frames */
    and $-16, %rsp              /* calls want it aligned */
    call __rtx_resume_thread    /* rdi: the header; does not return */
    ud2
    .size __rtx_resume, . - __rtx_resume
    .section .note.GNU-stack, "", @progbits
