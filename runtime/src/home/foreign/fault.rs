//! Faults of foreign threads: the kernel thread gets the signal that the kernel would have sent, with the
//! same information, and dies of it or runs its handler; then the thread runs its instruction again.

use nix::unistd::Pid;

use super::{What, stand_below};
use crate::guest::inject::{InjectError, Injector};
use crate::guest::ptrace::{self, Tid};
use crate::home::error::JobError;
use crate::home::messages::{Foreign, Held, Why};
use crate::home::shadow::{Outcome, outcome};
use crate::home::supervisor::{Supervisor, alive};
use crate::memory::maps::{Vma, read_maps};
use crate::memory::remote::{self, RemoteError};
use crate::memory::vm_flags::vm_flags;
use crate::wire::message::Amend;

/// Bytes of the kernel's `siginfo_t` (asm-generic/siginfo.h).
const SIGINFO: usize = 128;
/// Bytes of the kernel's `struct sigaction` on both ISAs, and of its mask.
const SIGACTION: usize = 32;
const MASK: u64 = 8;
/// `si_code` of SIGSEGV (asm-generic/siginfo.h): nothing is mapped there; it is not allowed.
const SEGV_MAPERR: i32 = 1;
const SEGV_ACCERR: i32 = 2;
/// `si_code` of SIGBUS: there is nothing behind the mapping.
const BUS_ADRERR: i32 = 2;

/// The information of a fault: `si_signo`, `si_errno`, `si_code`, and `si_addr` behind padding.
fn siginfo(signal: i32, (code, address): (i32, u64)) -> [u8; SIGINFO] {
    let mut info = [0; SIGINFO];
    info[0..4].copy_from_slice(&signal.to_ne_bytes());
    info[8..12].copy_from_slice(&code.to_ne_bytes());
    info[16..24].copy_from_slice(&address.to_ne_bytes());
    info
}

impl Supervisor {
    /// A thread that stands still has used memory that boards cannot have. It cannot go on, unless the kernel has
    /// nothing there either.
    pub(super) fn fault_in_unwatched(&mut self, tid: Tid, address: u64) -> Result<(), JobError> {
        if !self.is_past_the_file(address) {
            self.fail(JobError::ForeignMemory { tid, address });
            return Ok(());
        }
        let beneath = self.threads.get_mut(&tid).and_then(|t| t.beneath.as_mut());
        if let Some(What::Still(context)) = beneath.map(|b| &mut b.what)
            && let Held::Theirs(Foreign { fault, .. }) = &mut context.state
        {
            *fault = (BUS_ADRERR, address);
        }
        self.fault(tid, libc::SIGBUS)
    }

    /// Whether an address is in a mapping of a file that may be read, and the file does not reach so far (or its
    /// storage fails, which the kernel tells the same way).
    fn is_past_the_file(&self, address: u64) -> bool {
        let memory = self.setup.as_ref().map_or(self.pid, |s| s.memory);
        let pid = Pid::from_raw(memory);
        // Of a program that is ending there are none.
        let maps = read_maps(pid).unwrap_or_default();
        let readable = |vma: &&Vma| vma.range().contains(&address) && vma.prot.r;
        let in_file = maps
            .iter()
            .find(readable)
            .is_some_and(|vma| vma.kind.file().is_some());
        // Of a device nobody can read what is there.
        let device = || vm_flags(pid, address).is_ok_and(|f| f.is_some_and(|f| f.io()));
        let nothing = || {
            let read = remote::read_into(pid, address, &mut [0]);
            matches!(read, Err(RemoteError::Fault { .. }))
        };
        in_file && nothing() && !device()
    }

