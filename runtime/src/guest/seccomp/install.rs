//! Putting a stopped thread, or its whole process, under a filter.

use nix::unistd::Pid;

use crate::guest::equip::{EquipError, step};
use crate::guest::inject::{Injector, check};
use crate::guest::ptrace::Tid;
use crate::guest::stub::Stub;
use crate::memory::remote;

/// Puts the thread of `injector`, whose memory is that of `pid`, under a filter; returns what
/// seccomp(2) returns. Only a process
/// without CAP_SYS_ADMIN becomes one that gains no privileges by execve(2), because the kernel
/// asks for that.
pub fn install(
    pid: Tid,
    injector: &mut Injector,
    stub: Stub,
    program: &[u8],
    flags: u64,
) -> Result<u64, EquipError> {
    // struct sock_fprog: the number of instructions (padded), then their address.
    let description = stub.scratch();
    let instructions = description + 16;
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&(program.len() as u64 / 8).to_ne_bytes());
    bytes.extend_from_slice(&instructions.to_ne_bytes());
    bytes.extend_from_slice(program);
    remote::write(Pid::from_raw(pid), description, &bytes).map_err(step("write the stub"))?;
    let gadget = stub.gadget();
    let mode = u64::from(libc::SECCOMP_SET_MODE_FILTER);
    let args = [mode, flags, description, 0, 0, 0];
    let mut result = injector.raw(gadget, libc::SYS_seccomp, args)?;
    if result == -i64::from(libc::EACCES) {
        let no_new_privs = [libc::PR_SET_NO_NEW_PRIVS as u64, 1, 0, 0, 0, 0];
        injector.call(gadget, "prctl", libc::SYS_prctl, no_new_privs)?;
        result = injector.raw(gadget, libc::SYS_seccomp, args)?;
    }
    Ok(check(injector.tid(), "seccomp", result)?)
}
