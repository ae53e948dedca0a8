//! mremap(2): made by the helper for the program's threads, one at a time.
//!
//! userfaultfd tells of a change once it is made, and of several threads' changes not in the order in which they were
//! made: a thread may move a mapping to where another one's has just left before the pager hears that it has left. So
//! no thread makes this call itself, and what the pager hears while the helper makes it was made **before**: its thread
//! waits for the answer, and no other thread can mean the new place. Only where the mapping was is left afterwards; the
//! kernel tells of that apart.

use std::ops::Range;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::PagerError;
use super::run::Pager;
use super::serve::{CHANGE_PATIENCE, changes_forever};
use super::unseen::span;
use super::watching::Watched;
use crate::home::intercept::Forwarded;
use crate::memory::helper::Call;
use crate::node::LocalError;

/// A call under way, and what is heard meanwhile.
pub(super) struct Moving {
    /// What it may move.
    from: Range<u64>,
    /// What has moved: from, to, bytes.
    moved: Vec<(u64, u64, u64)>,
    /// What has been left.
    left: Vec<Range<u64>>,
}

impl Moving {
    fn new(from: Range<u64>) -> Self {
        Moving {
            from,
            moved: Vec::new(),
            left: Vec::new(),
        }
    }

    pub(super) fn moved(&mut self, from: u64, to: u64, len: u64) {
        self.moved.push((from, to, len));
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
        let [start, len, new_len, ..] = call.args;
        let old = span(start, len).unwrap_or(start..start);
        self.join_up(&old)?;
        self.catch_up()?;
        let Some(share) = &mut self.share else {
            return Ok(0); // nobody waits for it any more
        };
        let mremap = Call::new(call.nr, &call.args);
        let helper = &mut share.node.memory.helper;
        helper
            .submit_under_limits_of(call.caller, mremap)
            .map_err(LocalError::from)?;
        self.moving = Some(Moving::new(old.clone()));
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
        if let Some(new) = u64::try_from(result).ok().and_then(|at| span(at, new_len)) {
            self.on_remap_call(new.start, new.end)?;
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

#[cfg(test)]
mod tests {
    use super::Moving;

    #[test]
    fn what_is_left_is_told_from_what_others_unmapped_before() {
        let mut moving = Moving::new(100..200);
        assert_eq!(moving.unmapped(20..40), [20..40, 40..40]);
        assert_eq!(moving.unmapped(200..300), [200..300, 300..300]);
        assert_eq!(moving.left, []);
        assert_eq!(moving.unmapped(100..200), [100..100, 200..200]);
        assert_eq!(moving.unmapped(50..150), [50..100, 150..150]);
        assert_eq!(moving.unmapped(0..400), [0..100, 200..400]);
        assert_eq!(moving.left, [100..200, 100..150, 100..200]);
    }
}
