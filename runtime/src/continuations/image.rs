//! One file of a program of `rtx-cc`: what it is, and the bytes of its ranges that are a node's own.

use std::ops::Range;

use bytes::Bytes;
use object::LittleEndian;
use object::elf::{PF_R, PF_W, PF_X, PT_LOAD};
use object::read::elf::{ElfFile64, ProgramHeader};

use super::note::{NAME, Note, NoteError, TYPE};
use crate::coherence::PAGE_SIZE;
use crate::node::Content;

const SIZE: u64 = PAGE_SIZE as u64;

/// Why a file cannot be one of a pair.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Not an ELF file, or a damaged one.
    #[error("it is damaged: {0}")]
    Elf(#[from] object::read::Error),
    /// See [`NoteError`].
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// A range of whole pages that a file fills, and that is not shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its addresses.
    pub range: Range<u64>,
    /// PROT_READ 1, PROT_WRITE 2, PROT_EXEC 4.
    pub prot: u32,
}

/// A segment's bytes in the file.
#[derive(Clone, Debug)]
struct Filled {
    address: u64,
    bytes: Range<usize>,
}

/// One file of a program.
#[derive(Clone, Debug)]
pub struct Image {
    /// What it says of itself.
    pub note: Note,
    file: Bytes,
    filled: Vec<Filled>,
    own: Vec<Part>,
}

impl Image {
    /// Reads a file. `None`: it is not of `rtx-cc`.
    pub fn parse(file: Bytes) -> Result<Option<Image>, ImageError> {
        let elf = ElfFile64::<LittleEndian>::parse(&*file)?;
        let (endian, headers) = (elf.endian(), elf.elf_program_headers());
        let mut note = None;
        for header in headers {
            let Some(mut notes) = header.notes(endian, &*file)? else {
                continue;
            };
            while let Some(found) = notes.next()? {
                if found.name() == NAME && found.n_type(endian).0 == TYPE {
                    note = Some(Note::parse(found.desc())?);
                }
            }
        }
        let Some(note) = note else {
            return Ok(None);
        };
        let mut filled = Vec::new();
        let mut own = Vec::new();
        for header in headers.iter().filter(|h| h.p_type(endian) == PT_LOAD) {
            let (address, size) = (header.p_vaddr(endian), header.p_memsz(endian));
            let (offset, in_file) = header.file_range(endian);
            let damaged = || ImageError::Note(NoteError::Damaged);
            let end = address
                .checked_add(size)
                .and_then(|e| e.checked_next_multiple_of(SIZE));
            let range = address / SIZE * SIZE..end.ok_or_else(damaged)?;
            if range.is_empty() || note.data.start <= range.start && range.end <= note.data.end {
                continue;
            }
            if range.start < note.data.end && note.data.start < range.end {
                return Err(damaged());
            }
            let bytes = offset as usize..offset.checked_add(in_file).ok_or_else(damaged)? as usize;
            if bytes.end > file.len() {
                return Err(damaged());
            }
            filled.push(Filled { address, bytes });
            own.push(Part {
                range,
                prot: protection(header.p_flags(endian).0),
            });
        }
        drop(elf);
        Ok(Some(Image {
            note,
            file,
            filled,
            own,
        }))
    }

    /// What is the node's own, ascending.
    pub fn own(&self) -> &[Part] {
        &self.own
    }

    /// The part of which `address` is.
    pub fn part(&self, address: u64) -> Option<&Part> {
        self.own.iter().find(|part| part.range.contains(&address))
    }

    /// Whether something in the range is the node's own.
    pub fn touches(&self, range: &Range<u64>) -> bool {
        let meets = |part: &Part| part.range.start < range.end && range.start < part.range.end;
        self.own.iter().any(meets)
    }

    /// The page at `address` as the file has it; `None`: it is not the node's own.
    pub fn page(&self, address: u64) -> Option<Content> {
        self.part(address)?;
        let start = address / SIZE * SIZE;
        let mut page = vec![0; PAGE_SIZE];
        for filled in &self.filled {
            let end = filled.address + filled.bytes.len() as u64;
            let (from, to) = (filled.address.max(start), end.min(start + SIZE));
            if from < to {
                let at = filled.bytes.start + (from - filled.address) as usize;
                let bytes = &self.file[at..at + (to - from) as usize];
                page[(from - start) as usize..(to - start) as usize].copy_from_slice(bytes);
            }
        }
        Some(Content::of(page.into()))
    }
}

fn protection(flags: u32) -> u32 {
    let bit = |flag: u32, prot: u32| if flags & flag != 0 { prot } else { 0 };
    bit(PF_R.0, 1) | bit(PF_W.0, 2) | bit(PF_X.0, 4)
}
