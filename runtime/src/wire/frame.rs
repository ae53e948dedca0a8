//! A frame: one message and the pages that belong to it.
//!
//! ```text
//! length (4 bytes, big endian)   of all that follows
//! varint                         bytes of the header
//! header                         protobuf
//! pages                          whole pages, raw; or packed, if the header says so
//! ```
//!
//! Page bytes never go through protobuf: outward they are read straight into a
//! [`FrameBuilder::page_slot`], or stay in the buffers they are in; inward they are slices of the
//! buffer that was read from the socket.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message as _;

use super::check;
use super::limits::FRAME_BYTES;
use super::message::{Header, Message};
use super::packing::{Packed, pack, unpack};
use crate::memory::PAGE;

/// Bytes of the length in front of a frame.
pub(super) const LENGTH_BYTES: usize = 4;

/// Why a frame cannot be used. The connection is of no use afterwards.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("a frame ends within its header")]
    Truncated,
    #[error("a frame's header is not understood")]
    Header(#[source] prost::DecodeError),
    #[error("a frame holds a message that this version does not know")]
    UnknownMessage,
    #[error("a {message} message has an invalid {field}")]
    Field {
        message: &'static str,
        field: &'static str,
    },
    #[error("a {message} message comes with packed pages that are none")]
    Packed { message: &'static str },
    #[error("a {message} message comes with {got} bytes of pages instead of {expected}")]
    Pages {
        message: &'static str,
        got: usize,
        expected: usize,
    },
}

/// A frame that has come in.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub message: Message,
    /// The pages behind the header, as many as the message says.
    pub pages: Bytes,
}

impl Frame {
    /// Reads a frame, without its length. The pages are a slice of `payload`, unless they are packed.
    pub fn decode(payload: Bytes) -> Result<Self, FrameError> {
        Self::decode_within(payload, FRAME_BYTES)
    }

    /// The same of one that may have so many bytes, with its pages unpacked.
    pub(super) fn decode_within(mut payload: Bytes, most: usize) -> Result<Self, FrameError> {
        let header_bytes =
            prost::decode_length_delimiter(&mut payload).map_err(|_| FrameError::Truncated)?;
        if header_bytes > payload.len() {
            return Err(FrameError::Truncated);
        }
        let header = Header::decode(payload.split_to(header_bytes)).map_err(FrameError::Header)?;
        let message = header.message.ok_or(FrameError::UnknownMessage)?;
        let name = message.name();
        let expected = check::page_bytes(&message).map_err(|field| FrameError::Field {
            message: name,
            field,
        })?;
        if header.packed != Packed::Not as i32 {
            let how = Packed::try_from(header.packed).ok();
            let how = how.filter(|_| expected <= most);
            let pages = how.and_then(|how| unpack(how, &payload, expected));
            let pages = pages.ok_or(FrameError::Packed { message: name })?;
            return Ok(Self { message, pages });
        }
        match payload.len() {
            got if got == expected => Ok(Self {
                message,
                pages: payload,
            }),
            got => Err(FrameError::Pages {
                message: name,
                got,
                expected,
            }),
        }
    }
}

/// A frame that is to go out: its length and header in one piece, its pages in any number.
#[derive(Clone, Debug)]
pub struct OutFrame {
    pub(super) head: Bytes,
    pub(super) pages: Vec<Bytes>,
    len: usize,
}

impl OutFrame {
    /// # Panics
    /// If the message is not valid, does not match its pages, or is longer than a frame may be:
    /// each is a mistake of the caller.
    pub fn new(message: impl Into<Message>, pages: Vec<Bytes>) -> Self {
        let page_bytes = pages.iter().map(Bytes::len).sum();
        let (mut head, expected) = head(message.into(), 0);
        assert_eq!(page_bytes, expected, "a message and its pages differ");
        put_length(&mut head, page_bytes);
        let len = head.len() + page_bytes;
        Self {
            head: head.freeze(),
            pages,
            len,
        }
    }

    /// Whether pages follow its header.
    pub(super) fn has_pages(&self) -> bool {
        !self.pages.is_empty()
    }

