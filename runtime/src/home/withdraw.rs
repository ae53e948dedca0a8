//! Withdrawing: bringing a program home for good, because it begins something in which boards cannot
//! follow it ([`crate::calls::beyond`]). Every thread comes back, every page comes home, and sharing
//! ends; the program goes on supervised, as after an exec.
//!
//! ```text
//! a thread away is about to make such a call  -> on_home_call -.
//! a thread at home                 -> pager -> Beyond ---------+-> withdraw: recall all
//!                                                              -> nobody is away: Gather
//!                                                              -> all is home: Unshare
//! ```
//!
//! The call of a thread at home waits for its answer meanwhile. When sharing ends, the keeper lets
//! it through. A thread that was away makes its call anew and gets there the same way.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::error::JobError;
use super::journal::Decision;
use super::messages::ToPager;
use super::supervisor::{Supervisor, Waiting};
use super::thread::Thread;
use crate::calls::{Begins, OWN_FAULTS, REGISTERED_BUFFERS, begins};
use crate::guest::ptrace::Tid;
use crate::report::RecallCause;

/// How long threads on boards of another instruction set may take to come to an equivalence point. One that
/// waits in a call for the thread that has to wait here would never come.
const PATIENCE: Duration = Duration::from_secs(10);

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawal {
    /// Threads are coming home, because the program is about to use this.
    Threads { what: &'static str, since: Instant },
    /// Pages are coming home.
    Pages,
    /// Everything is home, and boards get nothing any more.
    Gathered,
}

impl Supervisor {
    /// Begins, because a thread is about to use `what`.
    pub(super) fn withdraw(&mut self, what: &'static str) -> Result<(), JobError> {
        // Who is being let go has everything brought home anyway.
        if self.setup.is_none() || self.withdrawal.is_some() || self.detaching {
            return Ok(());
        }
        self.closed = true;
        let since = Instant::now();
        self.withdrawal = Some(Withdrawal::Threads { what, since });
        self.wake_by(since + PATIENCE);
        let reason = format!("the program uses {what}: it goes on at home, without boards");
        self.decided(self.pid, Decision::Withdraw, &reason);
        self.recall_all(RecallCause::Withdrawn)?;
        self.check_withdrawn()
    }

    /// Ends the job if a foreign thread has not come home for long.
    pub(super) fn watch_withdrawal(&mut self, now: Instant) {
        let Some(Withdrawal::Threads { what, since }) = self.withdrawal else {
            return;
        };
        let waits = |t: &&Thread| t.needs().is_some_and(|board| self.is_foreign(board));
        let tids: Vec<Tid> = self.threads.values().filter(waits).map(|t| t.tid).collect();
        if tids.is_empty() {
            return;
        }
        if now.duration_since(since) < PATIENCE {
            return self.wake_by(since + PATIENCE);
        }
        self.fail(JobError::ForeignBeyond { what, tids });
    }

    /// Goes on once nothing stands in its way: no thread is away, and nobody waits for an answer of
    /// the pager, which would never come.
    pub(super) fn check_withdrawn(&mut self) -> Result<(), JobError> {
        let quiet = self.waiting.is_empty() && self.children.is_empty();
        if self.failure.is_some() || !quiet || !self.nobody_is_away() {
            return Ok(());
        }
        match self.withdrawal {
            Some(Withdrawal::Threads { .. }) => {
                self.withdrawal = Some(Withdrawal::Pages);
                let token = self.ask(Waiting::Withdrawal);
                self.tell(ToPager::Gather { token });
            }
            Some(Withdrawal::Gathered) => {
                self.withdrawal = None;
                self.setup = None;
                for thread in self.threads.values_mut() {
                    // Nothing has to be learned or moved any more.
                    (thread.wanted, thread.ask_tid_address) = (None, false);
                }
                self.tell(ToPager::Unshare);
            }
            Some(Withdrawal::Pages) | None => {}
        }
        Ok(())
    }
}

/// How an open descriptor reaches memory past its mappings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// A device does while a transfer lasts: direct I/O.
    Direct,
    /// For good, with what the program uses: it is not offloaded.
    Beyond(&'static str),
}

/// The worst that the descriptors of thread `tid` do.
pub(super) fn reach(tid: Tid) -> Option<Reach> {
    let descriptors = std::fs::read_dir(format!("/proc/{tid}/fdinfo")).ok()?;
    let worst = descriptors.flatten().filter_map(|entry| {
        let info = std::fs::read_to_string(entry.path()).ok()?;
        let link = Path::new("/proc")
            .join(format!("{tid}/fd"))
            .join(entry.file_name());
        reached(&info, std::fs::read_link(link).ok()?.as_os_str())
    });
    worst.max()
}

/// How a descriptor reaches memory with this text in /proc/PID/fdinfo and this link in /proc/PID/fd.
fn reached(info: &str, link: &OsStr) -> Option<Reach> {
    if let Begins::Beyond(what) = begins(link.as_bytes(), 0)
        && link.as_bytes().starts_with(b"/")
    {
        return Some(Reach::Beyond(what));
    }
    if link.as_bytes() == b"anon_inode:[userfaultfd]" {
        return Some(Reach::Beyond(OWN_FAULTS));
    }
    // A pipe with this flag has packets.
    let pipe = link.as_bytes().starts_with(b"pipe:");
    info.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let value = value.trim();
        match name {
            "flags" => i32::from_str_radix(value, 8)
                .is_ok_and(|flags| flags & libc::O_DIRECT != 0 && !pipe)
                .then_some(Reach::Direct),
            "UserBufs" => (value != "0").then_some(Reach::Beyond(REGISTERED_BUFFERS)),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_tell_whether_they_reach_memory() {
        let of = |info: &str, link: &str| reached(info, OsStr::new(link));
        let info = |flags: i32| format!("pos:\t0\nflags:\t0{flags:o}\nino:\t7\n");
        let direct = info(libc::O_RDWR | libc::O_DIRECT);
        assert_eq!(of(&direct, "/tmp/x"), Some(Reach::Direct));
        assert_eq!(of(&direct, "pipe:[77]"), None);
        assert_eq!(of(&info(libc::O_RDWR | libc::O_APPEND), "/tmp/x"), None);
        let ring = "anon_inode:[io_uring]";
        let beyond = |found| matches!(found, Some(Reach::Beyond(_)));
        assert!(beyond(of("SqMask:\t0x7\nUserBufs:\t2\n", ring)));
        assert!(of("SqMask:\t0x7\nUserBufs:\t0\n", ring).is_none());
        assert!(beyond(of(&info(0), "anon_inode:[userfaultfd]")));
        assert!(beyond(of(&info(0), "/proc/77/mem")));
        assert!(of(&info(0), "/proc/77/maps").is_none());
    }
}
