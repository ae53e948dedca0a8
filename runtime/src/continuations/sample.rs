//! Files of rtx-cc, made byte by byte for tests.

use std::ops::Range;

use rtx_origin::note::{ABI, NAME, TYPE};

/// The shared data of a sample.
pub const DATA: Range<u64> = 0x42_0000..0x43_0000;
/// Where the first segment's content stands in the file; each further one has its own pages.
const CONTENT: usize = 0x1000;

/// A note's description.
fn description(isa: u32, build: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(ABI.to_le_bytes());
    bytes.extend(isa.to_le_bytes());
    bytes.extend([build; 32]);
    for long in [
        0u64, 0x43_0000, 0x43_0008, 0x41_0010, DATA.start, DATA.end, 0x41_0000, 0x41_1000,
    ] {
        bytes.extend(long.to_le_bytes());
    }
    bytes
}

/// One segment.
pub struct Segment {
    pub flags: u32,
    pub address: u64,
    pub content: Vec<u8>,
    pub memory: u64,
}

/// A file: headers and a note, then constants, code, shared data, and data of the node's own.
pub struct Sample {
    pub machine: u16,
    pub kind: u16,
    pub note: Option<Vec<u8>>,
    pub note_name: [u8; 4],
    pub segments: Vec<Segment>,
}

impl Sample {
    pub fn new(isa: &str, build: u8) -> Sample {
        let (machine, number) = match isa {
            "x86_64" => (62, 0),
            _ => (183, 1),
        };
        let segment = |flags, address, length: usize, memory| Segment {
            flags,
            address,
            content: (0..length)
                .map(|i| (i % 251) as u8 + machine as u8 % 4 + 1)
                .collect(),
            memory,
        };
        let (read, write, execute) = (4, 2, 1);
        let mut note_name = [0; 4];
        note_name[..NAME.len()].copy_from_slice(NAME);
        Sample {
            machine,
            kind: 2,
            note: Some(description(number, build)),
            note_name,
            segments: vec![
                segment(read, 0x40_0000, 0x80, 0x80),
                segment(read | execute, 0x41_0000, 0x1234, 0x1234),
                segment(read | write, DATA.start, 0x100, DATA.end - DATA.start),
                segment(read | write, 0x43_0010, 0x200, 0x2100),
            ],
        }
    }

    /// The content of the segment at this address.
    pub fn segment(&self, address: u64) -> &[u8] {
        let mut found = self.segments.iter().filter(|s| s.address == address);
        &found.next().expect("a segment is there").content
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut note = Vec::new();
        if let Some(description) = &self.note {
            for word in [4, description.len() as u32, TYPE] {
                note.extend(word.to_le_bytes());
            }
            note.extend(self.note_name);
            note.extend(description);
        }
        let count = self.segments.len() + 1;
        let mut out = b"\x7fELF\x02\x01\x01".to_vec();
        out.resize(16, 0);
        out.extend(self.kind.to_le_bytes());
        out.extend(self.machine.to_le_bytes());
        out.extend(1u32.to_le_bytes());
        for value in [0x41_0000u64, 64, 0] {
            out.extend(value.to_le_bytes());
        }
        out.extend(0u32.to_le_bytes());
        for value in [64, 56, count as u16, 64, 0, 0] {
            out.extend(value.to_le_bytes());
        }
        let note_at = (64 + 56 * count) as u64;
        let mut header = |kind: u32, flags: u32, values: [u64; 6]| {
            out.extend(kind.to_le_bytes());
            out.extend(flags.to_le_bytes());
            out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        };
        let (load, note_kind, length) = (1, 4, note.len() as u64);
        header(note_kind, 4, [note_at, 0, 0, length, length, 4]);
        let mut offset = CONTENT;
        for segment in &self.segments {
            let (address, at) = (segment.address, offset as u64 + segment.address % 0x1000);
            let size = segment.content.len() as u64;
            header(
                load,
                segment.flags,
                [at, address, address, size, segment.memory, 0x1000],
            );
            offset += 0x1000 * (2 + segment.content.len() / 0x1000);
        }
        out.extend(note);
        assert!(out.len() <= CONTENT);
        let mut offset = CONTENT;
        for segment in &self.segments {
            out.resize(offset + (segment.address % 0x1000) as usize, 0xee);
            out.extend(&segment.content);
            offset += 0x1000 * (2 + segment.content.len() / 0x1000);
        }
        out.resize(offset, 0xee);
        out
    }
}
