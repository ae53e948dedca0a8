//! Having memory watched at home.
//!
//! The kernel joins neighbouring mappings that are alike, and mremap(2) takes no range that spans two.
//! A mapping of which a part is watched is not alike any more: parts that the program has split (with
//! mprotect, say) and makes alike again would stay apart, and its mremap would fail. So anonymous
//! memory is watched together with its neighbours, as far as it reaches without a gap.

use std::ops::Range;

use super::{PagerError, Share};
use crate::coherence::{NodeId, PAGE_SIZE, PageState};
use crate::memory::maps::{Kind, Vma};
use crate::memory::uffd::CopyError;

impl Share {
    /// Has a mapping watched, so that boards can share it; whether that is possible.
    pub(super) fn watch(&mut self, vma: &Vma) -> Result<bool, PagerError> {
        let memory = &self.node.memory;
        let known = self.registered.get_range(vma.start);
        if known.is_some_and(|(range, ())| range.end >= vma.end) {
            return self.prepare(vma);
        }
        let mut watched = self.neighbourhood(vma)?;
        let register = |r: &Range<u64>| memory.uffd.register(r.start, r.end - r.start).is_ok();
        if !register(&watched) {
            watched = vma.range();
            if !register(&watched) {
                return Ok(false);
            }
        }
        self.registered.insert(watched, ());
        self.prepare(vma)
    }

    /// Has the kernel prepare a mapping for pages of its own (its `anon_vma`), which the first touch
    /// does natively. Touched on boards only, its parts would each be prepared when they come home;
    /// then they stay apart too.
    fn prepare(&self, vma: &Vma) -> Result<bool, PagerError> {
        let page = vma.start / PAGE_SIZE as u64;
        let ours = self.node.table.state(page) == PageState::Modified
            && self.directory.holder(page) == Some(NodeId::HOME)
            && !self.directory.is_busy(page);
        if !ours {
            return Ok(true);
        }
        let memory = &self.node.memory;
        match memory.uffd.zeropage(vma.start, PAGE_SIZE as u64, false) {
            Err(e @ CopyError::Gone) => Err(PagerError::Memory(e.into())),
            // There already, or to be looked at again with what is changing: nothing is lost.
            Ok(()) | Err(_) => Ok(true),
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
