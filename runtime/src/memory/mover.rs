//! Taking pages away by moving them (UFFDIO_MOVE, Linux 6.8). A page that a device reads or writes
//! is **pinned**, which neither a fault nor write-protection tells; the kernel refuses to move it.
//!
//! Only the owner of an address space may move its pages, so the helper does it, on its own
//! descriptor of the same userfaultfd. Pages go to a staging area, are read there, and are dropped.
//! The kernel moves between mappings of the same kind only, so there is a second area for pages that
//! are mlocked.

use std::io;

use nix::errno::Errno;
use nix::unistd::Pid;

use super::PAGE;
use super::helper::{Call, Helper, HelperError};
use super::remote;
use super::uffd::{Uffd, UffdError};
use crate::guest::stub::RANGES_SIZE;

/// Pages moved at once at most.
pub const ROOM: usize = 32;
/// `UFFDIO_MOVE`: _IOWR(0xAA, 0x05, struct uffdio_move).
const MOVE: u64 = 0xc028_aa05;
/// Words of struct uffdio_move: dst, src, len, mode, moved.
const WORDS: usize = 5;
/// `MLOCK_ONFAULT`.
const ON_FAULT: u64 = 1;

/// Why pages could not be moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    #[error(transparent)]
    Helper(#[from] HelperError),
    #[error(transparent)]
    Uffd(#[from] UffdError),
    #[error("cannot map room for pages")]
    Room(#[source] io::Error),
    #[error("cannot prepare the helper's moves")]
    Scratch(#[source] remote::RemoteError),
}

/// What became of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It is here now, and nowhere else.
    To(u64),
    /// It is where it was: pinned, or just being changed otherwise.
    Not,
    /// It is where it was, and memory of this kind is never moved.
    Never,
}

/// The means to move pages.
pub struct Mover {
    /// The helper's descriptor.
    uffd: u64,
    /// A process with this memory, and where there is room for requests.
    scratch: (Pid, u64),
    /// The areas: for ordinary pages, and for mlocked ones if there may be more of those.
    plain: u64,
    locked: Option<u64>,
}

impl Mover {
    /// Maps the areas. `there` is the number of `uffd` in the helper; `scratch` names a process with
    /// this memory and [`RANGES_SIZE`] bytes in it that are never watched.
    pub fn prepare(
        helper: &mut Helper,
        uffd: &Uffd,
        there: u64,
        scratch: (Pid, u64),
    ) -> Result<Mover, MoveError> {
        let plain = room(helper, uffd)?;
        let locked = room(helper, uffd)?;
        let args = [locked, ROOM as u64 * PAGE, ON_FAULT];
        let locks = helper.call(libc::SYS_mlock2, &args)? == 0;
        Ok(Mover {
            uffd: there,
            scratch,
            plain,
            locked: locks.then_some(locked),
        })
    }

    /// Moves pages (addresses, at most [`ROOM`]) away, each or not.
    pub fn take(&self, helper: &mut Helper, pages: &[u64]) -> Result<Vec<Moved>, MoveError> {
        let mut moved = self.try_all(helper, pages, self.plain)?;
        // A page shared with a child (after a fork) does not move either, until it is written to.
        let again: Vec<usize> = (0..pages.len())
            .filter(|i| moved[*i] == Moved::Not)
            .collect();
        if !again.is_empty() {
            let writes: Vec<Call> = again
                .iter()
                .map(|i| {
                    let args = [pages[*i], PAGE, libc::MADV_POPULATE_WRITE as u64];
                    Call::new(libc::SYS_madvise, &args)
                })
                .collect();
            helper.batch(&writes)?;
            self.try_some(helper, pages, &again, self.plain, &mut moved)?;
        }
        let other: Vec<usize> = (0..pages.len())
            .filter(|i| moved[*i] == Moved::Never)
            .collect();
        if let Some(locked) = self.locked.filter(|_| !other.is_empty()) {
            self.try_some(helper, pages, &other, locked, &mut moved)?;
        }
        Ok(moved)
    }

    /// Drops what was moved.
    pub fn drop_moved(&self, helper: &mut Helper, moved: &[Moved]) -> Result<(), MoveError> {
        let ranges: Vec<(u64, u64)> = moved
            .iter()
            .filter_map(|m| match m {
                Moved::To(at) => Some((*at, PAGE)),
                Moved::Not | Moved::Never => None,
            })
            .collect();
        Ok(helper.drop_pages(&ranges)?)
    }

    fn try_some(
        &self,
        helper: &mut Helper,
        pages: &[u64],
        which: &[usize],
        area: u64,
        moved: &mut [Moved],
    ) -> Result<(), MoveError> {
        // Each page has its place in an area, so that a second round does not hit the first.
        let mut some = vec![None; pages.len()];
        for &i in which {
            some[i] = Some(pages[i]);
        }
        for (&i, result) in which.iter().zip(self.moves(helper, &some, area)?) {
            moved[i] = result;
        }
        Ok(())
    }

    fn try_all(
        &self,
        helper: &mut Helper,
        pages: &[u64],
        area: u64,
    ) -> Result<Vec<Moved>, MoveError> {
        let all: Vec<Option<u64>> = pages.iter().copied().map(Some).collect();
        self.moves(helper, &all, area)
    }

    /// Moves each of the pages to its place in an area; the results of those there are.
    fn moves(
        &self,
        helper: &mut Helper,
        pages: &[Option<u64>],
        area: u64,
    ) -> Result<Vec<Moved>, MoveError> {
        assert!(pages.len() <= ROOM, "more pages than there is room for");
        let (mut requests, mut calls, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (i, page) in pages.iter().enumerate() {
            let Some(page) = page else { continue };
            let place = area + i as u64 * PAGE;
            let at = self.scratch.1 + requests.len() as u64;
            for word in [place, *page, PAGE, 0, 0] {
                requests.extend_from_slice(&word.to_ne_bytes());
            }
            calls.push(Call::new(libc::SYS_ioctl, &[self.uffd, MOVE, at]));
            places.push(place);
        }
        remote::write(self.scratch.0, self.scratch.1, &requests).map_err(MoveError::Scratch)?;
        let results = helper.batch(&calls)?;
        let outcome = |(result, place): (i64, u64)| match Errno::from_raw(-result as i32) {
            _ if result == 0 => Moved::To(place),
            Errno::EINVAL => Moved::Never,
            _ => Moved::Not,
        };
        // Who looks at all memory there is (a collector of garbage) looks at the areas too, which fills them.
        let filled = results.iter().zip(&places);
        let filled: Vec<(u64, u64)> = filled
            .filter(|(result, _)| **result == -(libc::EEXIST as i64))
            .map(|(_, place)| (*place, PAGE))
            .collect();
        helper.drop_pages(&filled)?;
        Ok(results.into_iter().zip(places).map(outcome).collect())
    }
}

const _: () = assert!((ROOM * WORDS * 8) as u64 <= RANGES_SIZE);

/// Maps and registers an area, between two pages without access: the kernel would join it with memory of the
/// program's beside it, of which it would then be a part for everybody who looks.
fn room(helper: &mut Helper, uffd: &Uffd) -> Result<u64, MoveError> {
    let len = ROOM as u64 * PAGE;
    let prot = (libc::PROT_READ | libc::PROT_WRITE) as u64;
    let none = libc::PROT_NONE as u64;
    let flags = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE) as u64;
    let mut made = |nr, args: &[u64]| match helper.call(nr, args)? {
        refused @ ..0 => Err(MoveError::Room(io::Error::from_raw_os_error(
            -refused as i32,
        ))),
        made => Ok(made as u64),
    };
    let all = [0, len + 2 * PAGE, none, flags, u64::MAX, 0];
    let at = made(libc::SYS_mmap, &all)? + PAGE;
    made(libc::SYS_mprotect, &[at, len, prot])?;
    uffd.register(at, len)?;
    Ok(at)
}
