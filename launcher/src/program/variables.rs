//! Which variables of a program lie in a page: from its file's symbols, and where they are declared from its DWARF.
//!
//! Of position-independent programs only while they run: where they were is not known any more when the job is over.
//! Memory that the program gets while it runs has no names.

use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use gimli::{AttributeValue, EndianSlice, Operation, RunTimeEndian};
use object::{Object, ObjectKind, ObjectSection, ObjectSymbol, SymbolKind};
use rtx_runtime::guest::procfs;
use rtx_runtime::memory::PAGE;
use rtx_runtime::report::HotPage;
use rtx_runtime::trace::demangled;

type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

/// As many variables of a page are named.
const MOST: usize = 6;

/// The variables of a page.
#[derive(Debug, Default, PartialEq, Eq)]
struct Variables {
    /// Their names, the largest first.
    names: Vec<String>,
    /// Where the first is declared, as `FILE:LINE`.
    line: Option<String>,
}

/// Finds out what lies in pages of a program, which begins at `entry`, if that is known.
pub fn name_variables(pages: &mut [HotPage], program: &Path, entry: Option<u64>) {
    let range = |page: &HotPage| page.address..page.address + PAGE;
    let ranges: Vec<Range<u64>> = pages.iter().map(range).collect();
    for (page, found) in pages.iter_mut().zip(variables(program, entry, &ranges)) {
        page.symbols = found.names;
        page.line = found.line;
    }
}

/// The same of the program that a process runs.
pub fn name_variables_of(pages: &mut [HotPage], pid: i32) {
    if !pages.is_empty() {
        let program = PathBuf::from(format!("/proc/{pid}/exe"));
        name_variables(pages, &program, procfs::entry_point(pid).ok());
    }
}

/// The variables in each of these ranges of addresses. A file that tells nothing gives nothing: it is only a
/// hint to who reads the report.
fn variables(program: &Path, entry: Option<u64>, ranges: &[Range<u64>]) -> Vec<Variables> {
    let nothing = || ranges.iter().map(|_| Variables::default()).collect();
    let Ok(bytes) = fs::read(program) else {
        return nothing();
    };
    let Ok(file) = object::File::parse(&*bytes) else {
        return nothing();
    };
    let moved_by = match (file.kind(), entry) {
        (ObjectKind::Executable, _) => 0,
        (ObjectKind::Dynamic, Some(entry)) => entry.wrapping_sub(file.entry()),
        _ => return nothing(),
    };
    let mut found: Vec<Vec<(u64, u64, String)>> = vec![Vec::new(); ranges.len()];
    for symbol in file.symbols() {
        let (from, size) = (symbol.address(), symbol.size());
        if symbol.kind() != SymbolKind::Data || size == 0 {
            continue;
        }
        let there = from.wrapping_add(moved_by);
        for (range, found) in ranges.iter().zip(&mut found) {
            if there < range.end && there.saturating_add(size) > range.start {
                let name = symbol.name().unwrap_or("?");
                found.push((size, from, name.to_owned()));
            }
        }
    }
    for found in &mut found {
        found.sort_by(|a, b| (b.0, a.1, &a.2).cmp(&(a.0, b.1, &b.2)));
        found.dedup_by_key(|(_, from, _)| *from);
        found.truncate(MOST);
    }
    let wanted = found.iter().filter_map(|found| Some(found.first()?.1));
    let wanted = wanted.map(|address| (address, None)).collect();
    let lines = lines(&file, wanted);
    found
        .into_iter()
        .map(|found| Variables {
            line: found.first().and_then(|(_, at, _)| lines.get(at)?.clone()),
            names: found.iter().map(|(_, _, name)| demangled(name)).collect(),
        })
        .collect()
}

