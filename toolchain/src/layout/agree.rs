//! Whether two programs agree: symbols that both have are at one address.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};

use super::LayoutError;

/// Parts of a program that every instruction set has for itself.
const OWN_PARTS: [&str; 3] = [".rtx.local", ".got", ".eh_frame"];

/// What a comparison found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Functions that both have, at one address.
    pub functions: usize,
    /// Variables that both have, at one address.
    pub variables: usize,
    /// Names whose addresses differ.
    pub differing: Vec<String>,
    /// Names that only one has, each at an address of its own: helpers of the code generators.
    pub alone: usize,
}

type Symbols = BTreeMap<String, BTreeSet<(u64, bool)>>;

/// The functions and variables of a program, by name.
fn symbols(path: &Path) -> Result<Symbols, LayoutError> {
    let wrong = |error: String| LayoutError::Read(path.display().to_string(), error);
    let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let file = object::File::parse(&*bytes).map_err(|error| wrong(error.to_string()))?;
    let begin = |name: &str| file.symbol_by_name(name).map(|s| s.address());
    let text_end = begin("__rtx_text_end").unwrap_or(u64::MAX);
    let mut map = Symbols::new();
    for symbol in file.symbols().filter(|s| s.is_definition()) {
        let is_code = symbol.kind() == SymbolKind::Text;
        if !is_code && symbol.kind() != SymbolKind::Data {
            continue;
        }
        let section = symbol
            .section_index()
            .and_then(|i| file.section_by_index(i).ok());
        let part = section
            .as_ref()
            .and_then(|s| s.name().ok())
            .unwrap_or_default();
        // Behind its end, code is that of helpers, whose addresses nobody takes.
        if OWN_PARTS.contains(&part) || (part == ".text" && symbol.address() >= text_end) {
            continue;
        }
        if let Ok(name) = symbol.name()
            && !name.starts_with(['$', '.'])
        {
            map.entry(name.to_owned())
                .or_default()
                .insert((symbol.address(), is_code));
        }
    }
    Ok(map)
}

/// Compares two programs.
///
/// # Errors
/// When one cannot be read.
pub fn compare(a: &Path, b: &Path) -> Result<Agreement, LayoutError> {
    Ok(compare_symbols(&symbols(a)?, &symbols(b)?))
}

fn compare_symbols(a: &Symbols, b: &Symbols) -> Agreement {
    let mut result = Agreement {
        alone: b.keys().filter(|name| !a.contains_key(*name)).count(),
        ..Agreement::default()
    };
    for (name, places) in a {
        match b.get(name) {
            None => result.alone += 1,
            Some(others) if places == others => {
                let functions = places.iter().filter(|(_, is_code)| *is_code).count();
                result.functions += functions;
                result.variables += places.len() - functions;
            }
            Some(_) => result.differing.push(name.clone()),
        }
    }
    result
}

/// Compares two programs that must agree.
///
/// # Errors
/// When they do not.
pub fn check(a: &Path, b: &Path) -> Result<Agreement, LayoutError> {
    let result = compare(a, b)?;
    if result.differing.is_empty() {
        return Ok(result);
    }
    let some: Vec<&str> = result
        .differing
        .iter()
        .take(12)
        .map(String::as_str)
        .collect();
    Err(LayoutError::Disagree {
        count: result.differing.len(),
        names: some.join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(list: &[(&str, u64, bool)]) -> Symbols {
        let mut map = Symbols::new();
        for (name, address, is_code) in list {
            map.entry((*name).to_owned())
                .or_default()
                .insert((*address, *is_code));
        }
        map
    }

    #[test]
    fn a_moved_symbol_is_named() {
        let a = table(&[("main", 16, true), ("x", 64, false), ("only", 1, true)]);
        let b = table(&[("main", 16, true), ("x", 72, false)]);
        let found = compare_symbols(&a, &b);
        assert_eq!(found.differing, ["x"]);
        assert_eq!((found.functions, found.variables, found.alone), (1, 0, 1));
    }

    #[test]
    fn names_that_stand_for_several_places_agree_as_sets() {
        let a = table(&[("lock", 16, false), ("lock", 32, false)]);
        assert!(compare_symbols(&a, &a.clone()).differing.is_empty());
        assert_eq!(
            compare_symbols(&a, &table(&[("lock", 16, false)])).differing,
            ["lock"]
        );
    }
}
