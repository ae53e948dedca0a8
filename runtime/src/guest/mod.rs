//! One traced process, seen from its tracer thread.
//!
//! What lives here: starting a program under ptrace ([`launch`]), at addresses that
//! every instruction set has ([`low`]), the raw ptrace requests
//! ([`ptrace`]) and what `waitpid` reports ([`stop`]), running a system call inside the process
//! ([`inject`]), the few pages rtx reserves in its address space ([`stub`]), the sleep from which
//! the tracer thread wakes for stops and for commands ([`bell`]), what `/proc` says about a thread
//! ([`procfs`]), how many descriptors there are ([`descriptors`]), filters of its system calls ([`seccomp`]), and registers ([`arch`], the only place that knows them).
//!
//! Data flows one way: the kernel reports a [`stop::Stop`], the owner of the process (`home` or
//! `board`) decides, and answers with a [`ptrace`] request. Everything here must be called from
//! the thread that seized the process: ptrace(2) binds a tracee to its tracer thread.

pub mod arch;
pub mod bell;
pub mod descriptors;
pub mod equip;
pub mod inject;
pub mod launch;
pub mod low;
pub mod procfs;
pub mod ptrace;
pub mod robust;
pub mod seccomp;
pub mod stop;
pub mod stub;
pub mod vdso;
