//! A userfaultfd over another process's address space: register ranges, read its faults and other
//! events, install and protect its pages.
//!
//! The descriptor comes from that process (pidfd_getfd) and belongs to its memory; all addresses
//! here are that process's.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};

use libc::c_void;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd;
use userfaultfd::RegisterMode;

use super::PAGE;
use super::uffd_abi as abi;
use super::uffd_event::{MESSAGE_BYTES, decode};

pub use super::uffd_abi::{
    FEATURE_EVENT_FORK, FEATURE_EVENT_REMAP, FEATURE_EVENT_REMOVE, FEATURE_EVENT_UNMAP,
    FEATURE_EXACT_ADDRESS, FEATURE_MOVE, FEATURE_PAGEFAULT_FLAG_WP, FEATURE_THREAD_ID,
    FEATURE_WP_UNPOPULATED,
};
pub use super::uffd_event::Event;

/// Events that one read(2) fetches at most.
pub const EVENTS_A_READ: usize = 64;

/// Pages of zeros that one copy installs at most, when zeros are wanted write-protected.
const ZEROS: usize = 16;
static ZERO_PAGES: [u8; ZEROS * PAGE as usize] = [0; ZEROS * PAGE as usize];

#[derive(Debug, thiserror::Error)]
pub enum UffdError {
    #[error("userfaultfd is not permitted here")]
    Open(#[source] io::Error),
    #[error("userfaultfd features {features:#x} are refused by the kernel")]
    Handshake { features: u64, source: io::Error },
    #[error("cannot {what} {start:#x}..{end:#x} with userfaultfd")]
    Range {
        what: &'static str,
        start: u64,
        end: u64,
        source: io::Error,
    },
    #[error("cannot read userfaultfd events")]
    Read(#[source] io::Error),
    #[error("the kernel sent userfaultfd event {event:#x}, which was not asked for")]
    Unknown { event: u8 },
}

/// Why pages were not all installed. Everything below `at` (or before `done` bytes) **is** installed
/// and its waiting threads are awake.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The process is changing its mappings: read the pending events, then retry from `done`.
    #[error("the address space is changing after {done} bytes")]
    Busy { done: u64 },
    /// The page at `at` is already there and was left alone: continue after it, or drop it first.
    #[error("page {at:#x} is already present")]
    Exists { at: u64 },
    /// Not mapped, or not registered (any more).
    #[error("page {at:#x} is not registered")]
    Unmapped { at: u64 },
    #[error("the process is gone")]
    Gone,
    #[error("cannot install page {at:#x}")]
    Failed { at: u64, source: io::Error },
}

/// Why write-protection could not be changed. Parts of the range may have been changed.
#[derive(Debug, thiserror::Error)]
pub enum ProtectError {
    /// The process is changing its mappings: read the pending events, then retry.
    #[error("the address space is changing")]
    Busy,
    /// Not mapped, or not registered (any more).
    #[error("{start:#x}..{end:#x} is not registered")]
    Unmapped { start: u64, end: u64 },
    #[error("the process is gone")]
    Gone,
    #[error("cannot change the protection of {start:#x}..{end:#x}")]
    Failed {
        start: u64,
        end: u64,
        source: io::Error,
    },
}

/// An open userfaultfd. All calls take `&self` and may come from any thread.
pub struct Uffd {
    inner: userfaultfd::Uffd,
}

impl Uffd {
    /// Takes over `fd`, a userfaultfd, and makes it non-blocking (poll(2) refuses blocking ones).
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        let flags = OFlag::from_bits_retain(fcntl(&fd, FcntlArg::F_GETFL)?);
        fcntl(&fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        // SAFETY: `fd` is owned, and its ownership passes to the crate's object.
        let inner = unsafe { userfaultfd::Uffd::from_raw_fd(fd.into_raw_fd()) };
        Ok(Self { inner })
    }

