//! The memory operations of one node, on one address space.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use nix::unistd::Pid;

use super::Content;
use crate::coherence::{PAGE_SIZE, Page, TakeMode};
use crate::guest::stub::Stub;
use crate::memory::helper::{Helper, HelperError};
use crate::memory::mover::Mover;
use crate::memory::pagemap::{Pagemap, PagemapError};
use crate::memory::remote::{Memory, RemoteError};
use crate::memory::uffd::{CopyError, ProtectError, Uffd, UffdError};

const SIZE: u64 = PAGE_SIZE as u64;

/// Why a memory operation was not done.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The process is changing its mappings: handle the pending events, then try again.
    #[error("the address space is changing")]
    Busy,
    /// The memory at this address is not mapped (or not watched) any more.
    #[error("the memory at {0:#x} is not mapped as it was")]
    Unmapped(u64),
    /// The process is gone.
    #[error("the process is gone")]
    Gone,
    /// The kernel refused.
    #[error("{0}")]
    Failed(String),
}

pub(super) fn failed(e: &dyn std::error::Error) -> LocalError {
    LocalError::Failed(crate::report::chain(e))
}

impl From<CopyError> for LocalError {
    fn from(e: CopyError) -> Self {
        match e {
            CopyError::Busy { .. } => LocalError::Busy,
            CopyError::Unmapped { at } => LocalError::Unmapped(at),
            CopyError::Gone => LocalError::Gone,
            e => failed(&e),
        }
    }
}

impl From<ProtectError> for LocalError {
    fn from(e: ProtectError) -> Self {
        match e {
            ProtectError::Busy => LocalError::Busy,
            ProtectError::Unmapped { start, .. } => LocalError::Unmapped(start),
            ProtectError::Gone => LocalError::Gone,
            e => failed(&e),
        }
    }
}

impl From<RemoteError> for LocalError {
    fn from(e: RemoteError) -> Self {
        match e {
            RemoteError::Gone { .. } => LocalError::Gone,
            RemoteError::Fault { at, .. } => LocalError::Unmapped(at),
            e => failed(&e),
        }
    }
}

impl From<PagemapError> for LocalError {
    fn from(e: PagemapError) -> Self {
        match e {
            PagemapError::Gone { .. } => LocalError::Gone,
            e => failed(&e),
        }
    }
}

impl From<HelperError> for LocalError {
    fn from(e: HelperError) -> Self {
        match e {
            HelperError::Gone | HelperError::Scratch(RemoteError::Gone { .. }) => LocalError::Gone,
            e => failed(&e),
        }
    }
}

impl From<UffdError> for LocalError {
    fn from(e: UffdError) -> Self {
        failed(&e)
    }
}

/// One address space and the means to work on it.
pub struct LocalMemory {
    /// The process.
    pub pid: Pid,
    /// Its reserved pages.
    pub stub: Stub,
    /// Its userfaultfd.
    pub uffd: Uffd,
    /// The thread that executes system calls inside it.
    pub helper: Helper,
    /// The number of the userfaultfd in the helper, if it has it and can move pages with it.
    pub uffd_there: Option<u64>,
    pub(super) mover: Option<Mover>,
    pub(super) pagemap: Pagemap,
    contents: Memory,
    /// Where the last fill of fresh memory ended, and how long it was, in pages.
    fill: (Page, u64),
}

/// Fresh memory is filled this many pages at a time at most, when touched in order.
const MAX_FILL: u64 = 512;

impl LocalMemory {
    /// Takes over the means.
    pub fn new(pid: Pid, stub: Stub, uffd: Uffd, helper: Helper) -> Result<Self, LocalError> {
        let pagemap = Pagemap::open(pid)?;
        let contents = Memory::open(pid)?;
        Ok(LocalMemory {
            pid,
            stub,
            uffd,
            helper,
            uffd_there: None,
            mover: None,
            pagemap,
            contents,
            fill: (0, 1),
        })
    }

    /// Puts `pages` at `first`, and wakes who waits for them. Returns how many it did: fewer than
    /// all if the address space began to change, or changed, meanwhile.
    pub fn install(
        &mut self,
        first: Page,
        pages: &[Content],
        writable: bool,
    ) -> Result<usize, LocalError> {
        let mut at = 0;
        while at < pages.len() {
            let addr = (first + at as u64) * SIZE;
            let (count, done) = match &pages[at] {
                Content::Zero => {
                    let zeros = pages[at..]
                        .iter()
                        .take_while(|p| **p == Content::Zero)
                        .count();
                    let install = |pages: usize| {
                        let len = pages as u64 * SIZE;
                        self.uffd.zeropage(addr, len, !writable)
                    };
                    across_mappings(addr, zeros, install)
                }
                Content::Bytes(_) => {
                    let run = adjacent(&pages[at..]);
                    let install =
                        |pages: usize| self.uffd.copy_pieces(addr, &run[..pages], !writable);
                    across_mappings(addr, run.len(), install)
                }
            };
            match done {
                Ok(()) => at += count,
                Err(CopyError::Busy { done }) if at + (done / SIZE) as usize > 0 => {
                    return Ok(at + (done / SIZE) as usize);
                }
                Err(CopyError::Unmapped { .. }) if at > 0 => return Ok(at),
                Err(e) => return Err(e.into()),
            }
        }
        Ok(at)
    }