/// Where the variables at these addresses are declared.
fn lines(
    file: &object::File<'_>,
    mut wanted: HashMap<u64, Option<String>>,
) -> HashMap<u64, Option<String>> {
    let endian = match file.is_little_endian() {
        true => RunTimeEndian::Little,
        false => RunTimeEndian::Big,
    };
    let section = |id: gimli::SectionId| -> Result<Slice<'_>, gimli::Error> {
        let data = file.section_by_name(id.name());
        // One that is compressed is as good as none.
        let data = data.and_then(|section| section.data().ok()).unwrap_or(&[]);
        Ok(EndianSlice::new(data, endian))
    };
    if !wanted.is_empty()
        && let Ok(dwarf) = gimli::Dwarf::load(section)
    {
        // What makes no sense in it ends the search.
        let _ = search(&dwarf, &mut wanted);
    }
    wanted
}

fn search(
    dwarf: &gimli::Dwarf<Slice<'_>>,
    wanted: &mut HashMap<u64, Option<String>>,
) -> Result<(), gimli::Error> {
    let mut units = dwarf.units();
    while let Some(header) = units.next()? {
        let unit = dwarf.unit(header)?;
        let mut entries = unit.entries();
        while let Some(entry) = entries.next_dfs()? {
            if entry.tag() != gimli::DW_TAG_variable {
                continue;
            }
            let Some(AttributeValue::Exprloc(place)) = entry.attr_value(gimli::DW_AT_location)
            else {
                continue;
            };
            let mut operations = place.operations(unit.encoding());
            let Some(Operation::Address { address }) = operations.next()? else {
                continue;
            };
            let Some(line) = wanted.get_mut(&address) else {
                continue;
            };
            // A declaration apart from the definition has the line.
            let specification = match entry.attr_value(gimli::DW_AT_specification) {
                Some(AttributeValue::UnitRef(at)) => Some(unit.entry(at)?),
                _ => None,
            };
            let attribute = |name| {
                let own = entry.attr_value(name);
                own.or_else(|| specification.as_ref()?.attr_value(name))
            };
            let number = attribute(gimli::DW_AT_decl_line).and_then(|line| line.udata_value());
            let file = match attribute(gimli::DW_AT_decl_file) {
                Some(AttributeValue::FileIndex(index)) => Some(index),
                Some(other) => other.udata_value(),
                None => None,
            };
            let program = unit.line_program.as_ref();
            let file = program.and_then(|program| program.header().file(file?));
            if let (Some(file), Some(number)) = (file, number) {
                let name = dwarf.attr_string(&unit, file.path_name())?;
                *line = Some(format!("{}:{number}", name.to_string_lossy()));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn variables_are_found_with_their_lines() {
        let directory = tempfile::tempdir().expect("a directory");
        let source = directory.path().join("app.c");
        let text = "\n__attribute__((aligned(4096))) int shared[1024] = {1};\n\
                    static long small __attribute__((used)) = 2;\nint main(void) { return 0; }\n";
        fs::write(&source, text).expect("written");
        for flag in ["-no-pie", "-pie"] {
            let program = directory.path().join("app");
            let status = Command::new("gcc")
                .args(["-g", "-O0"])
                .arg(flag)
                .arg(&source)
                .arg("-o")
                .arg(&program)
                .status();
            assert!(status.expect("gcc runs").success());
            let bytes = fs::read(&program).expect("read");
            let file = object::File::parse(&*bytes).expect("an ELF file");
            let symbol = |name: &str| file.symbols().find(|s| s.name() == Ok(name));
            let at = symbol("shared").expect("shared").address();
            // One that can be anywhere is found where it is, if that is known.
            let moved_by = if flag == "-pie" { 0x5000_0000 } else { 0 };
            let page = at + moved_by..at + moved_by + 4096;
            let both = variables(
                &program,
                Some(file.entry() + moved_by),
                &[page.clone(), 0..4096],
            );
            assert_eq!(both[1], Variables::default());
            assert_eq!(both[0].names, ["shared"]);
            assert_eq!(both[0].line.as_deref(), Some("app.c:2"));
            let unknown = variables(&program, None, &[page]);
            assert_eq!(unknown[0].names.is_empty(), flag == "-pie");
        }
    }

    #[test]
    fn what_is_no_program_has_none() {
        let pages = [0..4096, 4096..8192];
        let nothing = [Variables::default(), Variables::default()];
        for path in ["/no/such", "/etc/passwd"] {
            assert_eq!(variables(path.as_ref(), None, &pages), nothing);
        }
    }
}
