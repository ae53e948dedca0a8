//! The keeper: a process that receives the calls the guest's filter reports, as long as anybody is
//! under it. It holds nothing but the listener, its connection to rtx-run and the guest's memory, has a session of its
//! own, and never waits for anybody.
//!
//! SIGTERM ends it between two calls; another rtx-run that joins a guest which was let go uses that
//! to take the listener over ([`super::adopt`]).

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::process::ExitCode;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use super::forward::{Forwarded, forward, take_over};
use super::peek;
use crate::calls::{Begins, Intercepted, intercepted};
use crate::guest::procfs;
use crate::guest::ptrace::Tid;
use crate::guest::seccomp::{Listener, WaitingCall};
use crate::memory::remote::Memory;

/// The name under which this program is the keeper of a guest: `rtx-keeper PID START`.
pub const NAME: &str = "rtx-keeper";
/// The descriptor of its connection to rtx-run.
const OWNER: i32 = 0;
/// The descriptor of the listener.
pub const LISTENER: i32 = 3;
/// `SECCOMP_MODE_FILTER` (linux/seccomp.h): what prctl(PR_GET_SECCOMP) says of a thread under filters.
const MODE_FILTER: i64 = 2;
/// `KCMP_VM` (linux/kcmp.h): whether two processes have one memory.
const KCMP_VM: i32 = 1;

/// Runs it; `guest` is the process it was started for.
pub fn main(guest: Option<Tid>) -> ExitCode {
    match guest
        .ok_or_else(|| io::ErrorKind::InvalidInput.into())
        .and_then(keep)
    {
        Ok(()) => ExitCode::SUCCESS,
        // There is nobody to tell; rtx-run sees that it is gone.
        Err(_) => ExitCode::from(125),
    }
}

