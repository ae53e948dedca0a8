//! The receiving side of a session: a stream of frames.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::{Stream, StreamExt};
use tokio_util::codec::{FramedRead, LengthDelimitedCodec, LengthDelimitedCodecError};

use super::frame::{Frame, FrameError, LENGTH_BYTES};
use super::limits::{FRAME_BYTES, GREETING_BYTES, READ_BUFFER_BYTES};
use super::transport::{Counters, Reader};

/// Why no more frames come. The session is over.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    #[error("the connection is broken")]
    Broken(#[source] io::Error),
    #[error("the other side sent a frame of more than {limit} bytes")]
    TooLong { limit: usize },
    #[error("the other side sent a frame that makes no sense")]
    Frame(#[source] FrameError),
    #[error("the other side sent {message} where that has no place")]
    Unexpected { message: &'static str },
}

/// Yields frames in the order in which they were sent; `None` once the other side has ended its
/// side in an orderly way.
pub struct Inbox {
    frames: FramedRead<Reader, LengthDelimitedCodec>,
    counters: Arc<Counters>,
}

impl Inbox {
    /// Takes frames of a greeting's length only.
    pub(super) fn new(reader: Reader, counters: Arc<Counters>) -> Self {
        let codec = LengthDelimitedCodec::builder()
            .length_field_length(LENGTH_BYTES)
            .max_frame_length(GREETING_BYTES)
            .new_codec();
        let frames = FramedRead::with_capacity(reader, codec, READ_BUFFER_BYTES);
        Self { frames, counters }
    }

    /// From now on takes frames of full length.
    pub(super) fn open(&mut self) {
        self.frames.decoder_mut().set_max_frame_length(FRAME_BYTES);
    }

    /// The next frame. May be dropped and called again without loss.
    pub async fn recv(&mut self) -> Option<Result<Frame, InboxError>> {
        self.next().await
    }
}

impl Stream for Inbox {
    type Item = Result<Frame, InboxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let payload = match ready!(self.frames.poll_next_unpin(cx)) {
            None => return Poll::Ready(None),
            Some(Err(error)) => return Poll::Ready(Some(Err(self.error(error)))),
            Some(Ok(payload)) => payload,
        };
        self.counters.frame_in(LENGTH_BYTES + payload.len());
        let most = self.frames.decoder().max_frame_length();
        let frame = Frame::decode_within(payload.freeze(), most);
        Poll::Ready(Some(frame.map_err(InboxError::Frame)))
    }
}

impl Inbox {
    fn error(&self, error: io::Error) -> InboxError {
        match error.get_ref() {
            Some(inner) if inner.is::<LengthDelimitedCodecError>() => InboxError::TooLong {
                limit: self.frames.decoder().max_frame_length(),
            },
            _ => InboxError::Broken(error),
        }
    }
}