    /// Chooses `features` (UFFDIO_API) and returns all that the kernel supports. Once only, before
    /// anything else; not for descriptors that came by [`Event::Fork`].
    pub fn handshake(&self, features: u64) -> Result<u64, UffdError> {
        abi::api(self.as_fd(), features).map_err(|source| UffdError::Handshake { features, source })
    }

    /// Watches `len` bytes from `start` for missing pages and writes to write-protected ones. Only
    /// private anonymous memory; idempotent.
    pub fn register(&self, start: u64, len: u64) -> Result<(), UffdError> {
        self.inner
            .register_with_mode(
                start as *mut c_void,
                len as usize,
                RegisterMode::MISSING | RegisterMode::WRITE_PROTECT,
            )
            .map(drop)
            .map_err(|e| range_error("register", start, len, e))
    }

    /// Stops watching; clears write-protection there and wakes the threads that wait.
    pub fn unregister(&self, start: u64, len: u64) -> Result<(), UffdError> {
        self.inner
            .unregister(start as *mut c_void, len as usize)
            .map_err(|e| range_error("unregister", start, len, e))
    }

    /// Installs `src` (whole pages) at `dst`, write-protected if `wp`, and wakes the threads that
    /// wait for these pages. Goes on by itself after partial results that have no cause.
    pub fn copy(&self, dst: u64, src: &[u8], wp: bool) -> Result<(), CopyError> {
        self.copy_mode(dst, src, if wp { abi::COPY_MODE_WP } else { 0 })
    }

    /// As [`Uffd::copy`] of several pieces that follow each other in memory, in one step.
    ///
    /// # Panics
    /// If they do not follow each other.
    pub fn copy_pieces(&self, dst: u64, pieces: &[&[u8]], wp: bool) -> Result<(), CopyError> {
        let follow = |w: &[&[u8]]| w[0].as_ptr_range().end == w[1].as_ptr();
        assert!(pieces.windows(2).all(follow), "a gap between pieces");
        let Some(first) = pieces.first() else {
            return Ok(());
        };
        let len = pieces.iter().map(|piece| piece.len() as u64).sum();
        let mode = if wp { abi::COPY_MODE_WP } else { 0 };
        install(dst, len, |done| {
            let from = first.as_ptr() as u64 + done;
            // SAFETY: the pieces are borrowed, and together they are the bytes from the first's on.
            unsafe { abi::copy_from(self.as_fd(), dst + done, from, len - done, mode) }
        })
    }

    /// As [`Uffd::copy`], but leaves waiting threads asleep until [`Uffd::wake`].
    pub fn copy_quietly(&self, dst: u64, src: &[u8], wp: bool) -> Result<(), CopyError> {
        let mode = if wp { abi::COPY_MODE_WP } else { 0 };
        self.copy_mode(dst, src, mode | abi::COPY_MODE_DONTWAKE)
    }

    fn copy_mode(&self, dst: u64, src: &[u8], mode: u64) -> Result<(), CopyError> {
        install(dst, src.len() as u64, |done| {
            abi::copy(self.as_fd(), dst + done, &src[done as usize..], mode)
        })
    }

    /// Installs zeros, and wakes. Not write-protected they cost no memory until written; if `wp`,
    /// they are real pages, since only a copy installs and protects in one step.
    pub fn zeropage(&self, start: u64, len: u64, wp: bool) -> Result<(), CopyError> {
        if !wp {
            return install(start, len, |done| {
                abi::zeropage(self.as_fd(), start + done, len - done, 0)
            });
        }
        install(start, len, |done| {
            let n = (len - done).min(ZERO_PAGES.len() as u64);
            abi::copy(
                self.as_fd(),
                start + done,
                &ZERO_PAGES[..n as usize],
                abi::COPY_MODE_WP,
            )
        })
    }

    /// As [`Uffd::zeropage`] without write-protection, but wakes nobody.
    pub fn zeropage_quietly(&self, start: u64, len: u64) -> Result<(), CopyError> {
        install(start, len, |done| {
            let mode = abi::ZEROPAGE_MODE_DONTWAKE;
            abi::zeropage(self.as_fd(), start + done, len - done, mode)
        })
    }

