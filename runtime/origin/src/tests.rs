//! Who made which file, and what notes say.

use super::sample::{description, elf, note};
use super::*;

fn origin(sections: &[&str], symbols: &[&str]) -> Origin {
    Origin::of(&*elf(&[], sections, symbols)).expect("an ELF file")
}

/// What gives Popcorn away; nothing: it is of another compiler.
fn signs(sections: &[&str], symbols: &[&str]) -> Vec<String> {
    match origin(sections, symbols) {
        Origin::Popcorn(signs) => signs,
        other => {
            assert_eq!(other, Origin::Other);
            Vec::new()
        }
    }
}

#[test]
fn programs_of_popcorn_are_known_by_sections_and_symbols() {
    let all = signs(
        &[
            ".text",
            ".stack_transform.unwind",
            ".stack_transform.unwind_arange",
            ".llvm_pcn_stackmaps",
        ],
        &[
            "main",
            "check_migrate",
            "__indicator",
            "__migrate_gb_variable",
        ],
    );
    assert_eq!(
        all,
        [
            ".llvm_pcn_stackmaps",
            ".stack_transform.unwind",
            ".stack_transform.unwind_arange",
            "__indicator",
            "__migrate_gb_variable",
            "check_migrate"
        ]
    );
    // One is enough: a stripped program has no symbols.
    for section in [".stack_transform.id", ".llvm_pcn_stackmaps"] {
        assert_eq!(signs(&[section], &[]), [section]);
    }
    for symbol in ["__indicator", "__migrate_gb_variable"] {
        assert_eq!(signs(&[], &["main", symbol, symbol]), [symbol]);
    }
    assert_eq!(origin(&[], &["__indicator"]).name(), Some("popcorn"));
}

#[test]
fn names_that_look_alike_say_nothing() {
    assert!(signs(&[], &[]).is_empty());
    let sections = [".stack_transform", ".llvm_stackmaps", ".text"];
    let symbols = [
        "check_migrate",
        "indicator",
        "__indicator_",
        "my__indicator",
        "__rtx_indicator",
    ];
    assert!(signs(&sections, &symbols).is_empty());
    assert_eq!(origin(&sections, &symbols).name(), None);
}

#[test]
fn programs_of_rtx_cc_are_known_by_their_note() {
    let description = description(0, 7);
    // Whatever else they have.
    let file = elf(
        &note(&description),
        &[".stack_transform.id"],
        &["__indicator"],
    );
    let origin = Origin::of(&*file).unwrap();
    assert_eq!(origin, Origin::Rtx(description));
    assert_eq!(origin.name(), Some("rtx-cc"));
    let mut other = note(&[0; 104]);
    other[12..16].copy_from_slice(b"GNU\0");
    assert_eq!(Origin::of(&*elf(&other, &[], &[])), Ok(Origin::Other));
}

#[test]
fn a_file_whose_sections_make_no_sense_is_of_another_compiler() {
    let whole = elf(&[], &[".stack_transform.id"], &["__indicator"]);
    assert!(matches!(Origin::of(&*whole), Ok(Origin::Popcorn(_))));
    let headers = u64::from_le_bytes(whole[40..48].try_into().unwrap()) as usize;
    assert_eq!(Origin::of(&whole[..headers]), Ok(Origin::Other));
    let mut wrong = whole.clone();
    wrong[40..48].copy_from_slice(&u64::MAX.to_le_bytes());
    assert_eq!(Origin::of(&*wrong), Ok(Origin::Other));
    // The symbols' names are elsewhere; the sections' names are not.
    let mut wrong = whole.clone();
    wrong[headers + 3 * 64 + 40] = 99;
    assert_eq!(
        Origin::of(&*wrong),
        Ok(Origin::Popcorn(vec![".stack_transform.id".into()]))
    );
}

#[test]
fn what_is_no_such_file_is_said_and_nothing_panics() {
    for file in [
        &b""[..],
        b"#!/bin/sh\n",
        b"\x7fELF\x01\x01\x01",
        b"\x7fELF\x02\x02\x01",
    ] {
        assert!(Origin::of(file).is_err());
    }
    let whole = elf(&note(&description(0, 1)), &[".llvm_pcn_stackmaps"], &["a"]);
    for end in 0..whole.len() {
        let _ = Origin::of(&whole[..end]);
    }
    let whole = elf(&[], &[".llvm_pcn_stackmaps"], &["__indicator"]);
    for at in 0..whole.len() {
        for byte in [0, 1, 0x7f, 0xff] {
            let mut wrong = whole.clone();
            wrong[at] = byte;
            let _ = Origin::of(&*wrong);
        }
    }
}

#[test]
fn a_note_says_what_the_page_on_continuations_lists() {
    let note = Note::parse(&description(1, 7)).unwrap();
    assert_eq!((note.isa, note.build), ("aarch64", [7; 32]));
    assert_eq!(note.thread_pointer, 0);
    assert_eq!(
        (note.indicator, note.requests, note.resume),
        (0x43_0000, 0x43_0008, 0x41_0010)
    );
    assert_eq!(note.data, 0x42_0000..0x43_0000);
    assert_eq!(note.code, 0x41_0000..0x41_1000);
}

#[test]
fn other_versions_and_parts_of_notes_are_refused() {
    let good = description(0, 1);
    for end in 0..good.len() {
        assert!(Note::parse(&good[..end]).is_err());
    }
    let mut other = good.clone();
    other[0] = 2;
    assert_eq!(Note::parse(&other), Err(NoteError::Version(2)));
    assert_eq!(Note::parse(&description(7, 1)), Err(NoteError::Damaged));
    // Ends before beginnings.
    for at in [82, 98] {
        let mut other = good.clone();
        other[at] = 0x01;
        assert_eq!(Note::parse(&other), Err(NoteError::Damaged), "{at}");
    }
}
