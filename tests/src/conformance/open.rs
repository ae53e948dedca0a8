//! The programs that are known to differ, each with its reason: `tests/conformance/open.txt`, and for those built by
//! rtx-cc `tests/conformance/rtx-cc-exceptions.txt`.
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
    let name = list.file_name().unwrap_or_default().to_string_lossy();
    parse(&text, &name, &known)
}

fn parse(text: &str, list: &str, known: &BTreeSet<String>) -> Result<BTreeSet<String>, String> {
    let mut open = BTreeSet::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let at = format!("{list}:{}", number + 1);
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
        let read = |text: &str| parse(text, "open.txt", &known);
        let open = read("# all\nfiles/b: late  # since May\n\n").unwrap();
        assert_eq!(open, BTreeSet::from(["files/b".to_owned()]));
        assert_eq!(read("files/a").unwrap_err(), "open.txt:1: no reason");
        assert_eq!(read("\nfiles/a:").unwrap_err(), "open.txt:2: no reason");
        let unknown = read("files/c: why").unwrap_err();
        assert_eq!(unknown, "open.txt:1: there is no program 'files/c'");
    }

    #[test]
    fn programs_of_rtx_cc_have_few_exceptions() {
        let root = crate::checkout::root().join("tests/conformance");
        let programs = Program::all(&root).expect("they say what they must");
        let exceptions = read(&root.join("rtx-cc-exceptions.txt"), &programs).expect("a list");
        assert!(exceptions.len() <= 10, "{exceptions:?}");
    }
}
