//! The linker script that gives every shared section its place.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::map::Piece;

/// Where programs begin.
const BASE: u64 = 0x40_0000;
/// Segments begin at multiples of the largest page size that kernels of either set use.
const PAGE: u64 = 0x1_0000;

/// What a section holds, in the order of the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Code,
    Constant,
    Data,
    Zero,
    /// Data that each node has for itself.
    Local,
}

/// A place for a section.
#[derive(Debug, Default, Clone, Copy)]
struct Place {
    size: u64,
    alignment: u64,
}

/// The runtime: its data is the node's.
const LOCAL_OBJECTS: [&str; 3] = ["rtx.o", "rtx-selftest.o", "rtx-resume.o"];

fn is_support(file: &str) -> bool {
    file.starts_with("libgcc") || file.starts_with("crt")
}

/// Whether linkers merge what is in a section: `.rodata.cstN`, `.rodata.strN.M`. Variables may be called like the
/// beginning of these.
fn is_merged(section: &str) -> bool {
    ["cst", "str"].into_iter().any(|kind| {
        let rest = section.strip_prefix(".rodata.");
        rest.and_then(|rest| rest.strip_prefix(kind))
            .is_some_and(|end| {
                end.starts_with(|c: char| c.is_ascii_digit())
                    && end.chars().all(|c| c.is_ascii_digit() || c == '.')
            })
    })
}

fn classify(piece: &Piece) -> Option<Class> {
    let section = piece.section.as_str();
    let local = LOCAL_OBJECTS.contains(&piece.file.as_str()) || is_support(&piece.file);
    let is = |name: &str| {
        section == name
            || section
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('.'))
    };
    // What only one instruction set has (helpers, merged constants) goes to the end of each part.
    let class = if is(".text") {
        Class::Code
    } else if is(".data.rel.ro") || is(".data") {
        if local { Class::Local } else { Class::Data }
    } else if is(".rodata") {
        if is_merged(section) || section.starts_with(".rodata..L") {
            return None;
        }
        Class::Constant
    } else if is(".bss") || section == "COMMON" {
        if local { Class::Local } else { Class::Zero }
    } else {
        return None;
    };
    if matches!(class, Class::Code | Class::Constant) && is_support(&piece.file) {
        None
    } else {
        Some(class)
    }
}

/// How the script names an input section: archive members by archive and member.
fn pattern(piece: &Piece) -> String {
    match piece.file.split_once('(') {
        Some((archive, member)) => format!(
            "*{archive}:{}({})",
            member.trim_end_matches(')'),
            piece.section
        ),
        None => format!("*{}({})", piece.file, piece.section),
    }
}

/// The pieces of all programs, each with its place.
#[derive(Debug, Default)]
struct Plan {
    places: BTreeMap<(Class, String), Place>,
}

impl Plan {
    fn add(&mut self, piece: &Piece) {
        let Some(class) = classify(piece).filter(|_| piece.size > 0) else {
            return;
        };
        let place = self.places.entry((class, pattern(piece))).or_default();
        place.size = place.size.max(piece.size);
        place.alignment = place.alignment.max(piece.alignment);
    }

    /// Writes the places of a class from `at` on; returns where they end.
    fn write(&self, class: Class, mut at: u64, out: &mut String) -> u64 {
        let least = if class == Class::Code { 16 } else { 1 };
        for ((_, pattern), place) in self.places.iter().filter(|((c, _), _)| *c == class) {
            at = at.next_multiple_of(place.alignment.max(least));
            let _ = writeln!(out, "  . = {at:#x}; {pattern}");
            at += place.size;
        }
        at
    }
}

/// The linker script for programs that consist of `programs`' pieces.
pub fn write(programs: &[Vec<Piece>]) -> String {
    let mut plan = Plan::default();
    for piece in programs.iter().flatten() {
        plan.add(piece);
    }
    let total: u64 = plan.places.values().map(|p| p.size).sum();
    // Room for what only one instruction set has.
    let tail = (total / 4).next_multiple_of(PAGE).max(4 * PAGE);
    let mut out = String::from(HEAD);
    let begin = BASE + PAGE;
    let mut at = begin;
    let _ = writeln!(out, " .text {at:#x} : {{\n  __rtx_text_start = .;");
    at = plan.write(Class::Code, at, &mut out).next_multiple_of(PAGE);
    let _ = writeln!(
        out,
        "  . = {at:#x}; __rtx_text_end = .;\n  *(.init) *(.fini) *(.text .text.*) *(.iplt .plt)\n }} :text"
    );
    at += tail;
    let _ = writeln!(out, " .rodata {at:#x} : {{");
    at = plan
        .write(Class::Constant, at, &mut out)
        .next_multiple_of(PAGE);
    let _ = writeln!(out, "  . = {at:#x}; *(.rodata .rodata.*)\n }} :constants");
    out.push_str(UNWIND);
    at += 2 * tail;
    let _ = writeln!(out, " .data {at:#x} : {{\n  __rtx_data_start = .;");
    at = plan.write(Class::Data, at, &mut out);
    out.push_str(LISTS);
    let _ = writeln!(out, " }} :data");
    // The lists of constructors are data that both have; their room is that of a page.
    at = (at + 4096).next_multiple_of(4096);
    let _ = writeln!(out, " .bss {at:#x} (NOLOAD) : {{");
    at = plan.write(Class::Zero, at, &mut out).next_multiple_of(PAGE);
    let _ = writeln!(out, "  . = {at:#x}; __rtx_data_end = .;\n }} :data");
    let _ = writeln!(out, " .rtx.local {at:#x} : {{");
    plan.write(Class::Local, at, &mut out);
    out.push_str(TAIL);
    out
}

