//! Which compiler made a program that can migrate.

use object::{Object, ObjectSection, ObjectSymbol};

/// Who made a program, as far as moving threads between instruction sets goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// rtx-cc; the content of its note.
    Rtx(Vec<u8>),
    /// The compiler of Popcorn Linux or HetMigrate; what gave it away.
    Popcorn(Vec<String>),
    /// Some other compiler.
    Other,
}

/// Symbols of the migration library of Popcorn and HetMigrate.
const POPCORN_SYMBOLS: [&str; 3] = ["check_migrate", "__indicator", "__migrate_gb_variable"];

/// Looks at a program.
pub fn of(file: &object::File) -> Origin {
    if let Some(note) = file
        .section_by_name(crate::pass::targets::NOTE_SECTION)
        .and_then(|s| s.data().ok())
    {
        return Origin::Rtx(note.to_vec());
    }
    let sections = file
        .sections()
        .filter_map(|s| s.name().ok().map(ToOwned::to_owned));
    let mut signs: Vec<String> = sections
        .filter(|n| n.starts_with(".stack_transform.") || n.starts_with(".llvm_pcn_stackmaps"))
        .collect();
    let names = file
        .symbols()
        .filter_map(|s| s.name().ok().map(ToOwned::to_owned));
    signs.extend(names.filter(|name| POPCORN_SYMBOLS.contains(&name.as_str())));
    signs.sort();
    signs.dedup();
    if signs.is_empty() {
        Origin::Other
    } else {
        Origin::Popcorn(signs)
    }
}
