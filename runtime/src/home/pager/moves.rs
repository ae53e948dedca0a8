//! mremap(2): made by the helper for the program's threads, one at a time.
//!
//! userfaultfd tells of a change once it is made, and of several threads' changes not in the order in which they were
//! made: a thread may move a mapping to where another one's has just left before the pager hears that it has left. So
//! no thread makes this call itself, and what the pager hears while the helper makes it was made **before**: its thread
//! waits for the answer, and no other thread can mean the new place. Only where the mapping was is left afterwards; the
//! kernel tells of that apart.
//!
//! While the helper makes the call it must not wait for a page: nobody would serve it. Locked memory that grows would be
//! touched by the kernel itself, before it tells of the move; so it is locked as it is touched (MLOCK_ONFAULT) from then
//! on.

use std::ops::Range;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;

use super::PagerError;
use super::run::Pager;
use super::serve::{CHANGE_PATIENCE, changes_forever};
use super::unseen::span;
use super::watching::Watched;
use crate::guest::ptrace::Tid;
use crate::home::intercept::Forwarded;
use crate::memory::helper::Call;
use crate::memory::vm_flags::vm_flags;
use crate::node::LocalError;

/// MLOCK_ONFAULT (mlock2(2)).
const MLOCK_ONFAULT: u64 = 1;
/// The bits of an address; the others may be a tag, which the kernel ignores (aarch64).
const UNTAGGED: u64 = (1 << 56) - 1;

/// A call under way, and what is heard meanwhile.
pub(super) struct Moving {
    /// What it may move.
    from: Range<u64>,
    /// Bytes that it has at the new place. Linux before 6.15 tells what it had at the old one.
    new_len: u64,
    /// What has moved: from, to, bytes.
    moved: Vec<(u64, u64, u64)>,
    /// What has been left.
    left: Vec<Range<u64>>,
}

impl Moving {
    fn new(from: Range<u64>, new_len: u64) -> Self {
        Moving {
            from,
            new_len,
            moved: Vec::new(),
            left: Vec::new(),
        }
    }

    pub(super) fn moved(&mut self, from: u64, to: u64, len: u64) {
        self.moved.push((from, to, len.min(self.new_len)));
    }

    /// A range has been unmapped. Returns the parts of it that were unmapped before this call was made.
    pub(super) fn unmapped(&mut self, range: Range<u64>) -> [Range<u64>; 2] {
        let left = range.start.max(self.from.start)..range.end.min(self.from.end);
        if left.is_empty() {
            return [range.clone(), range.end..range.end];
        }
        self.left.push(left.clone());
        [range.start..left.start, left.end..range.end]
    }
}

impl Pager {
    /// Makes the call.
    pub(super) fn make_move(&mut self, call: &Forwarded) -> Result<i64, PagerError> {
        let [start, len, new_len, flags, target, _] = call.args;
        let start = start & UNTAGGED;
        let old = span(start, len).unwrap_or(start..start);
        let new = |at: u64| span(at, new_len).unwrap_or(at..at);
        self.join_up(&old)?;
        self.catch_up()?;
        let Some(share) = &mut self.share else {
            return Ok(0); // nobody waits for it any more
        };
        let whole = share
            .mapping_at(old.start)?
            .is_some_and(|vma| vma.end >= old.end);
        let mut calls = Vec::new();
        if new_len > len && whole && is_locked(share.pid, old.start)? {
            // Refused for the limit on locked memory, it grows even less.
            let lock = [old.start, old.end - old.start, MLOCK_ONFAULT];
            calls.push(Call::new(libc::SYS_mlock2, &lock));
        }
        calls.push(Call::new(call.nr, &call.args));
        let helper = &mut share.node.memory.helper;
        let limited = helper.take_limits_of(call.caller);
        limited
            .and_then(|()| helper.submit(&calls))
            .map_err(LocalError::from)?;
        let room = new(0);
        self.moving = Some(Moving::new(old.clone(), room.end - room.start));
        let result = self.await_move();
        let moving = self.moving.take();
        let result = result?;
        for (from, to, len) in moving.iter().flat_map(|m| &m.moved) {
            self.remapped(*from, *to, *len)?;
        }
        for left in moving.iter().flat_map(|m| &m.left) {
            self.unmapped(left.start, left.end)?;
        }
        // Of what is not watched nothing is heard.
        self.on_remap_call(old.start, old.end)?;
        let new = match u64::try_from(result) {
            Ok(at) => new(at),
            // What was there may be gone all the same.
            Err(_) if flags & libc::MREMAP_FIXED as u64 != 0 => new(target),
            Err(_) => return Ok(result),
        };
        self.on_remap_call(new.start, new.end)?;
        if let Some(share) = &mut self.share
            && result == new.start as i64
            && share.registered.get(new.start).is_some()
        {
            // What it has grown by is watched like the rest.
            share.registered.insert(new, ());
        }
        Ok(result)
    }

