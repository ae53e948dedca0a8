//! The messages of a userfaultfd, `struct uffd_msg` of include/uapi/linux/userfaultfd.h: 32 bytes,
//! the same on every 64-bit ISA. The `userfaultfd` crate leaves out the faulting thread.

use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// Bytes of one message.
pub(super) const MESSAGE_BYTES: usize = 32;

const EVENT_PAGEFAULT: u8 = 0x12;
const EVENT_FORK: u8 = 0x13;
const EVENT_REMAP: u8 = 0x14;
const EVENT_REMOVE: u8 = 0x15;
const EVENT_UNMAP: u8 = 0x16;

const FLAG_WRITE: u64 = 1 << 0;
const FLAG_WP: u64 = 1 << 1;

/// What the kernel tells about the watched address space.
#[derive(Debug)]
pub enum Event {
    /// A thread waits for a page. `wp`: the page is there but write-protected. `thread` is the
    /// waiting thread's tid in its own pid namespace, if FEATURE_THREAD_ID was chosen.
    Fault {
        addr: u64,
        write: bool,
        wp: bool,
        thread: i32,
    },
    Unmap {
        start: u64,
        end: u64,
    },
    /// The watch moves along to the new range. An Unmap of the old range follows on its own.
    Remap {
        from: u64,
        to: u64,
        len: u64,
    },
    Remove {
        start: u64,
        end: u64,
    },
    /// The forked child's userfaultfd, already past its handshake, with the parent's registrations.
    Fork(OwnedFd),
}

/// Reads one message; `None` for an event that this code does not know.
///
/// # Safety
/// The bytes come from the kernel, and are read once: a fork event owns a descriptor.
pub(super) unsafe fn decode(message: &[u8; MESSAGE_BYTES]) -> Option<Event> {
    let word =
        |i: usize| u64::from_ne_bytes(message[8 * i..8 * i + 8].try_into().expect("8 bytes"));
    let half =
        |i: usize| i32::from_ne_bytes(message[4 * i..4 * i + 4].try_into().expect("4 bytes"));
    Some(match message[0] {
        EVENT_PAGEFAULT => Event::Fault {
            addr: word(2),
            write: word(1) & FLAG_WRITE != 0,
            wp: word(1) & FLAG_WP != 0,
            thread: half(6),
        },
        // SAFETY: the kernel has made this descriptor in our process when we read the message, and
        // the caller vouches that it is taken up once.
        EVENT_FORK => Event::Fork(unsafe { OwnedFd::from_raw_fd(half(2) as RawFd) }),
        EVENT_REMAP => Event::Remap {
            from: word(1),
            to: word(2),
            len: word(3),
        },
        EVENT_REMOVE => Event::Remove {
            start: word(1),
            end: word(2),
        },
        EVENT_UNMAP => Event::Unmap {
            start: word(1),
            end: word(2),
        },
        _ => return None,
    })
}
