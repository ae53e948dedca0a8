//! Gets musl's source: from a directory or archive that the user names, else the source package of the
//! Debian release that this machine has, through apt, with lists of its own (the machine's configuration
//! is read, not changed).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::driver::run::{RunError, output, run};

/// Why there is no source.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file cannot be written or read.
    #[error("cannot use {}", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// A program failed.
    #[error("cannot get the source of musl")]
    Run(#[from] RunError),
    /// apt knows no Debian archive.
    #[error("apt on this machine has no Debian archive configured")]
    NoArchive,
    /// The directory holds something else.
    #[error("{} does not hold the source of musl", .0.display())]
    NotMusl(PathBuf),
}

/// Puts the source into `into/musl`.
///
/// # Errors
/// When it cannot be had.
pub fn get(given: Option<&Path>, into: &Path) -> Result<PathBuf, SourceError> {
    let file = |path: &Path| {
        let path = path.to_owned();
        move |error| SourceError::File(path, error)
    };
    fs::create_dir_all(into).map_err(file(into))?;
    let tree = into.join("musl");
    match given {
        Some(directory) if directory.is_dir() => {
            run(Command::new("cp")
                .arg("-r")
                .arg("--")
                .arg(directory)
                .arg(&tree))?;
        }
        Some(archive) => {
            fs::create_dir_all(&tree).map_err(file(&tree))?;
            run(Command::new("tar")
                .arg("-xf")
                .arg(archive)
                .arg("-C")
                .arg(&tree)
                .arg("--strip-components=1"))?;
        }
        None => from_debian(into, &tree)?,
    }
    if tree.join("src/internal/pthread_impl.h").exists() {
        Ok(tree)
    } else {
        Err(SourceError::NotMusl(tree))
    }
}

fn from_debian(into: &Path, tree: &Path) -> Result<(), SourceError> {
    let format = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)";
    let known = output(Command::new("apt-get").args([
        "indextargets",
        "--format",
        format,
        "Created-By: Packages",
    ]))?;
    let mut lines: Vec<String> = known
        .lines()
        .filter_map(|line| match line.split('|').collect::<Vec<_>>()[..] {
            [uri, release, component, "Debian"] => {
                Some(format!("deb-src {uri} {release} {component}"))
            }
            _ => None,
        })
        .collect();
    lines.sort();
    lines.dedup();
    if lines.is_empty() {
        return Err(SourceError::NoArchive);
    }
    let list = into.join("sources.list");
    fs::write(&list, lines.join("\n") + "\n").map_err(|e| SourceError::File(list.clone(), e))?;
    for directory in ["lists/partial", "cache/archives/partial", "state"] {
        let path = into.join(directory);
        fs::create_dir_all(&path).map_err(|e| SourceError::File(path.clone(), e))?;
    }
    let apt = || {
        let mut command = Command::new("apt-get");
        command.arg("-qq").current_dir(into);
        for (key, value) in [
            ("Dir::Etc::sourcelist", list.display().to_string()),
            ("Dir::Etc::sourceparts", "-".to_owned()),
            ("Dir::State", into.join("state").display().to_string()),
            (
                "Dir::State::lists",
                into.join("lists").display().to_string(),
            ),
            ("Dir::State::status", "/var/lib/dpkg/status".to_owned()),
            ("Dir::Cache", into.join("cache").display().to_string()),
        ] {
            command.arg("-o").arg(format!("{key}={value}"));
        }
        command
    };
    run(apt().arg("update"))?;
    run(apt().args(["source", "--download-only", "musl"]))?;
    let packages = fs::read_dir(into).map_err(|e| SourceError::File(into.to_owned(), e))?;
    let description = packages
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|end| end == "dsc"))
        .ok_or_else(|| SourceError::NotMusl(into.to_owned()))?;
    // apt has checked the signatures.
    run(Command::new("dpkg-source")
        .args(["--no-check", "-x"])
        .arg(description)
        .arg(tree))?;
    Ok(())
}
