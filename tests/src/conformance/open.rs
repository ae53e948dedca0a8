//! The programs that are known to differ, each with its reason: `tests/conformance/open.txt`.
//!
//! A line is `AREA/NAME: REASON`; `#` begins a comment.

use std::collections::BTreeSet;
use std::path::Path;

use super::program::Program;

/// Reads the list. Every line must name a program and say why.
pub fn read(list: &Path, programs: &[Program]) -> Result<BTreeSet<String>, String> {
    let text = std::fs::read_to_string(list)
        .map_err(|e| format!("cannot read {}: {e}", list.display()))?;
    let known: BTreeSet<String> = programs.iter().map(|p| p.path().to_string()).collect();
    parse(&text, &known)
}

fn parse(text: &str, known: &BTreeSet<String>) -> Result<BTreeSet<String>, String> {
    let mut open = BTreeSet::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let at = format!("open.txt:{}", number + 1);
        let Some((name, reason)) = line.split_once(':') else {
            return Err(format!("{at}: no reason"));
        };
        if reason.trim().is_empty() {
            return Err(format!("{at}: no reason"));
        }
        if !known.contains(name) {
            return Err(format!("{at}: there is no program '{name}'"));
        }
        open.insert(name.to_owned());
    }
    Ok(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_a_program_and_says_why() {
        let known = BTreeSet::from(["files/a".to_owned(), "files/b".to_owned()]);
        let read = |text: &str| parse(text, &known);
        let open = read("# all\nfiles/b: late  # since May\n\n").unwrap();
        assert_eq!(open, BTreeSet::from(["files/b".to_owned()]));
        assert_eq!(read("files/a").unwrap_err(), "open.txt:1: no reason");
        assert_eq!(read("\nfiles/a:").unwrap_err(), "open.txt:2: no reason");
        let unknown = read("files/c: why").unwrap_err();
        assert_eq!(unknown, "open.txt:1: there is no program 'files/c'");
    }
}
