//! Calls that change memory without an event of userfaultfd: **unseen** changes.
//!
//! munmap, mremap, a shrinking brk and mmap over something else are told by userfaultfd. These are
//! not, so home's filter reports them and the pager makes them for the thread. What matters:
//!
//! - madvise(2) with an advice that drops content;
//! - mprotect(2) that may take rights away; boards learn about more rights by their faults;
//! - shmat(2) with SHM_REMAP, which replaces mappings (measured on 6.18: no event);
//! - guard pages (MADV_GUARD_INSTALL), and process_madvise(2) on the own process (Linux 6.13), of
//!   which the kernel tells too little: refused as older kernels refuse them.
//!
//! A move by mremap(2) is told, but not in order with other threads' changes (`home/pager/moves.rs`).
//!
//! Two more need the pager although they change nothing unseen. FUTEX_WAKE_OP changes a word without
//! serving faults (measured on 6.18: EFAULT and no event), so its words must be home. mincore(2) tells
//! of home's memory only, and does not know that a page is on a board.
//!
//! And one passes once the pager has heard of it: with O_DIRECT, set by fcntl(2) or when a file is opened
//! ([`super::opening`]), devices begin to write into memory, which changes how pages are taken
//! (`memory/mover.rs`).
//!
//! Not unseen although it drops content: MADV_REMOVE, which works on shared mappings only; no board
//! has any. remap_file_pages(2) likewise.

use super::FUTEX_COMMAND;

/// What an unseen call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unseen {
    /// Pages lose their content.
    Drop,
    /// Rights are taken away, perhaps.
    Protect,
    /// A shared segment replaces what was mapped.
    Attach,
    /// A mapping moves, perhaps.
    Move,
    /// Cannot be followed: EINVAL.
    Refused,
    /// Words are changed that must be at home.
    WakeOp,
    /// Pages are looked for that may be on boards.
    Residence,
    /// Direct I/O begins.
    Direct,
}

/// MADV_DONTNEED_LOCKED (Linux 5.18).
const DONTNEED_LOCKED: i32 = 24;
/// MADV_GUARD_INSTALL (Linux 6.13).
const GUARD_INSTALL: i32 = 102;
/// Advices that drop content.
pub const DROPPING: [i32; 3] = [libc::MADV_DONTNEED, libc::MADV_FREE, DONTNEED_LOCKED];
/// Advices that do what cannot be followed.
pub const REFUSED: [i32; 1] = [GUARD_INSTALL];
/// Protection from which nothing that a board relies on is missing.
pub const FULL: i32 = libc::PROT_READ | libc::PROT_WRITE;

/// What call `nr` does that userfaultfd does not tell.
pub fn unseen(nr: i64, args: &[u64; 6]) -> Option<Unseen> {
    let int = |i: usize| args[i] as i32;
    match nr {
        libc::SYS_madvise if DROPPING.contains(&int(2)) => Some(Unseen::Drop),
        libc::SYS_madvise if REFUSED.contains(&int(2)) => Some(Unseen::Refused),
        libc::SYS_process_madvise if DROPPING.contains(&int(3)) || REFUSED.contains(&int(3)) => {
            Some(Unseen::Refused)
        }
        libc::SYS_mprotect | libc::SYS_pkey_mprotect if int(2) & FULL != FULL => {
            Some(Unseen::Protect)
        }
        libc::SYS_shmat if int(2) & libc::SHM_REMAP != 0 => Some(Unseen::Attach),
        libc::SYS_mremap if int(3) & libc::MREMAP_MAYMOVE != 0 => Some(Unseen::Move),
        libc::SYS_futex if int(1) & FUTEX_COMMAND == libc::FUTEX_WAKE_OP => Some(Unseen::WakeOp),
        libc::SYS_mincore => Some(Unseen::Residence),
        libc::SYS_fcntl if int(1) == libc::F_SETFL && int(2) & libc::O_DIRECT != 0 => {
            Some(Unseen::Direct)
        }
        _ => None,
    }
}

/// Calls of which some are unseen changes.
pub fn may_be_unseen(nr: i64) -> bool {
    matches!(
        nr,
        libc::SYS_madvise
            | libc::SYS_process_madvise
            | libc::SYS_mprotect
            | libc::SYS_pkey_mprotect
            | libc::SYS_shmat
            | libc::SYS_mremap
            | libc::SYS_futex
            | libc::SYS_mincore
            | libc::SYS_fcntl
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_take_something_away_is_unseen() {
        let madvise = |advice: i32| unseen(libc::SYS_madvise, &[0, 0, advice as u64, 0, 0, 0]);
        assert_eq!(madvise(libc::MADV_DONTNEED), Some(Unseen::Drop));
        assert_eq!(madvise(libc::MADV_FREE), Some(Unseen::Drop));
        assert_eq!(madvise(libc::MADV_WILLNEED), None);
        assert_eq!(madvise(GUARD_INSTALL), Some(Unseen::Refused));
        let mprotect = |prot: i32| unseen(libc::SYS_mprotect, &[0, 0, prot as u64, 0, 0, 0]);
        assert_eq!(mprotect(libc::PROT_NONE), Some(Unseen::Protect));
        assert_eq!(mprotect(libc::PROT_READ), Some(Unseen::Protect));
        assert_eq!(mprotect(libc::PROT_READ | libc::PROT_WRITE), None);
        assert_eq!(mprotect(FULL | libc::PROT_EXEC), None);
        assert_eq!(unseen(libc::SYS_shmat, &[0; 6]), None);
        let remap = |flags: i32| unseen(libc::SYS_mremap, &[0, 0, 0, flags as u64, 0, 0]);
        let fixed = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
        assert_eq!(remap(fixed), Some(Unseen::Move));
        assert_eq!(remap(0), None, "it grows or shrinks where it is");
        let futex = |op: i32| unseen(libc::SYS_futex, &[0, op as u64, 0, 0, 0, 0]);
        assert_eq!(futex(libc::FUTEX_WAKE_OP | 128), Some(Unseen::WakeOp));
        assert_eq!(futex(libc::FUTEX_WAKE), None);
        let set = |flags: i32| unseen(libc::SYS_fcntl, &[0, 4, flags as u64, 0, 0, 0]);
        assert_eq!(set(libc::O_NONBLOCK | libc::O_DIRECT), Some(Unseen::Direct));
        assert_eq!(set(libc::O_NONBLOCK), None);
    }
}
