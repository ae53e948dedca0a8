//! The note by which programs of `rtx-cc` are recognised (docs/continuations.md, "The note").

use std::ops::Range;

use object::read::elf::{FileHeader, ProgramHeader};
use object::read::{ReadRef, Result};

use super::Header;

/// The version of the ABI that this version knows and writes.
pub const ABI: u32 = 1;
/// The note's name and type.
pub const NAME: &[u8] = b"rtx";
/// See [`NAME`].
pub const TYPE: u32 = 1;
/// The section in which it stands.
pub const SECTION: &str = ".note.rtx";
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
    /// The code that all files of the program have.
    pub code: Range<u64>,
}

/// Why a note cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It is shorter than a note is, or contradicts itself.
    #[error("its note of rtx-cc is damaged; build it again")]
    Damaged,
    /// It is of another version.
    #[error(
        "it was built for version {0} of the continuations, this is version {ABI}; build it with this version's rtx-cc"
    )]
    Version(u32),
}

/// The description of a file's note, looked for where the kernel would: in its segments. `None`: there is
/// none. Notes that make no sense are not of `rtx-cc`.
///
/// # Errors
/// When it is not an ELF file of 64 bits, little-endian, or its program headers are not there.
pub fn find<'data, R: ReadRef<'data>>(file: R) -> Result<Option<&'data [u8]>> {
    let header = Header::parse(file)?;
    let endian = header.endian()?;
    for segment in header.program_headers(endian, file)? {
        let Ok(Some(mut notes)) = segment.notes(endian, file) else {
            continue;
        };
        while let Ok(Some(found)) = notes.next() {
            if found.name() == NAME && found.n_type(endian).0 == TYPE {
                return Ok(Some(found.desc()));
            }
        }
    }
    Ok(None)
}

impl Note {
    /// Reads a note's description.
    ///
    /// # Errors
    /// When it is damaged, or not of this version.
    pub fn parse(bytes: &[u8]) -> std::result::Result<Note, NoteError> {
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
        let (data, code) = (long(72)..long(80), long(88)..long(96));
        if data.start > data.end || code.start > code.end {
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
            code,
        })
    }
}