fn keep(guest: Tid) -> io::Result<()> {
    // Not the name of the file it was executed from, which is the same for all commands.
    nix::sys::prctl::set_name(c"rtx-keeper")?;
    let while_waiting = signals()?;
    // SAFETY: nothing else in this process uses descriptors, which begin with the connection that
    // rtx-run gave it; all others it inherited are closed.
    let owner = unsafe {
        if libc::syscall(libc::SYS_close_range, LISTENER, u32::MAX, 0) == -1 {
            return Err(io::Error::last_os_error());
        }
        OwnedFd::from_raw_fd(OWNER)
    };
    let Some((listener, memory)) = take_over(owner.as_fd())? else {
        return Ok(());
    };
    assert_eq!(
        std::os::fd::AsRawFd::as_raw_fd(&listener),
        LISTENER,
        "the lowest free descriptor"
    );
    let listener = Listener::new(listener)?;
    listener.wake_in_place();
    fcntl(&owner, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    let job = Job {
        owner,
        guest,
        memory,
        forwarded: BTreeMap::new(),
        queue: VecDeque::new(),
    };
    serve(&listener, job, &while_waiting)
}

/// Blocks SIGTERM; the answer is the mask for waiting, in which it ends the process.
fn signals() -> io::Result<SigSet> {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: no handler is installed.
    unsafe { sigaction(Signal::SIGTERM, &default) }?;
    let mut blocked = SigSet::empty();
    blocked.add(Signal::SIGTERM);
    blocked.thread_set_mask()?;
    Ok(SigSet::empty())
}

/// The job while it lasts.
struct Job {
    owner: OwnedFd,
    guest: Tid,
    /// The memory, known by the pager's helper.
    memory: Memory,
    /// The last call forwarded of each thread, answered or not.
    forwarded: BTreeMap<Tid, u64>,
    /// What the pager's queue had no room for. Waiting for room would be a deadlock: the pager may
    /// wait for its helper, and the helper of a guest that was joined again is under the filter.
    queue: VecDeque<Forwarded>,
}

/// Serves until nobody is under the filter any more.
fn serve(listener: &Listener, job: Job, while_waiting: &SigSet) -> io::Result<()> {
    let mut job = Some(job);
    loop {
        let (called, over) = wait(listener, job.as_ref(), while_waiting)?;
        if over && let Some(job) = job.take() {
            job.end(listener)?;
        }
        if let Some(job) = &mut job {
            job.flush();
        }
        match called {
            Called::Yes => {}
            Called::No => continue,
            Called::NeverAgain => return Ok(()),
        }
        let Some(call) = listener.receive()? else {
            continue;
        };
        if let Some(Intercepted::FilterMode) = intercepted(call.nr, &call.args)
            && let Ok(filters) = procfs::filters(call.caller)
        {
            // Ours is one of them.
            let mode = if filters > 1 { MODE_FILTER } else { 0 };
            listener.answer(call.id, mode)?;
            continue;
        }
        match &mut job {
            Some(running) if running.concerns(call.caller) && !running.harmless(&call) => {
                running.forward(&call);
            }
            _ => {
                listener.let_through(call.id)?;
            }
        }
    }
}

enum Called {
    Yes,
    No,
    NeverAgain,
}

/// Waits for a call, for the end of the job (told by the second value), or for the end of all.
fn wait(listener: &Listener, job: Option<&Job>, mask: &SigSet) -> io::Result<(Called, bool)> {
    let mut fds = vec![PollFd::new(listener.fd(), PollFlags::POLLIN)];
    fds.extend(job.map(|job| {
        let room = if job.queue.is_empty() {
            PollFlags::empty()
        } else {
            PollFlags::POLLOUT
        };
        PollFd::new(job.owner.as_fd(), PollFlags::POLLIN | room)
    }));
    match ppoll(&mut fds, None, Some(*mask)) {
        Err(nix::Error::EINTR) => return Ok((Called::No, false)),
        ready => ready?,
    };
    let has = |i: usize, flag| {
        let revents = fds.get(i).and_then(|fd: &PollFd| fd.revents());
        revents.is_some_and(|r| r.intersects(flag))
    };
    let called = match () {
        () if has(0, PollFlags::POLLIN) => Called::Yes,
        () if has(0, PollFlags::POLLHUP | PollFlags::POLLERR) => Called::NeverAgain,
        () => Called::No,
    };
    // rtx-run says nothing more: whatever comes is the end.
    let over = PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR;
    Ok((called, has(1, over)))
}

impl Job {
    /// Whether a thread has the guest's memory: one of its own, or a child before its exec. Not the
    /// helper: it acts for the pager.
    fn concerns(&self, caller: Tid) -> bool {
        let helper = self.memory.pid().as_raw();
        if caller == helper {
            return false;
        }
        // SAFETY: kcmp takes integers.
        let order = unsafe { libc::syscall(libc::SYS_kcmp, caller, helper, KCMP_VM, 0, 0) };
        let refused = || {
            let errno = io::Error::last_os_error().raw_os_error();
            matches!(errno, Some(libc::EPERM | libc::ENOSYS))
        };
        match order {
            -1 if refused() => {
                std::path::Path::new(&format!("/proc/{}/task/{caller}", self.guest)).exists()
            }
            order => order == 0,
        }
    }

    /// Whether nobody has to hear of a call, as far as can be read here.
    fn harmless(&self, call: &WaitingCall) -> bool {
        match intercepted(call.nr, &call.args) {
            Some(Intercepted::Opens(what)) => {
                peek::opened(&self.memory, what).is_ok_and(|begins| begins == Begins::Nothing)
            }
            Some(Intercepted::Copies) if call.nr == libc::SYS_clone3 => {
                peek::shares_memory(&self.memory, call.args[0]).unwrap_or(false)
            }
            _ => false,
        }
    }

    fn forward(&mut self, call: &WaitingCall) {
        self.forwarded.insert(call.caller, call.id);
        self.queue.push_back(Forwarded::from(call));
        self.flush();
    }

    /// Sends what the pager's queue has room for.
    fn flush(&mut self) {
        while let Some(call) = self.queue.front() {
            match forward(self.owner.as_fd(), *call) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Ok(()) => drop(self.queue.pop_front()),
                // rtx-run is gone, which the next look says.
                Err(_) => self.queue.clear(),
            }
        }
    }

    /// Nobody answers any more what was forwarded: it goes on as if nobody had asked.
    fn end(self, listener: &Listener) -> io::Result<()> {
        for id in self.forwarded.into_values() {
            // Most were answered long ago, which the kernel tells.
            listener.let_through(id)?;
        }
        Ok(())
    }
}
