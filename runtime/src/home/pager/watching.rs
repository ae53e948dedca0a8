//! Having memory watched at home.
//!
//! The kernel joins neighbouring mappings that are alike, and mremap(2) takes no range that spans two.
//! A mapping of which a part is watched is not alike any more: parts that the program has split (with
//! mprotect, say) and makes alike again would stay apart, and its mremap would fail. So anonymous
//! memory is watched together with its neighbours, as far as it reaches without a gap.
//!
//! What is watched tells when it is unmapped; what is not yet watched does not. So once the kernel watches a range, the
//! mappings that it really watches there are looked up: some may have gone just before, and others may have come.

use std::ops::Range;

use super::{PagerError, Share};
use crate::coherence::{NodeId, PAGE_SIZE, PageState};
use crate::memory::maps::{Kind, Vma};
use crate::memory::uffd::{CopyError, ProtectError};

const SIZE: u64 = PAGE_SIZE as u64;

/// What became of a wish to have a mapping watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    /// It is.
    Yes,
    /// It cannot be.
    No,
    /// The program is changing its mappings: it is to be looked up again.
    Changing,
}

impl Share {
    /// Has a mapping watched, so that boards can share it.
    pub(super) fn watch(&mut self, vma: &Vma) -> Result<Watched, PagerError> {
        let memory = &self.node.memory;
        if self.is_watched(vma) {
            return self.prepare(vma).map(|()| Watched::Yes);
        }
        let mut watched = self.neighbourhood(vma)?;
        let register = |r: &Range<u64>| memory.uffd.register(r.start, r.end - r.start).is_ok();
        if !register(&watched) {
            watched = vma.range();
            if !register(&watched) {
                return Ok(Watched::No);
            }
        }
        let Some(parts) = self.watched_in(&watched)? else {
            return Ok(Watched::Changing);
        };
        for part in parts {
            self.registered.insert(part, ());
        }
        match self.is_watched(vma) {
            true => self.prepare(vma).map(|()| Watched::Yes),
            false => Ok(Watched::Changing),
        }
    }

    fn is_watched(&self, vma: &Vma) -> bool {
        let known = self.registered.get_range(vma.start);
        known.is_some_and(|(range, ())| range.end >= vma.end)
    }

    /// The parts of a range, for which the kernel was asked, that it watches. `None`: that cannot be told while
    /// mappings change.
    fn watched_in(&self, range: &Range<u64>) -> Result<Option<Vec<Range<u64>>>, PagerError> {
        let mut parts: Vec<Range<u64>> = Vec::new();
        let mut at = range.start;
        // A mapping may reach beyond the range.
        while at < range.end
            && let Some(vma) = self.mapping_from(at)?.filter(|v| v.start < range.end)
        {
            let mut part = vma.start.max(at)..vma.end.min(range.end);
            let known = self.registered.overlaps(part.clone()).next();
            let known = known.map(|(known, ())| known);
            let is_known = known.as_ref().is_some_and(|k| k.start <= part.start);
            if let Some(known) = known {
                part.end = match is_known {
                    true => part.end.min(known.end),
                    false => known.start,
                };
            }
            at = part.end;
            // Of one mapping all is watched, or nothing. No page of what was not watched yet is protected.
            let probe = || self.node.memory.uffd.write_protect(part.start, SIZE, false);
            match if is_known { Ok(()) } else { probe() } {
                Ok(()) => match parts.last_mut() {
                    Some(last) if last.end == part.start => last.end = part.end,
                    _ => parts.push(part),
                },
                Err(ProtectError::Unmapped { .. }) => {}
                Err(ProtectError::Busy) => return Ok(None),
                Err(e) => return Err(PagerError::Memory(e.into())),
            }
        }
        Ok(Some(parts))
    }

    /// Has the kernel prepare a mapping for pages of its own (its `anon_vma`), which the first touch
    /// does natively. Touched on boards only, its parts would each be prepared when they come home;
    /// then they stay apart too.
    fn prepare(&self, vma: &Vma) -> Result<(), PagerError> {
        let page = vma.start / SIZE;
        let ours = self.node.table.state(page) == PageState::Modified
            && self.directory.holder(page) == Some(NodeId::HOME)
            && !self.directory.is_busy(page);
        if !ours {
            return Ok(());
        }
        let memory = &self.node.memory;
        match memory.uffd.zeropage(vma.start, SIZE, false) {
            Err(e @ CopyError::Gone) => Err(PagerError::Memory(e.into())),
            // There already, or to be looked at again with what is changing: nothing is lost.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// What the kernel may join with `vma`, and `vma`.
    fn neighbourhood(&self, vma: &Vma) -> Result<Range<u64>, PagerError> {
        let mut range = vma.range();
        if vma.kind != Kind::Anon {
            return Ok(range);
        }
        while let Some(below) = range.start.checked_sub(1) {
            match self.alike(below)? {
                Some(neighbour) => range.start = neighbour.start,
                None => break,
            }
        }
        while let Some(neighbour) = self.alike(range.end)? {
            range.end = neighbour.end;
        }
        Ok(range)
    }

    /// Whether a mapping is rtx's, or the node's own.
    pub(super) fn is_ours(&self, vma: &Vma) -> bool {
        let ours = self.reserved.overlaps(vma.range()).next().is_some();
        ours || self.pair.as_ref().is_some_and(|p| p.is_own(&vma.range()))
    }

    /// The private anonymous mapping at `addr` that is not watched yet.
    fn alike(&self, addr: u64) -> Result<Option<Vma>, PagerError> {
        if self.registered.get(addr).is_some() {
            return Ok(None);
        }
        let vma = self.mapping_at(addr)?;
        Ok(vma.filter(|v| v.kind == Kind::Anon && !v.shared && !self.is_ours(v)))
    }
}
