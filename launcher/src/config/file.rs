//! A configuration file: the values of its keys, each with the line on which it stands.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use figment::value::Value;
use toml::Spanned;
use toml::de::{DeString, DeTable};

use super::error::ConfigError;
use super::keys::{KEYS, Key, nearest};
use super::origin::{Origin, Setting};

/// Reads a file and looks at its keys and values. It is read once: it may be a pipe.
pub fn read(path: &Path) -> Result<Vec<Setting>, ConfigError> {
    let text = fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    parse(path, &text)
}

/// The same of a file that need not exist.
pub fn read_if_there(path: &Path) -> Result<Option<Vec<Setting>>, ConfigError> {
    match read(path) {
        Err(ConfigError::Unreadable { source, .. }) if is_absence(&source) => Ok(None),
        // A home directory that belongs to somebody else, as after setpriv: not even whether it is there.
        Err(ConfigError::Unreadable { .. }) if is_out_of_reach(path) => Ok(None),
        read => read.map(Some),
    }
}

/// The same of one in the working directory, which may be anybody's.
pub fn read_here(path: &Path) -> Result<Option<Vec<Setting>>, ConfigError> {
    let user = nix::unistd::geteuid().as_raw();
    if let Ok(metadata) = fs::metadata(path)
        && ((metadata.uid() != user && metadata.uid() != 0) || metadata.mode() & 0o002 != 0)
    {
        return Err(ConfigError::Foreign {
            path: path.to_owned(),
        });
    }
    read_if_there(path)
}

fn is_out_of_reach(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|e| e.kind() == io::ErrorKind::PermissionDenied)
}

fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn parse(path: &Path, text: &str) -> Result<Vec<Setting>, ConfigError> {
    let syntax = |error: toml::de::Error| ConfigError::Syntax {
        place: place(path, error.span().map(|span| line_at(text, span.start))),
        message: error.message().to_owned(),
    };
    let table = DeTable::parse(text).map_err(syntax)?;
    let values: Value = toml::from_str(text).map_err(syntax)?;
    let mut found: Vec<(String, usize)> = table
        .get_ref()
        .keys()
        .map(|key| (key.get_ref().to_string(), line_of(key, text)))
        .collect();
    found.sort_by_key(|(_, line)| *line);
    let mut settings: Vec<Setting> = Vec::new();
    for (name, line) in found {
        let Some(key) = Key::named(&name) else {
            return Err(ConfigError::UnknownKey {
                place: place(path, Some(line)),
                nearest: nearest(&name, KEYS.iter().map(|key| key.name)),
                key: name,
            });
        };
        let origin = Origin::File {
            path: path.to_owned(),
            line,
        };
        let value = values.find_ref(&name).expect("it was just parsed").clone();
        settings.push(Setting::new(key, &name, value, origin)?);
    }
    Ok(settings)
}

fn line_of(key: &Spanned<DeString>, text: &str) -> usize {
    line_at(text, key.span().start)
}

/// `FILE:LINE: `, or `FILE: ` where the line is not known.
fn place(path: &Path, line: Option<usize>) -> String {
    let path = path.display();
    line.map_or_else(|| format!("{path}: "), |line| format!("{path}:{line}: "))
}

/// The line in which a byte of the text stands, counted from 1.
fn line_at(text: &str, offset: usize) -> usize {
    let before = &text.as_bytes()[..offset.min(text.len())];
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// The files that are looked at without being named, in the order in which they are joined.
pub fn usual() -> Vec<PathBuf> {
    let user = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        // A relative one is to be ignored (XDG Base Directory Specification).
        .filter(|path| path.is_absolute())
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".config")));
    let user = user.map(|directory| directory.join("rtx/config.toml"));
    std::iter::once(PathBuf::from("/etc/rtx/config.toml"))
        .chain(user)
        .collect()
}

/// The file of the working directory.
pub const HERE: &str = "./rtx.toml";