    /// Removes the write protection of `count` pages that are there, and wakes.
    pub fn promote(&self, first: Page, count: u64) -> Result<(), LocalError> {
        match self.uffd.write_protect(first * SIZE, count * SIZE, false) {
            // Some kernels take no range that spans mappings.
            Err(ProtectError::Unmapped { .. }) if count > 1 => {
                for page in first..first + count {
                    self.uffd.write_protect(page * SIZE, SIZE, false)?;
                }
                Ok(())
            }
            done => Ok(done?),
        }
    }

    /// Makes a page usable that this node already has the right to: fills it with zeros if it was
    /// never touched, takes its protection off if `writable`, and wakes. `fresh` tells how many
    /// pages from this one on are likewise the node's own; without it (on a board, to which every
    /// page comes from elsewhere) a page that is not there is an error.
    pub fn resolve(
        &mut self,
        page: Page,
        writable: bool,
        fresh: Option<impl Fn(Page, u64) -> u64>,
    ) -> Result<(), LocalError> {
        if self.pagemap.populated(page * SIZE, 1)?[0] {
            if writable {
                self.uffd.write_protect(page * SIZE, SIZE, false)?;
            } else {
                self.uffd.wake(page * SIZE, SIZE)?;
            }
            return Ok(());
        }
        let Some(fresh) = fresh else {
            return Err(LocalError::Failed(format!("page {page:#x} has vanished")));
        };
        let mut count = 1;
        if writable {
            let (end, len) = self.fill;
            count = if page == end {
                (len * 2).min(MAX_FILL)
            } else {
                1
            };
            count = fresh(page, count).max(1);
            self.fill = (page + count, count);
        }
        match self.uffd.zeropage(page * SIZE, count * SIZE, !writable) {
            Ok(()) => Ok(()),
            // The fill reached pages that exist.
            Err(CopyError::Exists { at }) if at > page * SIZE => Ok(()),
            Err(CopyError::Exists { .. }) => Ok(self.uffd.wake(page * SIZE, SIZE)?),
            // The kernel takes no range that spans mappings, or reaches beyond the last address.
            Err(CopyError::Unmapped { .. } | CopyError::Failed { .. }) if count > 1 => {
                match self.uffd.zeropage(page * SIZE, SIZE, !writable) {
                    Ok(()) => Ok(()),
                    Err(CopyError::Exists { .. }) => Ok(self.uffd.wake(page * SIZE, SIZE)?),
                    Err(e) => Err(e.into()),
                }
            }
            Err(e) => Err(e.into()),
        }
    }

