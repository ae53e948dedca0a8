//! Making a replica: a process with nothing in it but the stub, equipped for sharing, whose threads
//! cannot make a system call without the agent. All of it runs on the tracer thread.
//!
//! The replica's leader runs the helper's loop, never code of the guest, under a [`filter`] of its own.
//! The **seed** is a thread under the guest threads' filter, from which every **vessel** (a thread that
//! carries an offloaded one) is cloned.

use std::os::fd::OwnedFd;

use nix::unistd::Pid;

use super::{filter, image};
use crate::guest::arch::{self, Registers};
use crate::guest::equip::{self, EquipError, step};
use crate::guest::inject::{InjectError, Injector};
use crate::guest::launch::{self, Inherited, LaunchError, Program};
use crate::guest::ptrace::{self, Tid};
use crate::guest::seccomp;
use crate::guest::stop::Stop;
use crate::guest::stub::{self, Stub};
use crate::memory::helper::Helper;
use crate::memory::maps::{Kind, MapsError, read_maps};
use crate::memory::remote;
use crate::memory::uffd::{self, Uffd};
use crate::wire::message::Resume;

/// Why there is no replica.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    /// The stub program could not be started.
    #[error("cannot start a replica")]
    Launch(#[from] LaunchError),
    /// It could not be prepared.
    #[error("cannot prepare a replica")]
    Equip(#[from] EquipError),
    /// A step failed.
    #[error("cannot {0} a replica")]
    Step(&'static str, #[source] std::io::Error),
    /// Its mappings could not be read.
    #[error("cannot empty a replica")]
    Maps(#[from] MapsError),
}

impl From<InjectError> for ReplicaError {
    fn from(e: InjectError) -> Self {
        ReplicaError::Equip(e.into())
    }
}

/// A fresh replica.
pub struct Replica {
    /// Its process, and leader.
    pub pid: Tid,
    /// The thread vessels are cloned from.
    pub seed: Tid,
    /// Its reserved pages.
    pub stub: Stub,
}

/// What the thread that serves a replica needs.
pub struct ReplicaFds {
    /// Its userfaultfd.
    pub uffd: Uffd,
    /// Its helper: the leader.
    pub helper: Helper,
    /// Where its threads' system calls arrive.
    pub calls: OwnedFd,
}

const THREAD_FLAGS: u64 = (libc::CLONE_VM
    | libc::CLONE_FS
    | libc::CLONE_FILES
    | libc::CLONE_SIGHAND
    | libc::CLONE_THREAD
    | libc::CLONE_SYSVSEM) as u64;

/// Makes a replica with its stub at `stub`. `clocks_agree`: this machine's clocks are home's.
pub fn make(stub: Stub, clocks_agree: bool) -> Result<(Replica, ReplicaFds), ReplicaError> {
    let (_image, path) =
        image::write(stub).map_err(|e| ReplicaError::Step("write the image of", e))?;
    let program = Program {
        path: path.into(),
        argv: vec!["rtx-replica".into()],
        inherited: Inherited::default(),
        low: false,
    };
    let pid = launch::launch(&program, ptrace::REPLICA_OPTIONS)?;
    let outcome = equip(pid, stub, clocks_agree);
    if outcome.is_err() {
        // SAFETY: kill takes integers; the process is our tracee.
        unsafe { libc::kill(pid, libc::SIGKILL) };
    }
    outcome
}

fn equip(pid: Tid, stub: Stub, clocks_agree: bool) -> Result<(Replica, ReplicaFds), ReplicaError> {
    launch::leave_exec(pid)?;
    let mut leader = Injector::begin(pid, pid)?;
    let gadget = stub.gadget();
    leader.call(
        gadget,
        "close_range",
        libc::SYS_close_range,
        [0, u64::from(u32::MAX), 0, 0, 0, 0],
    )?;
    for vma in read_maps(Pid::from_raw(pid))? {
        let ours = vma.start >= stub.0 && vma.end <= stub.end();
        if !ours && vma.kind != Kind::Vsyscall {
            leader.call(
                gadget,
                "munmap",
                libc::SYS_munmap,
                [vma.start, vma.len(), 0, 0, 0, 0],
            )?;
        }
    }
    let uffd = equip::open_userfaultfd(pid, &mut leader, stub, equip::USER_FAULTS_ONLY)?;
    let features = uffd::FEATURE_PAGEFAULT_FLAG_WP | uffd::FEATURE_THREAD_ID;
    uffd.handshake(features)
        .map_err(step("start the replica's userfaultfd"))?;
    remote::write(Pid::from_raw(pid), stub.probe(), &[1]).map_err(step("write the stub"))?;
    uffd.register(stub.probe(), stub::PAGE_SIZE)
        .map_err(step("watch the stub's probe page"))?;
    let socket = equip::helper_socket(pid, &mut leader, stub)?;
    let seed = leader.call(
        gadget,
        "clone",
        libc::SYS_clone,
        arch::clone_args(THREAD_FLAGS, 0),
    )? as Tid;
    let clock = clocks_agree.then_some(stub.clock_made());
    let listener = filter(pid, seed, stub, &filter::for_guest_threads(clock))?;
    let calls =
        equip::fetch_fd(pid, listener as i32).map_err(step("take over the replica's calls"))?;
    leader.call(gadget, "close", libc::SYS_close, [listener, 0, 0, 0, 0, 0])?;
    no_new_privs(&mut leader, stub)?;
    seccomp::install(pid, &mut leader, stub, &filter::for_helper(), 0)?;
    let mut regs = *leader.saved();
    regs.set_pc(stub.helper());
    regs.finish_call(0);
    regs.prepare_helper(socket.theirs, stub.commands());
    leader.finish_with(&regs)?;
    ptrace::cont(pid, 0).map_err(|e| ReplicaError::Step("start the helper of", e))?;
    let mut helper = Helper::new(socket.ours);
    equip::equip_helper(&mut helper, pid, stub).map_err(step("prepare the helper"))?;
    Ok((
        Replica { pid, seed, stub },
        ReplicaFds {
            uffd,
            helper,
            calls,
        },
    ))
}

/// Puts the seed under a filter that reports system calls, and returns the number of the descriptor
/// on which they arrive.
fn filter(pid: Tid, seed: Tid, stub: Stub, program: &[u8]) -> Result<u64, ReplicaError> {
    let failed = |e| ReplicaError::Step("wait for the seed of", e);
    match ptrace::wait(seed, true)
        .map_err(failed)?
        .map(|(_, s)| Stop::decode(s))
    {
        Some(Stop::Trap) => {}
        _ => return Err(InjectError::Ended(seed, None).into()),
    }
    let mut injector = Injector::begin(pid, seed)?;
    let listener = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    no_new_privs(&mut injector, stub)?;
    let fd = seccomp::install(pid, &mut injector, stub, program, listener)?;
    injector.finish()?;
    Ok(fd)
}

/// The thread gains no privileges any more, whatever it executes.
fn no_new_privs(injector: &mut Injector, stub: Stub) -> Result<(), InjectError> {
    let args = [libc::PR_SET_NO_NEW_PRIVS as u64, 1, 0, 0, 0, 0];
    injector.call(stub.gadget(), "prctl", libc::SYS_prctl, args)?;
    Ok(())
}

impl Replica {
    /// The registers and extended state of a thread that takes up its continuation: otherwise those of
    /// the seed, which never runs code of a program.
    pub fn fresh(&self, at: Resume) -> std::io::Result<(Registers, Vec<u8>)> {
        let mut registers = ptrace::registers(self.seed)?;
        registers.begin_at(at.pc, at.thread_pointer, at.argument);
        Ok((registers, ptrace::extended(self.seed)?))
    }

    /// Clones a new vessel from the seed; it is stopped and clean. The agent must meanwhile let
    /// the seed's call through.
    pub fn vessel(&self) -> Result<Tid, ReplicaError> {
        let mut injector = Injector::begin(self.pid, self.seed)?;
        let args = arch::clone_args(THREAD_FLAGS, 0);
        let vessel = injector.call(self.stub.gadget(), "clone", libc::SYS_clone, args)? as Tid;
        injector.finish()?;
        let failed = |e| ReplicaError::Step("wait for a thread of", e);
        match ptrace::wait(vessel, true)
            .map_err(failed)?
            .map(|(_, s)| Stop::decode(s))
        {
            Some(Stop::Trap) => Ok(vessel),
            _ => Err(InjectError::Ended(vessel, None).into()),
        }
    }
}
