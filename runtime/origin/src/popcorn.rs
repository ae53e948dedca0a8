//! The signs of the compiler of Popcorn Linux and HetMigrate: the metadata by which it translates stacks,
//! and what its migration library defines.

use object::LittleEndian;
use object::elf::{SHT_SYMTAB, Sym64};
use object::read::elf::{FileHeader, SectionHeader, Sym};
use object::read::{ReadRef, Result, StringTable};

use super::Header;

/// How the names of its sections begin.
const SECTIONS: [&str; 2] = [".stack_transform.", ".llvm_pcn_stackmaps"];
/// Symbols that nobody else has a right to define.
const RESERVED: [&str; 2] = ["__indicator", "__migrate_gb_variable"];
/// One that any program may have, and that says something only beside others.
const COMMON: &str = "check_migrate";

/// The signs that a file has, sorted. One whose sections or symbols make no sense has none: it can run,
/// because the kernel does not look at them.
pub(super) fn signs<'data, R: ReadRef<'data>>(file: R) -> Vec<String> {
    let mut signs = sections(file).unwrap_or_default();
    let symbols = symbols(file).unwrap_or_default();
    if !signs.is_empty() || symbols.iter().any(|name| name != COMMON) {
        signs.extend(symbols);
    }
    signs.sort();
    signs.dedup();
    signs
}

fn sections<'data, R: ReadRef<'data>>(file: R) -> Result<Vec<String>> {
    let header = Header::parse(file)?;
    let endian = header.endian()?;
    let table = header.sections(endian, file)?;
    let names = table
        .iter()
        .filter_map(|section| std::str::from_utf8(table.section_name(endian, section).ok()?).ok());
    let ours = names.filter(|name| SECTIONS.iter().any(|begin| name.starts_with(begin)));
    Ok(ours.map(str::to_owned).collect())
}

fn symbols<'data, R: ReadRef<'data>>(file: R) -> Result<Vec<String>> {
    let header = Header::parse(file)?;
    let endian: LittleEndian = header.endian()?;
    let table = header.sections(endian, file)?;
    let Some(section) = table.iter().find(|s| s.sh_type(endian) == SHT_SYMTAB) else {
        return Ok(Vec::new());
    };
    let symbols: &[Sym64<LittleEndian>] = section.data_as_array(endian, file)?;
    // As a whole: a read for each name would take long.
    let names = table.section(section.link(endian))?.data(endian, file)?;
    let names = StringTable::new(names, 0, names.len() as u64);
    let known = || RESERVED.iter().chain(std::iter::once(&COMMON));
    let found = symbols.iter().filter_map(|symbol| {
        let name = symbol.name(endian, names).ok()?;
        known().find(|known| known.as_bytes() == name)
    });
    Ok(found.map(|name| (*name).to_owned()).collect())
}
