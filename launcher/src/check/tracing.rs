//! Whether other processes can be traced, read and asked for their descriptors.

use std::fs;
use std::io::{self, IoSliceMut};

use nix::sys::ptrace::{self, Options};
use nix::sys::uio::{RemoteIoVec, process_vm_readv as vm_readv};

use super::child::{Sleeper, in_child};
use super::{Missing, Outcome, sys};

const PTRACE_FIX: &str = "Run as root, or: sysctl kernel.yama.ptrace_scope=1. In a container, start \
                          it with --cap-add=SYS_PTRACE";

/// Whether a program can be supervised: seized as rtx does it, and stopped.
pub fn ptrace() -> Outcome {
    let trial = || {
        let child = Sleeper::start()?;
        seize_and_stop(&child)
    };
    match trial() {
        Ok(()) => Ok("a child can be seized and stopped".to_owned()),
        Err(error) => Err(Missing::call("cannot trace a process", &error, PTRACE_FIX)),
    }
}

fn seize_and_stop(child: &Sleeper) -> io::Result<()> {
    let options = Options::PTRACE_O_EXITKILL
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_TRACEEXIT;
    ptrace::seize(child.pid(), options)?;
    ptrace::interrupt(child.pid())?;
    child.wait_stopped()
}

/// Whether a running program can be attached to: one that is no child of its tracer.
pub fn attach() -> Outcome {
    let trial = || {
        let stranger = Sleeper::start()?;
        in_child(|| Ok(ptrace::seize(stranger.pid(), Options::empty())?))
    };
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    match trial() {
        Ok(()) => Ok("a process that is no child can be seized".to_owned()),
        Err(error) => {
            let why = match scope.trim() {
                "" | "0" => sys::words(&error),
                scope => format!(
                    "{}, kernel.yama.ptrace_scope is {scope}",
                    sys::words(&error)
                ),
            };
            let fix = "Run as root, or: sysctl kernel.yama.ptrace_scope=0";
            Err(Missing::new("cannot attach to a running process", why, fix))
        }
    }
}

/// Whether a child's memory can be read without stopping it.
pub fn process_vm_readv() -> Outcome {
    // The child is a copy of this process: the number stands at the same address.
    let written: u64 = 0x0072_7478_2d72_756e;
    let trial = || {
        let child = Sleeper::start()?;
        let mut read = [0u8; 8];
        let remote = RemoteIoVec {
            base: (&raw const written).addr(),
            len: read.len(),
        };
        let count = vm_readv(child.pid(), &mut [IoSliceMut::new(&mut read)], &[remote])?;
        match count == read.len() && read == written.to_ne_bytes() {
            true => Ok(()),
            false => Err(io::Error::other("it returned something else")),
        }
    };
    match trial() {
        Ok(()) => Ok("a child's memory can be read".to_owned()),
        Err(error) => {
            let what = "cannot read a process's memory with process_vm_readv";
            Err(Missing::call(what, &error, PTRACE_FIX))
        }
    }
}

/// Whether a descriptor can be taken over from a child.
pub fn pidfd_getfd() -> Outcome {
    let trial = || {
        // The child has inherited this descriptor.
        let file = std::os::fd::OwnedFd::from(fs::File::open("/dev/null")?);
        let child = Sleeper::start()?;
        let pidfd = sys::pidfd_open(child.pid().as_raw())?;
        let number = std::os::fd::AsRawFd::as_raw_fd(&file);
        sys::pidfd_getfd(&pidfd, number)
    };
    match trial() {
        Ok(_) => Ok("a child's descriptor can be fetched".to_owned()),
        Err(error) => {
            let what = "cannot fetch a process's descriptor with pidfd_getfd";
            Err(Missing::call(what, &error, PTRACE_FIX))
        }
    }
}

/// How many bytes of registers travel with a thread.
pub fn register_state() -> Outcome {
    let trial = || {
        let child = Sleeper::start()?;
        seize_and_stop(&child)?;
        let pid = child.pid().as_raw();
        let general = sys::register_set_size(pid, NT_PRSTATUS)?;
        let extended = sys::register_set_size(pid, EXTENDED.1)?;
        Ok((general, extended))
    };
    match trial() {
        Ok((general, extended)) => {
            let name = EXTENDED.0;
            Ok(format!("{general} bytes general, {extended} bytes {name}"))
        }
        Err(error) => Err(Missing::call(
            "cannot read a thread's registers",
            &error,
            PTRACE_FIX,
        )),
    }
}

/// The set of general registers (linux/elf.h).
const NT_PRSTATUS: i32 = 1;

/// The largest other set: XSTATE.
#[cfg(target_arch = "x86_64")]
const EXTENDED: (&str, i32) = ("XSTATE", 0x202);

/// The largest other set that every cpu has: floating point.
#[cfg(target_arch = "aarch64")]
const EXTENDED: (&str, i32) = ("floating point", 2);
