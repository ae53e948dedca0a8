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
    .section .note.GNU-stack, "", @progbits
