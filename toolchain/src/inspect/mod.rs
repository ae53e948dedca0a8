//! `rtx-cc inspect`: what a program is, for people: its instruction sets, its equivalence points and
//! what cannot migrate ([`table`]), whether the addresses agree, and who made it ([`rtx_origin`]).

pub mod table;

use std::error::Error;
use std::ffi::OsString;
use std::path::Path;

use object::{Object, ObjectSection};
use rtx_origin::{Note, Origin, note};

use crate::driver::link::{TABLE, second_output};
use crate::layout::agree;
use crate::pass::pins::Reason;
use table::Table;

/// Prints what the program named by the arguments is.
///
/// # Errors
/// When it cannot be read, or its files do not belong together.
pub fn command(arguments: &[OsString]) -> Result<(), Box<dyn Error>> {
    let [program] = arguments else {
        return Err("usage: rtx-cc inspect APP".into());
    };
    let path = Path::new(program);
    let bytes =
        std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let file =
        object::File::parse(&*bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    match Origin::of(&*bytes).map_err(|error| format!("{}: {error}", path.display()))? {
        Origin::Other => {
            println!(
                "{}: built by another compiler; its threads move between machines of one instruction set",
                path.display()
            );
            Ok(())
        }
        Origin::Popcorn(signs) => {
            println!(
                "{}: built by the compiler of Popcorn Linux or HetMigrate ({})",
                path.display(),
                signs.join(", ")
            );
            println!(
                "its migration points need the kernel of Popcorn Linux; without it, its threads move between machines of one instruction set; build it with rtx-cc to cross"
            );
            Ok(())
        }
        Origin::Rtx(note) => ours(path, &file, &parse(path, &note)?),
    }
}

fn parse(path: &Path, note: &[u8]) -> Result<Note, String> {
    Note::parse(note).map_err(|error| format!("{}: {error}", path.display()))
}

fn ours(path: &Path, file: &object::File, note: &Note) -> Result<(), Box<dyn Error>> {
    let build: String = note.build[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    println!(
        "{}: built by rtx-cc for {}, ABI {}, build {build}",
        path.display(),
        note.isa,
        note::ABI
    );
    let other = second_output(path);
    if note.isa == "x86_64" {
        if other.exists() {
            compare(path, note, &other)?;
        } else {
            println!(
                "no {}: its threads move between x86-64 machines only",
                other.display()
            );
        }
    }
    let text = file
        .section_by_name(TABLE)
        .and_then(|s| s.data().ok())
        .map(String::from_utf8_lossy)
        .unwrap_or_default();
    let table = Table::parse(&text);
    let points: usize = table.functions.iter().map(|f| f.points.len()).sum();
    println!(
        "{points} equivalence points in {} functions",
        table.functions.len()
    );
    for function in &table.functions {
        let places = function.points.join(" ");
        println!(
            "  {}: {} points, {} call sites, at most {} bytes saved",
            function.name,
            function.points.len(),
            function.calls,
            function.largest
        );
        println!("    {places}");
    }
    if !table.fixed.is_empty() {
        println!(
            "{} functions keep a thread on its instruction set while they run",
            table.fixed.len()
        );
    }
    for (name, reason) in &table.fixed {
        println!(
            "  {name}: {}",
            Reason::by_option(reason).map_or_else(|| reason.clone(), |r| r.text().to_owned())
        );
    }
    Ok(())
}

fn compare(path: &Path, note: &Note, other: &Path) -> Result<(), Box<dyn Error>> {
    let bytes = std::fs::read(other)
        .map_err(|error| format!("cannot read {}: {error}", other.display()))?;
    let origin = Origin::of(&*bytes).map_err(|error| format!("{}: {error}", other.display()))?;
    let Origin::Rtx(theirs) = origin else {
        return Err(format!("{} was built by another compiler", other.display()).into());
    };
    let theirs = parse(other, &theirs)?;
    // Where threads are resumed may differ, and what is each node's own.
    if (theirs.build, &theirs.data, &theirs.code) != (note.build, &note.data, &note.code) {
        return Err(format!("{} is of another build; build both again", other.display()).into());
    }
    let agreement = agree::compare(path, other)?;
    println!("{}: for {}, the same build", other.display(), theirs.isa);
    println!(
        "addresses: {} functions and {} variables agree, {} differ, {} are of one instruction set alone",
        agreement.functions,
        agreement.variables,
        agreement.differing.len(),
        agreement.alone
    );
    for name in &agreement.differing {
        println!("  differs: {name}");
    }
    if agreement.differing.is_empty() {
        Ok(())
    } else {
        Err("the addresses do not agree".into())
    }
}
