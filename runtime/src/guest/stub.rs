//! The pages rtx reserves in a traced process's address space, at the same address at home and on
//! every board.
//!
//! | page | content |
//! | --- | --- |
//! | 0 | code: the gadget with the park loop, the helper's loop (read, execute) |
//! | 1 | the helper's commands |
//! | 2 | the helper's results; in its second half, lists of ranges for it |
//! | 3 | scratch: arguments of injected calls that the kernel reads or writes |
//! | 4 | probe: registered with userfaultfd, so that an operation on it tells whether events wait |

use super::arch;
/// Bytes of a page.
pub const PAGE_SIZE: u64 = crate::coherence::PAGE_SIZE as u64;

/// Pages reserved.
pub const PAGES: u64 = 5;
/// Bytes reserved.
pub const SIZE: u64 = PAGES * PAGE_SIZE;
/// Bytes for lists of ranges: half a page.
pub const RANGES_SIZE: u64 = PAGE_SIZE / 2;
/// Where the stub goes unless the program has something there: below every default load address,
/// above the usual `vm.mmap_min_addr`.
pub const PREFERRED: u64 = 0x2_0000;

/// The addresses of one process's stub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stub(pub u64);

impl Stub {
    /// A system call instruction, behind which a thread parks.
    pub fn gadget(self) -> u64 {
        self.0 + arch::GADGET
    }

    /// The program counter that the system call of [`Stub::park`] shows.
    pub fn parked(self) -> u64 {
        self.0 + arch::park_offsets()[1]
    }

    /// The program counter a thread shows while it is in a call at the gadget.
    pub fn in_gadget(self) -> u64 {
        self.gadget() + arch::SYSCALL_INSTRUCTION.len() as u64
    }

    /// A system call that returns to its caller.
    pub fn call_and_return(self) -> u64 {
        self.0 + arch::call_and_return_offset()
    }

    /// clock_gettime as the vDSO has it.
    pub fn clock(self) -> u64 {
        self.0 + arch::clock_offsets()[0]
    }

    /// The program counter that the system call of [`Stub::clock`] shows.
    pub fn clock_made(self) -> u64 {
        self.0 + arch::clock_offsets()[1]
    }

    /// The interruptible wait of a shadow.
    pub fn park(self) -> u64 {
        self.0 + arch::park_offsets()[0]
    }

    /// A clone whose child becomes the helper.
    pub fn spawn(self) -> u64 {
        self.0 + arch::spawn_offset()
    }

    /// The helper's loop.
    pub fn helper(self) -> u64 {
        self.0 + arch::helper_offset()
    }

    /// The helper's command buffer (its results follow one page on).
    pub fn commands(self) -> u64 {
        self.0 + PAGE_SIZE
    }

    /// Where lists of ranges for the helper's calls are written.
    pub fn ranges(self) -> u64 {
        self.0 + 2 * PAGE_SIZE + RANGES_SIZE
    }

    /// A page for arguments of injected calls.
    pub fn scratch(self) -> u64 {
        self.0 + 3 * PAGE_SIZE
    }

    /// The page whose write-protection is changed only to learn whether userfaultfd events wait.
    pub fn probe(self) -> u64 {
        self.0 + 4 * PAGE_SIZE
    }

    /// First address after the stub.
    pub fn end(self) -> u64 {
        self.0 + SIZE
    }

    /// Finds room for a stub: [`PREFERRED`], else the highest gap of the address space that no
    /// mapping borders within 1 GiB (so that stacks and heaps can grow). `taken` are the
    /// process's mappings as (start, end), ascending.
    pub fn choose(taken: &[(u64, u64)], lowest: u64) -> Option<Stub> {
        let free = |at: u64| taken.iter().all(|&(s, e)| e <= at || at + SIZE <= s);
        if PREFERRED >= lowest && free(PREFERRED) {
            return Some(Stub(PREFERRED));
        }
        const MARGIN: u64 = 1 << 30;
        let mut top = 1u64 << 46;
        for &(start, end) in taken.iter().rev().filter(|m| m.0 < 1 << 46) {
            if top.saturating_sub(end) > 2 * MARGIN + SIZE {
                return Some(Stub(top - MARGIN - SIZE));
            }
            top = start;
        }
        (top > 2 * MARGIN + SIZE).then_some(Stub(top - MARGIN - SIZE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefers_the_low_place_and_avoids_what_is_mapped() {
        assert_eq!(
            Stub::choose(&[(0x400000, 0x500000)], 0x10000),
            Some(Stub(PREFERRED))
        );
        let other = Stub::choose(&[(0x10000, 0x500000)], 0x10000).unwrap();
        assert!(other.0 > 0x500000 && other.0.is_multiple_of(PAGE_SIZE));
        assert_ne!(Stub::choose(&[], 0x100000), Some(Stub(PREFERRED)));
    }
}
