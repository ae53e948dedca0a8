//! What a session runs over: any stream of bytes with two halves, and counters of what passed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::link::Link;

/// The receiving half.
pub type Reader = Box<dyn AsyncRead + Send + Unpin>;
/// The sending half.
pub type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// A connected stream.
pub struct Transport {
    pub(super) reader: Reader,
    pub(super) writer: Writer,
    /// What can be known of its speed; `None`: nothing, or it does not leave this machine.
    pub(super) link: Option<Link>,
}

impl Transport {
    /// Plain TCP. Small frames go out at once.
    pub fn tcp(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let link = Link::of(&stream)?;
        let (reader, writer) = stream.into_split();
        Ok(Self {
            reader: Box::new(reader),
            writer: Box::new(writer),
            link,
        })
    }

    /// Any other stream, such as an encrypted one.
    pub fn of(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            reader: Box::new(reader),
            writer: Box::new(writer),
            link: None,
        }
    }
}

/// Bytes and frames that passed in a session, lengths and headers included.
#[derive(Debug, Default)]
pub struct Counters {
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    frames_in: AtomicU64,
    frames_out: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    pub bytes_in: u64,
    /// Taken by the socket; what is still queued does not count.
    pub bytes_out: u64,
    pub frames_in: u64,
    pub frames_out: u64,
}

impl Counters {
    pub fn traffic(&self) -> Traffic {
        Traffic {
            bytes_in: self.bytes_in.load(Ordering::Relaxed),
            bytes_out: self.bytes_out.load(Ordering::Relaxed),
            frames_in: self.frames_in.load(Ordering::Relaxed),
            frames_out: self.frames_out.load(Ordering::Relaxed),
        }
    }

    pub(super) fn frame_in(&self, bytes: usize) {
        self.frames_in.fetch_add(1, Ordering::Relaxed);
        self.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn frame_out(&self) {
        self.frames_out.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn bytes_out(&self, bytes: usize) {
        self.bytes_out.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// Shared by both halves of a session and whoever reports on it.
pub type SharedCounters = Arc<Counters>;
