//! One file of a program of `rtx-cc`: what it is, and the bytes of its ranges that are a node's own.

use std::ops::Range;

use bytes::Bytes;
use object::LittleEndian;
use object::elf::FileHeader64;
use object::elf::{EM_AARCH64, EM_X86_64, ET_EXEC, PF_R, PF_W, PF_X, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use rtx_origin::note::{self, Note, NoteError};

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
    /// The file.
    pub fn file(&self) -> &Bytes {
        &self.file
    }

    /// Reads a file. `None`: it is not of `rtx-cc`.
    pub fn parse(file: Bytes) -> Result<Option<Image>, ImageError> {
        let Some(description) = note::find(&*file)? else {
            return Ok(None);
        };
        let note = Note::parse(description)?;
        let header = FileHeader64::<LittleEndian>::parse(&*file)?;
        let endian = header.endian()?;
        let headers = header.program_headers(endian, &*file)?;
        let damaged = || ImageError::Note(NoteError::Damaged);
        let machine = match note.isa {
            "x86_64" => EM_X86_64,
            _ => EM_AARCH64,
        };
        if header.e_machine(endian) != machine || header.e_type(endian) != ET_EXEC {
            return Err(damaged());
        }
        let mut filled = Vec::new();
        let mut own: Vec<Part> = Vec::new();
        for header in headers.iter().filter(|h| h.p_type(endian) == PT_LOAD) {
            let (address, size) = (header.p_vaddr(endian), header.p_memsz(endian));
            let (offset, in_file) = header.file_range(endian);
            let end = address
                .checked_add(size)
                .and_then(|e| e.checked_next_multiple_of(SIZE));
            let range = address / SIZE * SIZE..end.ok_or_else(damaged)?;
            if range.is_empty() || note.data.start <= range.start && range.end <= note.data.end {
                continue;
            }
            let shared = range.start < note.data.end && note.data.start < range.end;
            let met = own.last().is_some_and(|part| range.start < part.range.end);
            if shared || met || in_file > size {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::continuations::sample::{DATA, Sample};

    fn read(sample: &Sample) -> Image {
        Image::parse(sample.bytes().into()).unwrap().unwrap()
    }

    fn bytes(content: Option<Content>) -> Vec<u8> {
        match content.expect("it is the node's own") {
            Content::Zero => vec![0; PAGE_SIZE],
            Content::Bytes(bytes) => bytes.to_vec(),
        }
    }

    #[test]
    fn all_but_the_shared_data_is_a_nodes_own() {
        let image = read(&Sample::new("x86_64", 1));
        let own = image.own();
        let ranges: Vec<_> = own
            .iter()
            .map(|part| (part.range.clone(), part.prot))
            .collect();
        assert_eq!(
            ranges,
            [
                (0x40_0000..0x40_1000, 1),
                (0x41_0000..0x41_2000, 1 | 4),
                (0x43_0000..0x43_3000, 1 | 2),
            ]
        );
        assert_eq!(image.part(0x41_1fff), Some(&own[1]));
        for address in [0x40_1000, 0x41_2000, DATA.start, DATA.end - 1, 0x43_3000] {
            assert_eq!(image.part(address), None, "{address:#x}");
            assert_eq!(image.page(address), None, "{address:#x}");
        }
        assert!(image.touches(&(0x41_1000..0x50_0000)) && image.touches(&(0..0x40_0001)));
        assert!(!image.touches(&(0x41_2000..0x43_0000)) && !image.touches(&DATA));
    }

    #[test]
    fn pages_are_as_the_kernel_would_load_them() {
        let sample = Sample::new("aarch64", 1);
        let image = read(&sample);
        // Code: a page and a bit, then zeros.
        let code = sample.segment(0x41_0000);
        assert_eq!(bytes(image.page(0x41_0000)), code[..PAGE_SIZE]);
        assert_eq!(bytes(image.page(0x41_0fff)), code[..PAGE_SIZE]);
        let second = bytes(image.page(0x41_1000));
        let rest = code.len() - PAGE_SIZE;
        assert_eq!(second[..rest], code[PAGE_SIZE..]);
        assert!(second[rest..].iter().all(|byte| *byte == 0));
        // Data that does not begin with a page, and is longer in memory than in the file.
        let data = sample.segment(0x43_0010);
        let first = bytes(image.page(0x43_0000));
        assert_eq!(first[..0x10], [0; 0x10]);
        assert_eq!(first[0x10..0x10 + data.len()], *data);
        assert!(first[0x10 + data.len()..].iter().all(|byte| *byte == 0));
        assert_eq!(image.page(0x43_1000), Some(Content::Zero));
    }

    #[test]
    fn other_compilers_files_are_none() {
        let mut sample = Sample::new("x86_64", 1);
        sample.note = None;
        assert!(Image::parse(sample.bytes().into()).unwrap().is_none());
        let mut sample = Sample::new("x86_64", 1);
        sample.note_name = *b"GNU\0";
        assert!(Image::parse(sample.bytes().into()).unwrap().is_none());
    }

    #[test]
    fn files_that_contradict_themselves_are_refused() {
        let refused = |change: &dyn Fn(&mut Sample), expected: &str| {
            let mut sample = Sample::new("x86_64", 1);
            change(&mut sample);
            let error = Image::parse(sample.bytes().into()).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        };
        refused(&|s| s.machine = EM_AARCH64.0, "damaged");
        refused(&|s| s.kind = 3, "damaged"); // a static PIE has no addresses
        refused(&|s| s.note.as_mut().unwrap()[0] = 2, "version 2");
        refused(&|s| s.note.as_mut().unwrap().truncate(50), "damaged");
        // A part of the shared data, of another segment, or larger in the file than in memory.
        refused(&|s| s.segments[1].memory = 0x10_001, "damaged");
        refused(&|s| s.segments[0].memory = 0x10_001, "damaged");
        refused(&|s| s.segments[1].memory = 1, "damaged");
        refused(&|s| s.segments[3].memory = u64::MAX, "damaged");
    }

    #[test]
    fn every_cut_and_every_wrong_byte_is_survived() {
        let whole = Sample::new("x86_64", 1).bytes();
        for end in (0..1024).chain((1024..whole.len()).step_by(97)) {
            let _ = Image::parse(Bytes::copy_from_slice(&whole[..end]));
        }
        for at in 0..1024 {
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                let mut wrong = whole.clone();
                wrong[at] = byte;
                survive(wrong);
            }
        }
    }

    /// Reads whatever it is, and every page of it that it says to have near its parts' ends.
    fn survive(file: Vec<u8>) {
        let Ok(Some(image)) = Image::parse(file.into()) else {
            return;
        };
        for part in image.own() {
            for address in [part.range.start, part.range.end - 1] {
                assert!(image.page(address).is_some());
            }
            image.page(part.range.end);
        }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes: Vec<u8>) {
            survive(bytes);
        }

        #[test]
        fn garbled_files_never_panic(changes in prop::collection::vec((0..1024usize, any::<u8>()), 1..20)) {
            let mut file = Sample::new("aarch64", 3).bytes();
            for (at, byte) in changes {
                file[at] = byte;
            }
            survive(file);
        }
    }
}
