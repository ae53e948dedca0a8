//! Starting a keeper and putting the guest under the filter.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::Pid;

use super::forward::hand_over;
use super::{Interception, adopt, filter, keeper};
use crate::guest::equip::{EquipError, fetch_fd, step};
use crate::guest::inject::{InjectError, Injector};
use crate::guest::procfs;
use crate::guest::ptrace::Tid;
use crate::guest::seccomp;
use crate::guest::stub::Stub;
use crate::memory::remote::Memory;

/// A keeper that waits for its listener. It ends if this is dropped.
pub struct Keeper {
    socket: OwnedFd,
    pid: Tid,
}

impl Keeper {
    /// Starts one for process `guest`. It is reaped by whoever waits for any child of this thread.
    pub fn start(guest: Tid) -> io::Result<Keeper> {
        let (ours, theirs) = socket_pair()?;
        let [pid, start] = arguments(guest)?;
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0(keeper::NAME)
            .args([pid, start])
            .env_clear()
            .envs(environment(guest))
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/");
        let own_session = || Ok(nix::unistd::setsid().map(drop)?);
        // SAFETY: the closure makes one system call.
        let child = unsafe { command.pre_exec(own_session) }.spawn()?;
        Ok(Keeper {
            socket: ours,
            pid: child.id() as Tid,
        })
    }
}

/// The environment the guest was started with: who looks for its processes by that (job schedulers
/// do) takes the keeper for one of them, rightly.
fn environment(guest: Tid) -> Vec<(OsString, OsString)> {
    let text = std::fs::read(format!("/proc/{guest}/environ")).unwrap_or_default();
    let entries = text.split(|byte| *byte == 0);
    let pairs = entries.filter_map(|entry| {
        let equals = entry.iter().position(|byte| *byte == b'=')?;
        let part = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        Some((part(&entry[..equals]), part(&entry[equals + 1..])))
    });
    pairs.filter(|(name, _)| !name.is_empty()).collect()
}

/// What a guest's keeper is called with: a process number may be used again, but not with the
/// same start.
pub fn arguments(guest: Tid) -> io::Result<[String; 2]> {
    Ok([guest.to_string(), procfs::start_time(guest)?.to_string()])
}

pub(super) fn socket_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SockFlag::SOCK_CLOEXEC;
    Ok(socketpair(
        AddressFamily::Unix,
        SockType::SeqPacket,
        None,
        flags,
    )?)
}

/// Puts the whole guest under the filter, by means of one stopped thread. `memory` is a process
/// with its memory that stays outside of the filter. This is the last step of a set-up: once it has
/// begun to work it must succeed, because the guest's calls wait for the keeper from then on.
pub fn install(
    pid: Tid,
    injector: &mut Injector,
    stub: Stub,
    keeper: Keeper,
    memory: Tid,
) -> Result<Interception, EquipError> {
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER
        | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
        | libc::SECCOMP_FILTER_FLAG_TSYNC
        | libc::SECCOMP_FILTER_FLAG_TSYNC_ESRCH
        | libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    let listener = match seccomp::install(memory, injector, stub, &filter::program(), flags) {
        Ok(fd) => {
            let listener = fetch_fd(injector.tid(), fd as i32).map_err(EquipError::Unserved)?;
            let args = [fd, 0, 0, 0, 0, 0];
            injector.call(stub.gadget(), "close", libc::SYS_close, args)?;
            listener
        }
        Err(EquipError::Inject(InjectError::Call(_, _, e))) => match e.raw_os_error() {
            Some(libc::EBUSY) => adopt::listener(pid, keeper.pid)?.ok_or(
                "another program answers system calls of this one already (a seccomp listener)",
            ),
            Some(libc::ESRCH) => Err("one of its threads has a seccomp filter of its own"),
            _ => return Err(intercept(e)),
        }
        .map_err(intercept)?,
        Err(e) => return Err(e),
    };
    let begun = Memory::open(Pid::from_raw(memory))
        .map_err(io::Error::other)
        .and_then(|memory| hand_over(keeper.socket.as_fd(), listener.as_fd(), &memory))
        .and_then(|()| Interception::new(keeper.socket, listener));
    begun.map_err(EquipError::Unserved)
}

fn intercept<E: Into<Box<dyn std::error::Error + Send + Sync>>>(e: E) -> EquipError {
    step("intercept the program's calls that change memory")(e)
}
