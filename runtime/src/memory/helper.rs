//! The client of the **helper**, a parked thread in the other process that executes raw system
//! calls for the supervisor, because only the owner of an address space can drop its pages.
//!
//! The two talk over a SOCK_SEQPACKET pair, one packet each way (little endian, all 64-bit):
//!
//! ```text
//! supervisor -> helper   count, then count x { nr, args[6] }     count in 1..=64
//! helper -> supervisor   count, then count x { result }          result as in the register: -errno
//! ```
//!
//! The helper runs a batch in order, never stops at an error, and ends at end-of-file. Its loop
//! stands in `guest/arch`; `runtime/tests/memory_helper.rs` has one in Rust.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};
use nix::unistd::Pid;

/// Calls in one batch at most.
pub const BATCH: usize = 64;
/// Bytes of one call in a request.
pub const CALL_BYTES: usize = 7 * 8;
/// Bytes of the longest request, which the helper's buffer must hold.
pub const REQUEST_BYTES: usize = 8 + BATCH * CALL_BYTES;
/// Bytes of the longest reply.
pub const REPLY_BYTES: usize = 8 + BATCH * 8;

/// One system call for the helper: number (of the helper's ISA) and arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    pub nr: u64,
    pub args: [u64; 6],
}

impl Call {
    /// Missing arguments are zero.
    pub fn new(nr: i64, args: &[u64]) -> Self {
        let mut call = Self {
            nr: nr as u64,
            args: [0; 6],
        };
        call.args[..args.len()].copy_from_slice(args);
        call
    }
}

#[derive(Debug, thiserror::Error)]
pub enum HelperError {
    /// It has ended, and most likely its process with it.
    #[error("the helper thread is gone")]
    Gone,
    #[error("cannot reach the helper thread")]
    Socket(#[source] io::Error),
    #[error("the helper thread answered {got} bytes where {expected} were due")]
    Malformed { got: usize, expected: usize },
    #[error("cannot prepare the helper's ranges")]
    Scratch(#[source] super::remote::RemoteError),
    #[error("cannot drop pages {start:#x}..{end:#x}")]
    Drop {
        start: u64,
        end: u64,
        source: io::Error,
    },
}

/// Memory in the helper's process that it keeps for us, and its own pidfd: what
/// process_madvise(2) needs. Never watched by userfaultfd.
#[derive(Clone, Copy, Debug)]
pub struct Scratch {
    pub pid: Pid,
    /// The number that the pidfd of its own process has in the helper.
    pub pidfd: i32,
    pub addr: u64,
    /// Bytes; at least [`super::helper_drop::SCRATCH_BYTES`].
    pub len: u64,
}

/// A connection to a helper. One batch is under way at a time.
pub struct Helper {
    socket: OwnedFd,
    under_way: usize,
    pub(super) scratch: Option<Scratch>,
    /// process_madvise(2) takes what madvise(2) takes, as far as is known.
    pub(super) drops_at_once: bool,
}

impl Helper {
    pub fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            under_way: 0,
            scratch: None,
            drops_at_once: true,
        }
    }

    /// Lets [`Helper::drop_pages`] use process_madvise(2).
    pub fn set_scratch(&mut self, scratch: Scratch) {
        assert!(
            scratch.len >= super::helper_drop::SCRATCH_BYTES,
            "scratch area too small"
        );
        self.scratch = Some(scratch);
    }

    /// Executes one system call; a failure is its -errno.
    pub fn call(&mut self, nr: i64, args: &[u64]) -> Result<i64, HelperError> {
        Ok(self.batch(&[Call::new(nr, args)])?[0])
    }

    /// Executes calls in order, any number, [`BATCH`] at a time.
    pub fn batch(&mut self, calls: &[Call]) -> Result<Vec<i64>, HelperError> {
        let mut results = Vec::with_capacity(calls.len());
        for chunk in calls.chunks(BATCH) {
            self.submit(chunk)?;
            self.complete(&mut results)?;
        }
        Ok(results)
    }

    /// Starts a batch without waiting for it: the caller may do other work before
    /// [`Helper::complete`].
    pub fn submit(&mut self, calls: &[Call]) -> Result<(), HelperError> {
        assert!(self.under_way == 0, "one batch at a time");
        assert!(
            (1..=BATCH).contains(&calls.len()),
            "a batch has 1 to 64 calls"
        );
        let mut request = [0u8; REQUEST_BYTES];
        request[..8].copy_from_slice(&(calls.len() as u64).to_le_bytes());
        let slots = request[8..].chunks_exact_mut(CALL_BYTES);
        for (slot, call) in slots.zip(calls) {
            let words = std::iter::once(&call.nr).chain(&call.args);
            for (bytes, word) in slot.chunks_exact_mut(8).zip(words) {
                bytes.copy_from_slice(&word.to_le_bytes());
            }
        }
        let request = &request[..8 + calls.len() * CALL_BYTES];
        let fd = self.socket.as_raw_fd();
        let sent = retry(|| send(fd, request, MsgFlags::MSG_NOSIGNAL))?;
        if sent != request.len() {
            return Err(HelperError::Malformed {
                got: sent,
                expected: request.len(),
            });
        }
        self.under_way = calls.len();
        Ok(())
    }

    /// Waits for the batch under way and appends its results.
    pub fn complete(&mut self, results: &mut Vec<i64>) -> Result<(), HelperError> {
        let count = std::mem::take(&mut self.under_way);
        assert!(count > 0, "no batch is under way");
        let mut reply = [0u8; REPLY_BYTES];
        let fd = self.socket.as_raw_fd();
        let got = retry(|| recv(fd, &mut reply, MsgFlags::empty()))?;
        if got == 0 {
            return Err(HelperError::Gone);
        }
        let expected = 8 + count * 8;
        let mut words = reply[..got]
            .chunks_exact(8)
            .map(|word| i64::from_le_bytes(word.try_into().expect("chunks of 8")));
        if got != expected || words.next() != Some(count as i64) {
            return Err(HelperError::Malformed { got, expected });
        }
        results.extend(words);
        Ok(())
    }
}

impl AsFd for Helper {
    /// Readable when a batch is done; hung up when the helper is gone.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn retry(mut call: impl FnMut() -> nix::Result<usize>) -> Result<usize, HelperError> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            Err(Errno::EPIPE | Errno::ECONNRESET) => return Err(HelperError::Gone),
            result => return result.map_err(|errno| HelperError::Socket(errno.into())),
        }
    }
}