    /// The same with its pages packed, if that makes them shorter.
    pub(super) fn packed(&self) -> Option<Self> {
        let raw = match &self.pages[..] {
            [one] => one.clone(),
            pages => pages.concat().into(),
        };
        let (how, packed) = pack(&raw)?;
        let len = packed.len();
        let mut header = self.head.slice(LENGTH_BYTES..);
        prost::decode_length_delimiter(&mut header).expect("our own header");
        // Fields that follow a message belong to it.
        let says = Header {
            message: None,
            packed: how as i32,
        };
        let says = says.encode_to_vec();
        let mut head = BytesMut::with_capacity(self.head.len() + says.len() + 1);
        head.put_u32(0);
        prost::encode_length_delimiter(header.len() + says.len(), &mut head)
            .expect("there is room");
        head.extend_from_slice(&header);
        head.extend_from_slice(&says);
        put_length(&mut head, len);
        Some(Self {
            len: head.len() + len,
            head: head.freeze(),
            pages: vec![packed],
        })
    }

    /// Bytes on the wire.
    #[expect(clippy::len_without_is_empty, reason = "no frame is empty")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// All of it in one piece; copies the pages.
    pub fn to_bytes(&self) -> Bytes {
        let mut all = BytesMut::with_capacity(self.len);
        all.extend_from_slice(&self.head);
        self.pages
            .iter()
            .for_each(|page| all.extend_from_slice(page));
        all.freeze()
    }
}

impl<M: Into<Message>> From<M> for OutFrame {
    /// A message without pages.
    fn from(message: M) -> Self {
        Self::new(message, Vec::new())
    }
}

/// Makes a frame in one buffer, into which pages can be read directly.
pub struct FrameBuilder {
    buffer: BytesMut,
    /// Bytes of pages that are still to come.
    missing: usize,
}

impl FrameBuilder {
    /// With room for the pages that the message announces.
    ///
    /// # Panics
    /// If the message is not valid.
    pub fn new(message: impl Into<Message>) -> Self {
        let (buffer, missing) = head(message.into(), usize::MAX);
        Self { buffer, missing }
    }

    /// The next `n` pages of the frame, to be filled; zeros before that.
    ///
    /// # Panics
    /// If the message announces fewer pages.
    pub fn page_slot(&mut self, n: usize) -> &mut [u8] {
        let bytes = n * PAGE as usize;
        self.missing = self
            .missing
            .checked_sub(bytes)
            .expect("more pages than announced");
        let start = self.buffer.len();
        self.buffer.resize(start + bytes, 0);
        &mut self.buffer[start..]
    }

    /// # Panics
    /// If pages are missing, or the frame is longer than a frame may be.
    pub fn finish(mut self) -> OutFrame {
        assert_eq!(self.missing, 0, "fewer pages than announced");
        put_length(&mut self.buffer, 0);
        let len = self.buffer.len();
        OutFrame {
            head: self.buffer.freeze(),
            pages: Vec::new(),
            len,
        }
    }
}

/// An unset length and the header, with room for as many bytes of pages as the message announces
/// (at most `room`); also returns how many that are.
fn head(message: Message, room: usize) -> (BytesMut, usize) {
    let name = message.name();
    let page_bytes = match check::page_bytes(&message) {
        Ok(page_bytes) => page_bytes,
        Err(field) => panic!("a {name} message with an invalid {field}"),
    };
    let header = Header {
        message: Some(message),
        packed: Packed::Not as i32,
    };
    let header_bytes = header.encoded_len();
    let varint_bytes = prost::length_delimiter_len(header_bytes);
    let mut head =
        BytesMut::with_capacity(LENGTH_BYTES + varint_bytes + header_bytes + page_bytes.min(room));
    head.put_u32(0);
    header
        .encode_length_delimited(&mut head)
        .expect("there is room");
    (head, page_bytes)
}

/// Sets the length, which does not count itself; `apart` bytes follow from elsewhere.
fn put_length(buffer: &mut BytesMut, apart: usize) {
    let length = buffer.len() - LENGTH_BYTES + apart;
    assert!(
        length <= FRAME_BYTES,
        "a frame of {length} bytes is longer than {FRAME_BYTES}"
    );
    buffer[..LENGTH_BYTES].copy_from_slice(&(length as u32).to_be_bytes());
}