const HEAD: &str = "\
PHDRS {
 head PT_LOAD FILEHDR PHDRS FLAGS(4); note PT_NOTE FLAGS(4); text PT_LOAD FLAGS(5); constants PT_LOAD FLAGS(4);
 data PT_LOAD FLAGS(6); local PT_LOAD FLAGS(6); unwind PT_GNU_EH_FRAME FLAGS(4); stack PT_GNU_STACK FLAGS(6);
}
SECTIONS {
 . = 0x400000 + SIZEOF_HEADERS;
 .note.rtx : { KEEP(*(.note.rtx)) } :head :note
 .note.other : { *(.note.gnu.build-id) } :head :note
 /DISCARD/ : { *(.note.gnu.property) *(.rtx.bitcode .rtx.bitcode.* .rtx.info) }
";

const UNWIND: &str = "\
 .eh_frame_hdr : { *(.eh_frame_hdr) } :constants :unwind
 .eh_frame : { KEEP(*(.eh_frame)) } :constants
";

const LISTS: &str = "  . = ALIGN(16);
  __preinit_array_start = .; KEEP(*(.preinit_array)) __preinit_array_end = .;
  __init_array_start = .; KEEP(*(SORT_BY_INIT_PRIORITY(.init_array.*))) KEEP(*(.init_array)) __init_array_end = .;
  __fini_array_start = .; KEEP(*(SORT_BY_INIT_PRIORITY(.fini_array.*))) KEEP(*(.fini_array)) __fini_array_end = .;
";

const TAIL: &str = "  *(.data .data.*) *(.bss .bss.* COMMON)
 } :local
 .got : { *(.got .got.plt .igot.plt) } :local
 .rela.dyn : { *(.rela.dyn .rela.iplt .rela.plt) } :head
}
";

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(size: u64, alignment: u64, file: &str, section: &str) -> Piece {
        Piece {
            size,
            alignment,
            file: file.into(),
            section: section.into(),
        }
    }

    #[test]
    fn a_section_gets_room_for_the_larger_program() {
        let a = vec![
            piece(0x30, 16, "u.o", ".text.f"),
            piece(8, 8, "u.o", ".text.g"),
        ];
        let b = vec![
            piece(0x50, 4, "u.o", ".text.f"),
            piece(8, 4, "u.o", ".text.g"),
        ];
        let script = write(&[a, b]);
        assert!(
            script.contains("  . = 0x410000; *u.o(.text.f)\n  . = 0x410050; *u.o(.text.g)\n"),
            "{script}"
        );
    }

    #[test]
    fn variables_may_be_called_like_merged_sections() {
        for merged in [".rodata.cst16", ".rodata.str1.1", ".rodata.str1.16"] {
            assert!(is_merged(merged), "{merged}");
        }
        for own in [
            ".rodata.str",
            ".rodata.str_append.suffixes",
            ".rodata.cst",
            ".rodata.cstx",
        ] {
            assert!(!is_merged(own), "{own}");
        }
    }

    #[test]
    fn the_runtimes_data_is_local_and_helpers_have_no_place() {
        let pieces = vec![
            piece(4, 4, "rtx.o", ".bss.__rtx_indicator"),
            piece(4, 4, "libgcc.a(addtf3.o)", ".text"),
            piece(4, 4, "libc.a(exit.lo)", ".bss.lock"),
        ];
        let script = write(&[pieces]);
        let local = script.split(".rtx.local").nth(1).unwrap();
        assert!(local.contains("*rtx.o(.bss.__rtx_indicator)"));
        assert!(script.contains("*libc.a:exit.lo(.bss.lock)"));
        assert!(!script.contains("addtf3"));
    }
}
