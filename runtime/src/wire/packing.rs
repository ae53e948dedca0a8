//! When the pages of a frame are packed (LZ4): on links that are slower than packing is, and not pages that do not shrink.

use bytes::{Bytes, BytesMut};
use lz4_flex::block::{compress_into, decompress_into, get_maximum_output_size};

use super::frame::OutFrame;
use crate::memory::PAGE;

/// Links that carry more bytes a second gain nothing: a core packs about ten times as much.
const SLOW: u64 = 50_000_000;
/// Frames that go as they are, at most, after one that did not shrink.
const MOST_SKIPPED: u32 = 64;

/// Bytes of a word: of numbers of that size the first bytes are alike, and so on.
const WORD: usize = 8;

/// Bytes that one byte of an LZ4 block stands for at most.
const LONGEST: usize = 255;

/// How the pages of a frame are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Packed {
    /// They follow as they are.
    Not = 0,
    /// An LZ4 block.
    Plain = 1,
    /// An LZ4 block of the first bytes of all words of 8, then of the second, and so on.
    Columns = 2,
}

/// Packs whole pages in the way that suits the first; `None`: that makes them less than an eighth shorter.
pub(super) fn pack(pages: &Bytes) -> Option<(Packed, Bytes)> {
    let sample = pages.slice(..pages.len().min(PAGE as usize));
    let (by_columns, plain) = (compress(&columns(&sample))?, compress(&sample)?);
    let (how, packed) = match (by_columns.len() < plain.len(), pages.len() > sample.len()) {
        (true, false) => (Packed::Columns, by_columns),
        (true, true) => (Packed::Columns, compress(&columns(pages))?),
        (false, false) => (Packed::Plain, plain),
        (false, true) => (Packed::Plain, compress(pages)?),
    };
    (packed.len() <= pages.len() / 8 * 7).then(|| (how, packed.into()))
}

/// Unpacks pages, of which there must be as many bytes: a peer gets no more room than for what it announced.
pub(super) fn unpack(how: Packed, packed: &[u8], expected: usize) -> Option<Bytes> {
    // No LZ4 block becomes longer than that.
    if packed.len() < expected / LONGEST {
        return None;
    }
    let mut pages = BytesMut::zeroed(expected);
    let got = decompress_into(packed, &mut pages).ok()?;
    let pages = (got == expected && got > 0).then(|| pages.freeze())?;
    match how {
        Packed::Not => None,
        Packed::Plain => Some(pages),
        Packed::Columns => Some(words(&pages)),
    }
}

fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut packed = vec![0; get_maximum_output_size(bytes.len())];
    let len = compress_into(bytes, &mut packed).ok()?;
    packed.truncate(len);
    Some(packed)
}

/// The first bytes of all words, then the second ones, and so on.
fn columns(pages: &[u8]) -> Vec<u8> {
    let mut columns = vec![0; pages.len()];
    let height = pages.len() / WORD;
    for (at, word) in pages.chunks_exact(WORD).enumerate() {
        for (column, byte) in word.iter().enumerate() {
            columns[column * height + at] = *byte;
        }
    }
    columns
}

/// The words of which these are the [`columns`].
fn words(columns: &[u8]) -> Bytes {
    let mut pages = BytesMut::zeroed(columns.len());
    let height = columns.len() / WORD;
    for (at, word) in pages.chunks_exact_mut(WORD).enumerate() {
        for (column, byte) in word.iter_mut().enumerate() {
            *byte = columns[column * height + at];
        }
    }
    pages.freeze()
}

/// One direction of a session.
#[derive(Debug, Default)]
pub(super) struct Packing {
    /// Bytes a second. A burst may pass any number of bottlenecks, and looks fast: what is slow counts at once, what is
    /// fast bit by bit.
    rate: Option<u64>,
    /// Frames with pages that still go as they are.
    skip: u32,
    /// As many do after the next that does not shrink.
    next_skip: u32,
}