    /// Wakes the threads that wait for pages: they fault again.
    pub fn wake(&self, pages: Range<Page>) -> Result<(), LocalError> {
        let (start, len) = (pages.start * SIZE, (pages.end - pages.start) * SIZE);
        match self.uffd.wake(start, len) {
            Ok(()) => Ok(()),
            // Not watched any more: nobody waits.
            Err(UffdError::Range { .. }) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    /// Takes `count` pages from `first` on: write-protect, read, drop, in that order, as far as
    /// `mode` says. `writable`: some may still be writable. Returns their content (empty for
    /// Drop). Nothing is lost if it fails before the drop.
    pub fn surrender(
        &mut self,
        first: Page,
        count: usize,
        mode: TakeMode,
        writable: bool,
    ) -> Result<Vec<Content>, LocalError> {
        let addr = first * SIZE;
        let populated = self.pagemap.populated(addr, count)?;
        let holes = populated.iter().any(|p| !p);
        if mode == TakeMode::Share && holes {
            // Keep a read-only page of zeros, else a write here would go unnoticed.
            for (i, _) in populated.iter().enumerate().filter(|(_, p)| !**p) {
                match self.uffd.zeropage(addr + i as u64 * SIZE, SIZE, true) {
                    Ok(()) | Err(CopyError::Exists { .. }) => {}
                    Err(e) => return Err(e.into()),
                }
            }
        }
        if writable && mode != TakeMode::Drop {
            match self.uffd.write_protect(addr, count as u64 * SIZE, true) {
                // Some kernels take no range that spans mappings.
                Err(ProtectError::Unmapped { .. }) => {
                    for i in 0..count as u64 {
                        self.uffd.write_protect(addr + i * SIZE, SIZE, true)?;
                    }
                }
                done => done?,
            }
        }
        let runs = runs(&populated);
        let mut contents = Vec::new();
        if mode.sends_data() {
            let ranges: Vec<(u64, usize)> = runs
                .iter()
                .map(|r| (addr + r.0 as u64 * SIZE, r.1 * PAGE_SIZE))
                .collect();
            let bytes = match self.read(&ranges) {
                // The program has just dropped or unmapped some of it: look again, after its event
                // if there is one.
                Err(LocalError::Unmapped(_)) => return Err(LocalError::Busy),
                bytes => bytes?,
            };
            let mut next = 0;
            for present in &populated {
                contents.push(if *present {
                    next += PAGE_SIZE;
                    Content::of(bytes.slice(next - PAGE_SIZE..next))
                } else {
                    Content::Zero
                });
            }
        }
        if mode != TakeMode::Share && !runs.is_empty() {
            // What is to be dropped may have made way for another mapping.
            if self.changing()? {
                return Err(LocalError::Busy);
            }
            let ranges: Vec<(u64, u64)> = runs
                .iter()
                .map(|r| (addr + r.0 as u64 * SIZE, r.1 as u64 * SIZE))
                .collect();
            self.helper.drop_pages(&ranges)?;
        }
        Ok(contents)
    }

    /// Whether pages may be pinned, so that they must be taken with care.
    pub fn watches_pins(&self) -> bool {
        self.mover.is_some()
    }

    /// Reads memory that is present (or not watched). Never waits: what is not there is `Unmapped`.
    pub fn read(&self, ranges: &[(u64, usize)]) -> Result<Bytes, LocalError> {
        let total = ranges.iter().map(|r| r.1).sum();
        let mut bytes = BytesMut::zeroed(total);
        self.contents.read(ranges, &mut bytes)?;
        Ok(bytes.freeze())
    }

    /// Whether mapping changes wait to be handled: they must be, before anything that could
    /// depend on them leaves this node.
    pub fn changing(&self) -> Result<bool, LocalError> {
        match self.uffd.write_protect(self.stub.probe(), SIZE, false) {
            Ok(()) => Ok(false),
            Err(ProtectError::Busy) => Ok(true),
            Err(e) => Err(e.into()),
        }
    }
}

/// Installs a run of pages at `addr`, of which the kernel takes none that spans mappings: then as many as it took before
/// it noticed, or one. Returns how many, and what came of them.
fn across_mappings(
    addr: u64,
    pages: usize,
    install: impl Fn(usize) -> Result<(), CopyError>,
) -> (usize, Result<(), CopyError>) {
    match install(pages) {
        Err(CopyError::Unmapped { at }) if at > addr => (((at - addr) / SIZE) as usize, Ok(())),
        Err(CopyError::Unmapped { .. }) if pages > 1 => (1, install(1)),
        done => (pages, done),
    }
}

/// The pages from the first on whose bytes follow each other in memory, as those of one frame do.
fn adjacent(pages: &[Content]) -> Vec<&[u8]> {
    let mut run: Vec<&[u8]> = Vec::new();
    for page in pages {
        match page {
            Content::Bytes(bytes)
                if run
                    .last()
                    .is_none_or(|r| r.as_ptr_range().end == bytes.as_ptr()) =>
            {
                run.push(bytes);
            }
            _ => break,
        }
    }
    run
}

/// Runs of `true` as (index, length).
fn runs(flags: &[bool]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (i, _) in flags.iter().enumerate().filter(|(_, f)| **f) {
        match runs.last_mut() {
            Some((start, len)) if *start + *len == i => *len += 1,
            _ => runs.push((i, 1)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Content, CopyError, PAGE_SIZE, SIZE, across_mappings, adjacent, runs};

    #[test]
    fn pages_of_one_buffer_are_adjacent() {
        let frame = Bytes::from(vec![1; 3 * PAGE_SIZE]);
        let page = |i: usize| Content::Bytes(frame.slice(i * PAGE_SIZE..(i + 1) * PAGE_SIZE));
        let lengths = |pages: &[Content]| adjacent(pages).len();
        assert_eq!(lengths(&[page(0), page(1), page(2)]), 3);
        assert_eq!(lengths(&[page(0), Content::Zero, page(1)]), 1);
        assert_eq!(lengths(&[page(0), page(2), page(1)]), 1);
        assert_eq!(lengths(&[Content::Zero, page(0)]), 0);
    }

    #[test]
    fn a_run_across_mappings_is_installed_in_parts() {
        // The kernel, in steps of two pages, where a mapping begins at page 5 and one ends at page 8.
        let kernel = |first: u64, pages: usize| {
            let end = first + pages as u64;
            let refused = |at: &u64| (at + 2).min(end) > if *at < 5 { 5 } else { 8 };
            match (first..end).step_by(2).find(refused) {
                Some(at) => Err(CopyError::Unmapped { at: at * SIZE }),
                None => Ok(()),
            }
        };
        let (mut first, mut parts) = (0, Vec::new());
        while first < 9 {
            let (done, outcome) =
                across_mappings(first * SIZE, 9 - first as usize, |n| kernel(first, n));
            parts.push((done, outcome.is_ok()));
            first += done as u64;
        }
        let ok = [4, 1, 2, 1].map(|pages| (pages, true));
        assert_eq!(parts[..4], ok);
        assert_eq!(parts[4..], [(1, false)], "nothing is mapped there");
    }

    #[test]
    fn runs_cover_exactly_the_set_flags() {
        assert_eq!(runs(&[]), []);
        assert_eq!(runs(&[true, true, false, true]), [(0, 2), (3, 1)]);
    }
}