    /// Write-protects the present pages of a range, or lifts the protection and wakes the writers
    /// that wait. Missing pages are not protected: install those with `wp`.
    pub fn write_protect(&self, start: u64, len: u64, on: bool) -> Result<(), ProtectError> {
        let mode = if on { abi::WRITEPROTECT_MODE_WP } else { 0 };
        let end = start + len;
        abi::writeprotect(self.as_fd(), start, len, mode).map_err(|source| match errno(&source) {
            Errno::EAGAIN => ProtectError::Busy,
            Errno::ENOENT => ProtectError::Unmapped { start, end },
            Errno::ESRCH => ProtectError::Gone,
            _ => ProtectError::Failed { start, end, source },
        })
    }

    /// Wakes the threads that wait in a range; they fault again if their page is still not there.
    /// Needed after another party changed a page for which a fault message is already queued.
    pub fn wake(&self, start: u64, len: u64) -> Result<(), UffdError> {
        self.inner
            .wake(start as *mut c_void, len as usize)
            .map_err(|e| range_error("wake", start, len, e))
    }

    /// Appends the pending events to `out`, at most [`EVENTS_A_READ`], by one read(2); returns how
    /// many. 0: nothing pending. Fewer than the maximum: all were fetched.
    pub fn read_events(&self, out: &mut Vec<Event>) -> Result<usize, UffdError> {
        let mut buffer = [0u8; EVENTS_A_READ * MESSAGE_BYTES];
        let got = match unistd::read(&self.inner, &mut buffer) {
            Ok(got) => got,
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(0),
            Err(errno) => return Err(UffdError::Read(errno.into())),
        };
        for message in buffer[..got].chunks_exact(MESSAGE_BYTES) {
            let message = message.try_into().expect("chunks of this size");
            // SAFETY: the kernel has just written the message, and nobody else sees it.
            match unsafe { decode(message) } {
                Some(event) => out.push(event),
                None => return Err(UffdError::Unknown { event: message[0] }),
            }
        }
        Ok(got / MESSAGE_BYTES)
    }
}

impl AsFd for Uffd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

/// The features that this kernel supports for us, found with a descriptor of our own.
pub fn supported_features() -> Result<u64, UffdError> {
    let fd = abi::create(libc::O_CLOEXEC | libc::O_NONBLOCK).map_err(UffdError::Open)?;
    abi::api(fd.as_fd(), 0).map_err(|source| UffdError::Handshake {
        features: 0,
        source,
    })
}

/// Repeats `step(done)` until `len` bytes are done or an error stands at the first byte of a step:
/// the kernel reports the cause of a partial result only when asked again.
fn install(start: u64, len: u64, step: impl Fn(u64) -> abi::Partial) -> Result<(), CopyError> {
    let mut done = 0;
    while done < len {
        let partial = step(done);
        done += partial.done;
        let at = start + done;
        match partial.error {
            Some(_) | None if partial.done > 0 => continue,
            None => {
                return Err(CopyError::Failed {
                    at,
                    source: io::ErrorKind::WriteZero.into(),
                });
            }
            Some(source) => {
                return Err(match errno(&source) {
                    Errno::EAGAIN => CopyError::Busy { done },
                    Errno::EEXIST => CopyError::Exists { at },
                    Errno::ENOENT => CopyError::Unmapped { at },
                    Errno::ESRCH => CopyError::Gone,
                    _ => CopyError::Failed { at, source },
                });
            }
        }
    }
    Ok(())
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

fn range_error(what: &'static str, start: u64, len: u64, error: userfaultfd::Error) -> UffdError {
    UffdError::Range {
        what,
        start,
        end: start + len,
        source: system(error),
    }
}

/// The crate's errors as io errors; its errno type is of another version of nix.
fn system(error: userfaultfd::Error) -> io::Error {
    match error {
        userfaultfd::Error::SystemError(errno) => io::Error::from_raw_os_error(errno as i32),
        other => io::Error::other(other),
    }
}
