//! The note by which programs of `rtx-cc` are recognised (docs/continuations.md, "The note").

use std::ops::Range;

/// The version of the ABI that this runtime knows.
pub const ABI: u32 = 1;
/// The note's name and type.
pub const NAME: &[u8] = b"rtx";
/// See [`NAME`].
pub const TYPE: u32 = 1;
const BYTES: usize = 104;

/// What a file says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its instruction set, as `std::env::consts::ARCH`.
    pub isa: &'static str,
    /// The same in all files of one program, and in no others.
    pub build: [u8; 32],
    /// Bytes from struct pthread to the thread pointer.
    pub thread_pointer: i64,
    /// Address of the word that is polled.
    pub indicator: u64,
    /// Address of the table of threads that are asked to leave.
    pub requests: u64,
    /// Where threads take up their continuation.
    pub resume: u64,
    /// The data that all nodes share.
    pub data: Range<u64>,
}

/// Why a note cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("its note of rtx-cc is damaged; build it again")]
    Damaged,
    #[error(
        "it was built for version {0} of the continuations, this is version {ABI}; build it with this version's rtx-cc"
    )]
    Version(u32),
}

impl Note {
    /// Reads a note's description.
    pub fn parse(bytes: &[u8]) -> Result<Note, NoteError> {
        let word = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        let long = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        if bytes.len() < 4 {
            return Err(NoteError::Damaged);
        }
        if word(0) != ABI {
            return Err(NoteError::Version(word(0)));
        }
        if bytes.len() < BYTES {
            return Err(NoteError::Damaged);
        }
        let isa = match word(4) {
            0 => "x86_64",
            1 => "aarch64",
            _ => return Err(NoteError::Damaged),
        };
        let data = long(72)..long(80);
        if data.start > data.end {
            return Err(NoteError::Damaged);
        }
        Ok(Note {
            isa,
            build: std::array::from_fn(|i| bytes[8 + i]),
            thread_pointer: long(40) as i64,
            indicator: long(48),
            requests: long(56),
            resume: long(64),
            data,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A note's description.
    pub fn sample(isa: u32, build: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(ABI.to_le_bytes());
        bytes.extend(isa.to_le_bytes());
        bytes.extend([build; 32]);
        for long in [
            0u64, 0x43_0000, 0x43_0008, 0x41_0010, 0x42_0000, 0x43_0000, 0x41_0000, 0x41_1000,
        ] {
            bytes.extend(long.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn a_note_says_what_the_page_on_continuations_lists() {
        let note = Note::parse(&sample(1, 7)).unwrap();
        assert_eq!((note.isa, note.build), ("aarch64", [7; 32]));
        assert_eq!(
            (note.indicator, note.requests, note.resume),
            (0x43_0000, 0x43_0008, 0x41_0010)
        );
        assert_eq!(note.data, 0x42_0000..0x43_0000);
    }

    #[test]
    fn other_versions_and_parts_of_notes_are_refused() {
        let good = sample(0, 1);
        for end in 0..good.len() {
            assert!(Note::parse(&good[..end]).is_err());
        }
        let mut other = good.clone();
        other[0] = 2;
        assert_eq!(Note::parse(&other), Err(NoteError::Version(2)));
        assert_eq!(Note::parse(&sample(7, 1)), Err(NoteError::Damaged));
    }
}
