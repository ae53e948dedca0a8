/* vfork as on x86-64: the child has the parent's memory, and the parent waits until it execs or exits. */
	.global vfork
	.type vfork, %function
vfork:
	mov x8, #220        // clone
	mov x0, #0x4111     // SIGCHLD, CLONE_VM, CLONE_VFORK
	mov x1, #0          // on the parent's stack
	svc #0
	.hidden __syscall_ret
	b __syscall_ret
