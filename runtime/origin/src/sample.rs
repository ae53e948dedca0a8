//! ELF files and notes, made byte by byte for tests.

use crate::note::{ABI, NAME, TYPE};

/// A note's description.
pub fn description(isa: u32, build: u8) -> Vec<u8> {
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

/// A note that has this description.
pub fn note(description: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in [NAME.len() as u32 + 1, description.len() as u32, TYPE] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(NAME);
    bytes.push(0);
    bytes.extend(description);
    bytes
}

/// A file with one program header, a note if there are bytes for one, and with sections and symbols of
/// these names.
pub fn elf(note: &[u8], sections: &[&str], symbols: &[&str]) -> Vec<u8> {
    let (mut section_names, mut symbol_names) = (vec![0], vec![0]);
    let named = |names: &mut Vec<u8>, name: &str| {
        let at = names.len() as u32;
        names.extend(name.as_bytes());
        names.push(0);
        at
    };
    let mut table = vec![0; 24];
    for symbol in symbols {
        table.extend(named(&mut symbol_names, symbol).to_le_bytes());
        table.extend([0x10, 0, 1, 0]);
        table.extend([0; 16]);
    }
    // The kinds: no bits, string table, symbol table.
    let mut headers = vec![[0u8; 64]];
    let mut header = |name: u32, kind: u32, at: usize, length: usize, link: u32| {
        let mut bytes = Vec::new();
        bytes.extend([name.to_le_bytes(), kind.to_le_bytes()].concat());
        for value in [0u64, 0, at as u64, length as u64] {
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend([link.to_le_bytes(), 0u32.to_le_bytes()].concat());
        for value in [8u64, if kind == 2 { 24 } else { 0 }] {
            bytes.extend(value.to_le_bytes());
        }
        headers.push(bytes.try_into().expect("64 bytes"));
    };
    let names: Vec<u32> = [".shstrtab", ".strtab", ".symtab"]
        .iter()
        .chain(sections)
        .map(|name| named(&mut section_names, name))
        .collect();
    let mut content = note.to_vec();
    content.resize(content.len().next_multiple_of(8), 0);
    let mut add = |bytes: &[u8]| {
        let at = 64 + 56 + content.len();
        content.extend(bytes);
        content.resize(content.len().next_multiple_of(8), 0);
        at
    };
    let (at, length) = (add(&section_names), section_names.len());
    header(names[0], 3, at, length, 0);
    let (at, length) = (add(&symbol_names), symbol_names.len());
    header(names[1], 3, at, length, 0);
    header(names[2], 2, add(&table), table.len(), 2);
    for name in &names[3..] {
        header(*name, 8, 0, 0, 0);
    }
    let sections_at = (64 + 56 + content.len()) as u64;
    let mut out = b"\x7fELF\x02\x01\x01".to_vec();
    out.resize(16, 0);
    for value in [2u16, 62] {
        out.extend(value.to_le_bytes());
    }
    out.extend(1u32.to_le_bytes());
    for value in [0x40_0000, 64, sections_at] {
        out.extend(value.to_le_bytes());
    }
    out.extend(0u32.to_le_bytes());
    for value in [64, 56, 1, 64, headers.len() as u16, 1] {
        out.extend(value.to_le_bytes());
    }
    let kind: u32 = if note.is_empty() { 1 } else { 4 };
    out.extend([kind.to_le_bytes(), 4u32.to_le_bytes()].concat());
    let length = note.len() as u64;
    for value in [120, 0, 0, length, length, 4] {
        out.extend(value.to_le_bytes());
    }
    out.extend(content);
    out.extend(headers.concat());
    out
}
