//! The note by which the runtime recognises programs of rtx-cc (docs/continuations.md).

use crate::pass::Isa;
use crate::pass::targets::ABI_VERSION;

/// What the note says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The version of the ABI.
    pub abi: u32,
    /// The instruction set of this file.
    pub isa: Isa,
    /// The same in all files of one program, and in no others.
    pub build: [u8; 32],
    /// Bytes from struct pthread to the thread pointer.
    pub thread_pointer: i64,
    /// Addresses, in this order: the polled word, the requests, where threads are resumed, begin and end of
    /// the shared data, begin and end of the code that both files have.
    pub addresses: [u64; 7],
}

/// Why a note cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NoteError {
    /// There is none.
    #[error("the file has no note of rtx-cc: it was built by another compiler")]
    Missing,
    /// It is damaged.
    #[error("the note of rtx-cc is damaged")]
    Damaged,
    /// It is of another version.
    #[error("the file has version {0} of the ABI, this is version {ABI_VERSION}; build it again")]
    Version(u32),
}

impl Note {
    /// Reads the content of the section `.note.rtx`.
    ///
    /// # Errors
    /// When it is not what this version writes.
    pub fn parse(bytes: &[u8]) -> Result<Note, NoteError> {
        let word = |at: usize| {
            bytes
                .get(at..at + 4)
                .and_then(|b| b.try_into().ok())
                .map(u32::from_le_bytes)
        };
        let long = |at: usize| {
            bytes
                .get(at..at + 8)
                .and_then(|b| b.try_into().ok())
                .map(u64::from_le_bytes)
        };
        let damaged = NoteError::Damaged;
        if word(0) != Some(4) || bytes.get(12..16) != Some(b"rtx\0") || word(8) != Some(1) {
            return Err(damaged);
        }
        let abi = word(16).ok_or(NoteError::Damaged)?;
        if abi != ABI_VERSION {
            return Err(NoteError::Version(abi));
        }
        let isa = match word(20) {
            Some(0) => Isa::X86_64,
            Some(1) => Isa::Aarch64,
            _ => return Err(damaged),
        };
        let build = bytes
            .get(24..56)
            .and_then(|b| b.try_into().ok())
            .ok_or(NoteError::Damaged)?;
        let thread_pointer = long(56).ok_or(NoteError::Damaged)? as i64;
        let mut addresses = [0; 7];
        for (number, address) in addresses.iter_mut().enumerate() {
            *address = long(64 + 8 * number).ok_or(NoteError::Damaged)?;
        }
        Ok(Note {
            abi,
            isa,
            build,
            thread_pointer,
            addresses,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes() -> Vec<u8> {
        let mut b = Vec::new();
        for word in [4u32, 104, 1] {
            b.extend(word.to_le_bytes());
        }
        b.extend(b"rtx\0");
        b.extend(ABI_VERSION.to_le_bytes());
        b.extend(1u32.to_le_bytes());
        b.extend([7u8; 32]);
        b.extend(0u64.to_le_bytes());
        for n in 1..=7u64 {
            b.extend(n.to_le_bytes());
        }
        b
    }

    #[test]
    fn the_note_is_read_field_by_field() {
        let note = Note::parse(&bytes()).unwrap();
        assert_eq!(
            (note.isa, note.build, note.addresses),
            (Isa::Aarch64, [7; 32], [1, 2, 3, 4, 5, 6, 7])
        );
    }

    #[test]
    fn a_short_or_newer_note_is_refused() {
        assert_eq!(Note::parse(&bytes()[..100]), Err(NoteError::Damaged));
        let mut newer = bytes();
        newer[16] = 9;
        assert_eq!(Note::parse(&newer), Err(NoteError::Version(9)));
    }
}