    /// Sends the kernel thread of a thread that stands still the signal of its fault.
    pub(super) fn fault(&mut self, tid: Tid, signal: i32) -> Result<(), JobError> {
        let Some(stub) = self.setup.as_ref().map(|s| s.stub) else {
            return Ok(());
        };
        if let Some(address) = self.called_made_code(tid) {
            self.fail(JobError::ForeignCode { tid, address });
            return Ok(());
        }
        let beneath = self.threads.get(&tid).and_then(|t| t.beneath.as_ref());
        let Some(What::Still(context)) = beneath.map(|b| &b.what) else {
            return Ok(());
        };
        let Held::Theirs(Foreign { sp, fault, .. }) = &context.state else {
            return Ok(());
        };
        let (sp, (mut code, address)) = (*sp, *fault);
        let Some(mut regs) = alive(ptrace::registers(tid), "read registers")? else {
            return Ok(());
        };
        regs.set_pc(stub.park());
        regs.finish_call(0);
        stand_below(&mut regs, sp);
        if !self.stand(tid, &regs, 0)? {
            return Ok(());
        }
        if signal == libc::SIGSEGV && matches!(code, SEGV_MAPERR | SEGV_ACCERR) {
            // Boards have no mapping of what nobody may touch, and the kernel grows stacks at home.
            let memory = self.memory_at(tid, address);
            code = match self.unless_ended(memory)? {
                Some(At::Mapped) => SEGV_ACCERR,
                Some(At::Nothing) => SEGV_MAPERR,
                Some(At::Grown) => return self.go_back(tid, Amend::default()),
                None => return Ok(()),
            };
        }
        let info = siginfo(signal, (code, address));
        let Some(mask) = alive(ptrace::signal_mask(tid), "read a signal mask")? else {
            return Ok(());
        };
        let bit = 1u64 << (signal - 1);
        // The kernel lets nobody block or ignore the signal of a fault (kernel/signal.c, force_sig_info).
        let forced = mask & bit != 0 || outcome(self.pid, signal) != Outcome::Handler;
        let memory = self.setup.as_ref().map_or(self.pid, |s| s.memory);
        let send = || -> Result<(), InjectError> {
            let mut injector = Injector::begin(self.pid, tid)?;
            let sent = (|| {
                let write = |bytes: &[u8]| {
                    remote::write(Pid::from_raw(memory), stub.scratch(), bytes).map_err(|e| {
                        InjectError::Call(tid, "signal of a fault", std::io::Error::other(e))
                    })
                };
                if forced {
                    write(&[0; SIGACTION])?;
                    let args = [signal as u64, stub.scratch(), 0, MASK, 0, 0];
                    let nr = libc::SYS_rt_sigaction;
                    injector.call(stub.gadget(), "rt_sigaction", nr, args)?;
                }
                write(&info)?;
                let (pid, thread) = (self.pid as u64, tid as u64);
                let args = [pid, thread, signal as u64, stub.scratch(), 0, 0];
                let nr = libc::SYS_rt_tgsigqueueinfo;
                injector.call(stub.gadget(), "rt_tgsigqueueinfo", nr, args)
            })();
            injector.finish()?;
            sent.map(drop)
        };
        let sent = send();
        if self.unless_ended(sent)?.is_none() {
            return Ok(());
        }
        if forced {
            alive(
                ptrace::set_signal_mask(tid, mask & !bit),
                "set a signal mask",
            )?;
        }
        let beneath = self.threads.get_mut(&tid).and_then(|t| t.beneath.as_mut());
        if let Some(What::Still(context)) = beneath.map(|b| &mut b.what) {
            // When its handler has returned, the instruction is met again.
            context.why = Why::Recalled;
        }
        // The signal comes before anything else.
        self.resume(tid, 0)
    }
}

/// What is at an address at home.
enum At {
    Mapped,
    Nothing,
    /// There was nothing, and the kernel has made a stack grow to it.
    Grown,
}

impl Supervisor {
    /// Looks what is at an address, and has the kernel make a stack grow there, if it is one's.
    fn memory_at(&self, tid: Tid, address: u64) -> Result<At, InjectError> {
        // Of a program that is ending there are none.
        let maps = read_maps(Pid::from_raw(self.pid)).unwrap_or_default();
        if maps.iter().any(|vma| vma.range().contains(&address)) {
            return Ok(At::Mapped);
        }
        let Some(stub) = self.setup.as_ref().map(|s| s.stub) else {
            return Ok(At::Nothing);
        };
        // It reads there before it refuses the limit that it is asked for; null it does not read, but what is
        // behind it.
        let limit = (address & !15).max(16);
        let args = [0, u64::from(u32::MAX >> 1), limit, 0, 0, 0];
        let mut injector = Injector::begin(self.pid, tid)?;
        let read = injector.call(stub.gadget(), "prlimit64", libc::SYS_prlimit64, args);
        injector.finish()?;
        match read {
            Err(InjectError::Call(_, _, e)) if e.raw_os_error() == Some(libc::EINVAL) => {
                Ok(At::Grown)
            }
            Err(InjectError::Call(..)) | Ok(_) => Ok(At::Nothing),
            Err(e) => Err(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_information_lies_where_the_kernel_has_it() {
        let bytes = siginfo(libc::SIGSEGV, (2, 0x7000));
        // SAFETY: siginfo_t is plain data of this size, for which any bytes are valid.
        let info: libc::siginfo_t = unsafe { std::mem::transmute_copy(&bytes) };
        assert_eq!(size_of::<libc::siginfo_t>(), SIGINFO);
        assert_eq!((info.si_signo, info.si_code), (libc::SIGSEGV, 2));
        // SAFETY: a fault has an address.
        assert_eq!(unsafe { info.si_addr() } as u64, 0x7000);
    }
}
