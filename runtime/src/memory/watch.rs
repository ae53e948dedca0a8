//! Waiting, in a tokio runtime, for descriptors that belong to another process's memory.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A descriptor to wait for.
pub struct Watch(AsyncFd<OwnedFd>);

impl Watch {
    /// Watches a copy of `fd`, which must be non-blocking.
    pub fn new(fd: BorrowedFd<'_>) -> io::Result<Watch> {
        let fd = fd.try_clone_to_owned()?;
        // SAFETY: the AsyncFd owns the descriptor, which thus stays open and registered as long as
        // the AsyncFd lives.
        let watched = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
        Ok(Watch(watched.map_err(io::Error::from)?))
    }

    /// Waits until it is readable. The readiness is taken back at once: the caller reads all there
    /// is.
    pub async fn readable(&self) -> io::Result<()> {
        self.0.readable().await?.clear_ready();
        Ok(())
    }
}

/// Waits for a descriptor that may not exist yet.
pub async fn readable(watch: Option<&Watch>) -> io::Result<()> {
    match watch {
        Some(watch) => watch.readable().await,
        None => std::future::pending().await,
    }
}
