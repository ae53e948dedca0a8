//! The sending side of a session, for one actor that never waits: [`Outbox::push`] writes at once
//! whatever the socket takes, in the same call and without a task switch, because a thread may be
//! waiting for the page. What the socket does not take stays queued, and a small task writes it as
//! soon as there is room.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;
use tokio::task::{JoinHandle, coop};

use super::frame::OutFrame;
use super::limits::{QUEUE_BYTES, WRITE_PIECES};
use super::link::Link;
use super::packing::Packing;
use super::transport::{Counters, Writer};

/// Why a frame was not taken. The session is over.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    #[error("the connection is broken")]
    Broken(#[source] io::Error),
    #[error("{queued} bytes wait to be sent, and the other side does not read")]
    Full { queued: usize },
}

/// Sends frames in the order in which they are pushed.
pub struct Outbox {
    queue: Arc<Mutex<Queue>>,
    flusher: JoinHandle<io::Result<()>>,
}

struct Queue {
    writer: Writer,
    link: Option<Link>,
    packing: Packing,
    pieces: VecDeque<Bytes>,
    /// Bytes in `pieces`.
    queued: usize,
    /// What was written waits in a layer below (encryption).
    unflushed: bool,
    /// No more frames come: write what is there, then shut down.
    closing: bool,
    broken: Option<io::ErrorKind>,
    /// The flusher's.
    waker: Waker,
    counters: Arc<Counters>,
}

impl Outbox {
    /// Must be called within a tokio runtime, on which the flusher then lives.
    pub(super) fn new(writer: Writer, link: Option<Link>, counters: Arc<Counters>) -> Self {
        let queue = Arc::new(Mutex::new(Queue {
            writer,
            link,
            packing: Packing::default(),
            pieces: VecDeque::new(),
            queued: 0,
            unflushed: false,
            closing: false,
            broken: None,
            waker: Waker::noop().clone(),
            counters,
        }));
        let flusher = tokio::spawn(Flusher {
            queue: queue.clone(),
        });
        Self { queue, flusher }
    }

    /// Sends a frame; returns at once. An error means that the session is over.
    pub fn push(&mut self, frame: impl Into<OutFrame>) -> Result<(), OutboxError> {
        let frame = frame.into();
        let mut queue = lock(&self.queue);
        if let Some(kind) = queue.broken {
            return Err(OutboxError::Broken(kind.into()));
        }
        if queue.queued + frame.len() > QUEUE_BYTES {
            return Err(OutboxError::Full {
                queued: queue.queued,
            });
        }
        let frame = queue.packed(frame);
        let idle = queue.pieces.is_empty();
        queue.counters.frame_out();
        queue.queued += frame.len();
        queue.pieces.push_back(frame.head);
        queue.pieces.extend(frame.pages);
        // Otherwise the flusher already waits for the socket, and will get to this frame.
        if idle {
            let waker = queue.waker.clone();
            // A failure is kept, for the next push and for the flusher.
            let _ = queue.write(&mut Context::from_waker(&waker));
        }
        Ok(())
    }

    /// Bytes that wait for the socket.
    pub fn queued_bytes(&self) -> usize {
        lock(&self.queue).queued
    }

    /// Waits until everything is written, and shuts the sending side down. To drop an outbox does
    /// the same without waiting, as long as the runtime lives.
    pub async fn finish(mut self) -> io::Result<()> {
        lock(&self.queue).close();
        match (&mut self.flusher).await {
            Ok(result) => result,
            Err(stopped) => Err(io::Error::other(stopped)),
        }
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        lock(&self.queue).close();
    }
}

impl Queue {
    /// Writes until the queue is empty, the socket takes no more (`cx` is woken when it does), or
    /// the connection breaks.
    fn write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = self.try_write(cx);
        if let Poll::Ready(Err(error)) = &result {
            self.broken = Some(error.kind());
            self.pieces.clear();
            self.queued = 0;
            self.waker.wake_by_ref();
        }
        result
    }

    fn try_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(kind) = self.broken {
            return Poll::Ready(Err(kind.into()));
        }
        while !self.pieces.is_empty() {
            let mut slices = [IoSlice::new(&[]); WRITE_PIECES];
            let used = slices
                .iter_mut()
                .zip(&self.pieces)
                .fold(0, |n, (slice, piece)| {
                    *slice = IoSlice::new(piece);
                    n + 1
                });
            let writer = &mut self.writer;
            // Without this, tokio would make a busy actor's push wait for its next turn.
            let step = coop::unconstrained(std::future::poll_fn(|cx| {
                Pin::new(&mut *writer).poll_write_vectored(cx, &slices[..used])
            }));
            let written = match pin!(step).poll(cx) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => written,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            };
            self.advance(written);
        }
        if self.unflushed {
            match Pin::new(&mut self.writer).poll_flush(cx) {
                Poll::Ready(result) => result?,
                Poll::Pending => return Poll::Pending,
            }
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn packed(&mut self, frame: OutFrame) -> OutFrame {
        match &self.link {
            Some(link) => self.packing.pack(frame, || link.bytes_per_second()),
            None => frame,
        }
    }

    fn advance(&mut self, mut written: usize) {
        self.queued -= written;
        self.unflushed = true;
        self.counters.bytes_out(written);
        while let Some(piece) = self.pieces.front_mut() {
            if written < piece.len() {
                piece.advance(written);
                return;
            }
            written -= piece.len();
            self.pieces.pop_front();
        }
    }

    fn close(&mut self) {
        self.closing = true;
        self.waker.wake_by_ref();
    }
}

/// Writes what a push could not; ends when the outbox is closed and empty, or the connection breaks.
struct Flusher {
    queue: Arc<Mutex<Queue>>,
}

impl Future for Flusher {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut queue = lock(&self.queue);
        queue.waker.clone_from(cx.waker());
        match queue.write(cx) {
            Poll::Ready(Ok(())) if queue.closing => Pin::new(&mut queue.writer).poll_shutdown(cx),
            Poll::Ready(Ok(())) => Poll::Pending,
            other => other,
        }
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}
