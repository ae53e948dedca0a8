//! Calls that begin something in which boards cannot follow the program: the kernel, or a device,
//! would access its memory in ways of which nobody hears. The program is brought home before such a
//! call is made, and stays there: it **withdraws** (`home/withdraw.rs`).
//!
//! - Priority-inheriting futexes: the kernel reads and writes their words without serving faults
//!   (measured on 6.18: EFAULT and no event), also much later than in the call, when it hands a
//!   lock over.
//! - Buffers registered with io_uring: a device writes into pages that stay pinned, which neither a
//!   fault nor write-protection tells.
//! - Memory opened as a file ([`super::opening`], which takes a look at the file's name).
//! - Faults that the program serves itself (userfaultfd): memory has one who serves its faults, and what the
//!   program has not filled yet boards cannot ask for.
//! - Protection keys: their rights are registers of each thread, and boards map memory without keys.

/// What the program begins with call `nr`, in words for its user.
pub fn beyond(nr: i64, args: &[u64; 6]) -> Option<&'static str> {
    let int = |i: usize| args[i] as i32;
    match nr {
        libc::SYS_futex if PI_OPERATIONS.contains(&(int(1) & FUTEX_COMMAND)) => {
            Some("priority-inheriting mutexes")
        }
        libc::SYS_io_uring_register if PINNING.contains(&int(1)) => Some(REGISTERED_BUFFERS),
        libc::SYS_userfaultfd => Some(OWN_FAULTS),
        libc::SYS_pkey_mprotect if !NO_KEY.contains(&int(3)) => Some("memory protection keys"),
        _ => None,
    }
}

/// What a program uses that has buffers registered with io_uring, in words for its user.
pub const REGISTERED_BUFFERS: &str = "buffers registered with io_uring";

/// What a program uses that has a userfaultfd, in words for its user.
pub const OWN_FAULTS: &str = "page faults that it serves itself (userfaultfd)";

/// The bits of a futex operation that name it: not FUTEX_PRIVATE_FLAG, not FUTEX_CLOCK_REALTIME.
pub const FUTEX_COMMAND: i32 = !(libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME);

/// FUTEX_LOCK_PI2 (Linux 5.14).
const LOCK_PI2: i32 = 13;
/// Operations on priority-inheriting futexes.
pub const PI_OPERATIONS: [i32; 6] = [
    libc::FUTEX_LOCK_PI,
    libc::FUTEX_UNLOCK_PI,
    libc::FUTEX_TRYLOCK_PI,
    libc::FUTEX_WAIT_REQUEUE_PI,
    libc::FUTEX_CMP_REQUEUE_PI,
    LOCK_PI2,
];

/// Operations of io_uring_register(2) that pin memory: REGISTER_BUFFERS, BUFFERS2, BUFFERS_UPDATE,
/// PBUF_RING, CLONE_BUFFERS, ZCRX_IFQ.
pub const PINNING: [i32; 6] = [0, 15, 16, 22, 30, 32];

/// Keys that change nothing: none (-1), and the one that all memory has.
pub const NO_KEY: [i32; 2] = [-1, 0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_boards_cannot_follow_is_beyond_them() {
        let futex = |op: i32| beyond(libc::SYS_futex, &[0, op as u64, 0, 0, 0, 0]).is_some();
        assert!(futex(libc::FUTEX_LOCK_PI) && futex(libc::FUTEX_UNLOCK_PI | 128));
        assert!(futex(LOCK_PI2 | libc::FUTEX_CLOCK_REALTIME | 128));
        assert!(!futex(libc::FUTEX_WAIT) && !futex(libc::FUTEX_WAKE_OP | 128));
        let key = |key: i32| beyond(libc::SYS_pkey_mprotect, &[0, 0, 3, key as u64, 0, 0]);
        assert!(key(1).is_some() && key(0).is_none() && key(-1).is_none());
        assert!(beyond(libc::SYS_userfaultfd, &[0; 6]).is_some());
    }
}
