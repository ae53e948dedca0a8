//! Files made byte by byte, and what is said about them.

use super::*;
use std::fs;
use std::path::PathBuf;

/// Program headers of 56 bytes each follow the header; the content follows them.
struct Elf {
    class: elf::FileClass,
    machine: elf::Machine,
    kind: elf::FileType,
    entry: u64,
    /// (type, content) of each segment.
    segments: Vec<(elf::ProgramType, Vec<u8>)>,
}

impl Elf {
    fn program() -> Self {
        Self {
            class: elf::ELFCLASS64,
            machine: MACHINE,
            kind: elf::ET_EXEC,
            entry: 0x40_0000,
            segments: vec![(elf::PT_LOAD, vec![0x90; 32])],
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = vec![
            0x7f,
            b'E',
            b'L',
            b'F',
            self.class.0,
            elf::ELFDATA2LSB.0,
            1,
            0,
        ];
        out.resize(16, 0);
        out.extend(self.kind.0.to_le_bytes());
        out.extend(self.machine.0.to_le_bytes());
        out.extend(1u32.to_le_bytes());
        out.extend(self.entry.to_le_bytes());
        out.extend(64u64.to_le_bytes());
        out.extend(0u64.to_le_bytes());
        out.extend(0u32.to_le_bytes());
        let count = self.segments.len() as u16;
        for value in [64, 56, count, 64, 0, 0] {
            out.extend(value.to_le_bytes());
        }
        assert_eq!(out.len(), HEADER);
        let mut offset = (HEADER + 56 * self.segments.len()) as u64;
        for (kind, content) in &self.segments {
            let size = content.len() as u64;
            out.extend(kind.0.to_le_bytes());
            out.extend(5u32.to_le_bytes());
            for value in [offset, 0x40_0000, 0x40_0000, size, size, 8] {
                out.extend(value.to_le_bytes());
            }
            offset += size;
        }
        let contents = self.segments.iter().flat_map(|(_, content)| content);
        out.extend(contents);
        out
    }
}

fn file(test: &str, bytes: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("rtx-elf-{}-{test}", std::process::id()));
    fs::write(&path, bytes).expect("written");
    path
}

fn why(test: &str, bytes: &[u8]) -> String {
    let path = file(test, bytes);
    let result = check(&path);
    fs::remove_file(&path).expect("removed");
    result.map_or_else(|error| error.why.to_string(), |()| "fine".to_owned())
}

fn dynamic_entries(entries: &[(u64, u64)]) -> Vec<u8> {
    let flat = entries.iter().flat_map(|(tag, value)| [*tag, *value]);
    flat.flat_map(u64::to_le_bytes).collect()
}

#[test]
fn a_static_program_is_fine() {
    assert_eq!(why("static", &Elf::program().bytes()), "fine");
}

#[test]
fn a_static_pie_program_is_fine() {
    let mut pie = Elf::program();
    pie.kind = elf::ET_DYN;
    let flags = dynamic_entries(&[(elf::DT_FLAGS_1.0 as u64, 0x0800_0000), (0, 0)]);
    pie.segments.push((elf::PT_DYNAMIC, flags));
    assert_eq!(why("pie", &pie.bytes()), "fine");
}

#[test]
fn a_dynamic_program_is_told_by_its_linker() {
    let mut dynamic = Elf::program();
    let linker = b"/lib/ld-linux.so.2\0".to_vec();
    dynamic.segments.insert(0, (elf::PT_INTERP, linker));
    let expected = "it is dynamically linked (by /lib/ld-linux.so.2)";
    assert_eq!(why("dynamic", &dynamic.bytes()), expected);
}

#[test]
fn libraries_objects_and_dumps_are_not_programs() {
    let mut library = Elf::program();
    library.kind = elf::ET_DYN;
    let needed = dynamic_entries(&[(elf::DT_NEEDED.0 as u64, 1), (0, 0)]);
    library.segments.push((elf::PT_DYNAMIC, needed));
    assert_eq!(
        why("needs", &library.bytes()),
        "it is a shared library, not a program"
    );
    library.segments.pop();
    library.entry = 0;
    assert_eq!(
        why("entry", &library.bytes()),
        "it is a shared library, not a program"
    );
    for (kind, expected) in [
        (elf::ET_REL, "it is an object file, not a program"),
        (elf::ET_CORE, "it is a core dump, not a program"),
        (elf::FileType(77), "its ELF file is damaged: its type is 77"),
    ] {
        let elf = Elf {
            kind,
            ..Elf::program()
        };
        assert_eq!(why("kind", &elf.bytes()), expected);
    }
}

#[test]
fn other_machines_are_named() {
    let other = match MACHINE {
        elf::EM_X86_64 => (elf::EM_AARCH64, "ARM64"),
        _ => (elf::EM_X86_64, "x86-64"),
    };
    for (machine, name) in [
        other,
        (elf::EM_RISCV, "RISC-V"),
        (elf::Machine(9999), "machine type 9999"),
    ] {
        let elf = Elf {
            machine,
            ..Elf::program()
        };
        let expected = format!("it is built for {name}, and this machine is {HERE}");
        assert_eq!(why("machine", &elf.bytes()), expected);
    }
}

#[test]
fn thirty_two_bit_programs_are_told() {
    let elf = Elf {
        class: elf::ELFCLASS32,
        machine: elf::EM_386,
        ..Elf::program()
    };
    assert_eq!(why("bits", &elf.bytes()), "it is a 32-bit program (i386)");
}

#[test]
fn what_is_no_elf_is_told() {
    for (text, expected) in [
        (&b""[..], "it is empty"),
        (b"hello\n", "it is not an ELF program"),
        (b"#!/bin/sh -e\necho\n", "it is a script for /bin/sh -e"),
        (b"#!", "it is a script for "),
    ] {
        assert_eq!(why("text", text), expected);
    }
}

#[test]
fn every_cut_of_a_program_is_damaged() {
    let whole = Elf::program().bytes();
    for length in 4..whole.len() {
        let why = why("cut", &whole[..length]);
        assert!(
            why.starts_with("its ELF file is damaged: "),
            "{length}: {why}"
        );
    }
}

#[test]
fn no_single_wrong_byte_is_a_panic() {
    let mut pie = Elf::program();
    pie.kind = elf::ET_DYN;
    pie.segments.push((elf::PT_INTERP, b"/lib/ld\0".to_vec()));
    pie.segments
        .push((elf::PT_DYNAMIC, dynamic_entries(&[(0, 0)])));
    let whole = pie.bytes();
    for index in 0..whole.len() {
        for value in [0, 0x7f, 0xff] {
            let mut bytes = whole.clone();
            bytes[index] = value;
            why("wrong", &bytes);
        }
    }
}

#[test]
fn a_program_with_nothing_to_load_is_damaged() {
    let mut elf = Elf::program();
    elf.segments[0].0 = elf::PT_NOTE;
    let expected = "its ELF file is damaged: it has no segment to load";
    assert_eq!(why("note", &elf.bytes()), expected);
}

#[test]
fn set_id_bits_are_refused() {
    for (mode, expected) in [
        (0o4755, "set-user-ID"),
        (0o6755, "set-user-ID"),
        (0o2755, "set-group-ID"),
    ] {
        let path = file(&format!("mode{mode}"), &Elf::program().bytes());
        fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("mode set");
        let result = check(&path);
        fs::remove_file(&path).expect("removed");
        let why = result.expect_err("refused").why.to_string();
        assert!(
            why.starts_with(&format!("it is a {expected} file")),
            "{why}"
        );
    }
}