    /// Hears what happens until the helper is done and everything has been heard that was made before.
    fn await_move(&mut self) -> Result<i64, PagerError> {
        loop {
            self.read_events()?;
            let Some(share) = &self.share else {
                return Ok(0);
            };
            let memory = &share.node.memory;
            let of = |fd| PollFd::new(fd, PollFlags::POLLIN);
            let mut fds = [of(memory.helper.as_fd()), of(memory.uffd.as_fd())];
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(e) => {
                    return Err(PagerError::Other(format!(
                        "cannot wait for the helper: {e}"
                    )));
                }
            }
            if fds[0].any() == Some(true) {
                break;
            }
        }
        let mut results = Vec::new();
        if let Some(share) = &mut self.share {
            let helper = &mut share.node.memory.helper;
            helper.complete(&mut results).map_err(LocalError::from)?;
        }
        self.catch_up()?;
        Ok(results.pop().unwrap_or_default())
    }

    /// mremap takes no range that spans mappings, and of two side by side of which one is watched the kernel makes none:
    /// where part of what is to move is watched, all is.
    fn join_up(&mut self, range: &Range<u64>) -> Result<(), PagerError> {
        let mut at = range.start;
        for _ in 0..CHANGE_PATIENCE {
            self.catch_up()?;
            let Some(share) = &mut self.share else {
                return Ok(());
            };
            if share.registered.overlaps(range.clone()).next().is_none() {
                return Ok(());
            }
            let vma = share
                .mapping_from(at)?
                .filter(|vma| vma.start < range.end && at < range.end);
            let Some(vma) = vma else { return Ok(()) };
            if vma.kind.is_anon() && !vma.shared && !share.is_ours(&vma) {
                match share.watch(&vma)? {
                    Watched::Yes | Watched::No => {}
                    Watched::Changing => continue,
                }
            }
            at = vma.end;
        }
        Err(changes_forever())
    }
}

/// Whether the mapping at an address is locked.
fn is_locked(pid: Tid, at: u64) -> Result<bool, PagerError> {
    // Who is gone has no memory; whoever is asked to move it next will say so.
    let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/status")) else {
        return Ok(false);
    };
    let none = |line: &str| line.split_whitespace().eq(["VmLck:", "0", "kB"]);
    if status.lines().any(none) {
        return Ok(false);
    }
    let flags = vm_flags(Pid::from_raw(pid), at)
        .map_err(|e| PagerError::Other(format!("cannot look whether memory is locked: {e}")))?;
    Ok(flags.is_some_and(|flags| flags.locked()))
}

#[cfg(test)]
mod tests {
    use super::Moving;

    #[test]
    fn what_is_left_is_told_from_what_others_unmapped_before() {
        let mut moving = Moving::new(100..200, 100);
        assert_eq!(moving.unmapped(20..40), [20..40, 40..40]);
        assert_eq!(moving.unmapped(200..300), [200..300, 300..300]);
        assert_eq!(moving.left, []);
        assert_eq!(moving.unmapped(100..200), [100..100, 200..200]);
        assert_eq!(moving.unmapped(50..150), [50..100, 150..150]);
        assert_eq!(moving.unmapped(0..400), [0..100, 200..400]);
        assert_eq!(moving.left, [100..200, 100..150, 100..200]);
    }
}
