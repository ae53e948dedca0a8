//! Manual pages and completions, made of the definitions of the flags.

use std::io;
use std::path::{Path, PathBuf};

use clap_complete::Shell;

use super::commands;
use crate::errors::Explain;

/// The manual pages could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the manual pages to '{}'", directory.display())]
pub struct PageError {
    directory: PathBuf,
    source: io::Error,
}

impl Explain for PageError {
    fn fix(&self) -> Option<String> {
        Some("Name a directory that exists and may be written to".to_owned())
    }
}

/// Writes the pages of section 1, `COMMAND.1`, and `rtx-SUBCOMMAND.1`.
pub(super) fn pages(directory: &Path) -> Result<(), PageError> {
    for command in commands() {
        let command = command.disable_help_subcommand(true);
        clap_mangen::generate_to(command, directory).map_err(|source| PageError {
            directory: directory.to_owned(),
            source,
        })?;
    }
    Ok(())
}

/// The completions of one command.
pub(super) fn completions(shell: Shell, name: &str) -> String {
    let mut text = Vec::new();
    if let Some(mut command) = commands().into_iter().find(|c| c.get_name() == name) {
        clap_complete::generate(shell, &mut command, name, &mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_pages_that_name_its_flags() {
        let directory = tempfile::tempdir().expect("a directory");
        pages(directory.path()).expect("written");
        for (name, words) in [
            ("rtx-run", ["\\-\\-policy", "\\-\\-boards"]),
            ("rtx-board", ["\\-\\-listen", "\\-\\-slots"]),
            ("rtx-plan", ["\\-\\-json", "\\-\\-boards"]),
            ("rtx", ["rtx\\-check(1)", "rtx\\-plan(1)"]),
        ] {
            let path = directory.path().join(format!("{name}.1"));
            let text = std::fs::read_to_string(&path).expect(name);
            for word in words {
                assert!(text.contains(word), "no {word} in {name}.1:\n{text}");
            }
            assert!(!text.contains("\\-\\-job"), "a hidden flag in {name}.1");
        }
        let error = pages(&directory.path().join("none")).expect_err("no directory");
        assert!(
            error
                .to_string()
                .starts_with("cannot write the manual pages")
        );
    }

    #[test]
    fn completions_name_flags_for_every_shell() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            assert!(completions(shell, "rtx-run").contains("policy"), "{shell}");
            assert!(completions(shell, "rtx").contains("plan"), "{shell}");
        }
    }
}