impl Packing {
    /// The frame as it is to be sent on a link of as many bytes a second, if that is known.
    pub(super) fn pack(&mut self, frame: OutFrame, rate: impl FnOnce() -> Option<u64>) -> OutFrame {
        if !frame.has_pages() {
            return frame;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return frame;
        }
        if let Some(now) = rate() {
            self.rate = Some(self.rate.map_or(now, |was| now.min(was + was / 8)));
        }
        if self.rate.is_none_or(|rate| rate > SLOW) {
            return frame;
        }
        match frame.packed() {
            Some(packed) => {
                self.next_skip = 0;
                packed
            }
            None => {
                self.next_skip = (self.next_skip * 2).clamp(1, MOST_SKIPPED);
                self.skip = self.next_skip;
                frame
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::memory::PAGE;
    use crate::wire::frame::Frame;
    use crate::wire::message::{Grant, PageData};

    /// A grant of two pages with these bytes.
    fn grant(mut byte: impl FnMut() -> u8) -> OutFrame {
        let mut page = || PageData::Bytes((0..PAGE).map(|_| byte()).collect());
        let pages = [page(), PageData::Zero, page()];
        Grant::frame(7, true, false, false, pages)
    }

    fn plain() -> OutFrame {
        let mut text = b"rtx ".iter().cycle();
        grant(move || *text.next().expect("it goes on"))
    }

    /// Bytes without any pattern.
    fn noise() -> OutFrame {
        let mut x = 1u64;
        grant(move || {
            x = x
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (x >> 56) as u8
        })
    }

    fn decoded(frame: &OutFrame) -> Frame {
        Frame::decode(frame.to_bytes().slice(4..)).expect("a frame")
    }

    #[test]
    fn what_is_packed_comes_back_as_it_was() {
        let mut packing = Packing::default();
        let packed = packing.pack(plain(), || Some(12_000_000));
        assert!(packed.len() < plain().len() / 8, "{}", packed.len());
        assert!(decoded(&packed) == decoded(&plain()));
    }

    #[test]
    fn numbers_are_packed_by_columns() {
        let mut number = 0u64;
        let mut bytes = (0..).flat_map(move |_| {
            number = (number * 25_173 + 13_849) % 65_536;
            (number as f64).to_le_bytes()
        });
        let frame = grant(|| bytes.next().expect("it goes on"));
        let packed = Packing::default().pack(frame.clone(), || Some(12_000_000));
        assert!(packed.len() < frame.len() / 2, "{}", packed.len());
        assert!(decoded(&packed) == decoded(&frame));
    }

    #[test]
    fn fast_links_and_unknown_ones_get_it_as_it_is() {
        for rate in [None, Some(120_000_000)] {
            let sent = Packing::default().pack(plain(), || rate);
            assert!(sent.to_bytes() == plain().to_bytes());
        }
        let bare = OutFrame::from(crate::wire::message::Thaw {});
        let sent = Packing::default().pack(bare, || panic!("nobody asks"));
        assert!(!sent.has_pages());
    }

    #[test]
    fn a_burst_makes_no_fast_link() {
        let mut packing = Packing::default();
        let mut packs = |rate| packing.pack(plain(), || Some(rate)).len() < plain().len();
        let bursts = (0..20).filter(|_| packs(200_000_000)).count();
        assert_eq!(bursts, 0);
        assert!(packs(12_000_000) && packs(200_000_000));
        let bursts = (0..20).filter(|_| packs(200_000_000)).count();
        assert!((5..20).contains(&bursts), "{bursts}");
    }

    #[test]
    fn what_does_not_shrink_is_tried_less_and_less_often() {
        let mut packing = Packing::default();
        let mut tries = Vec::new();
        for at in 0..200 {
            let sent = packing.pack(noise(), || {
                tries.push(at);
                Some(12_000_000)
            });
            assert!(sent.to_bytes() == noise().to_bytes());
        }
        assert_eq!(tries, [0, 2, 5, 10, 19, 36, 69, 134, 199]);
        // One that shrinks is packed at its turn, and the next ones too.
        let turns = (0..MOST_SKIPPED + 3).filter(|_| {
            let sent: Bytes = packing.pack(plain(), || Some(12_000_000)).to_bytes();
            sent.len() < plain().len()
        });
        assert_eq!(turns.count(), 3);
    }
}
