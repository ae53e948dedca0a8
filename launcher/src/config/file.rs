//! A configuration file: its values for figment, and the line on which each key stands.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use figment::value::{Dict, Map};
use figment::{Metadata, Profile, Provider};
use toml::de::DeTable;

use super::error::ConfigError;
use super::keys::KEYS;

/// A file that was read and has no unknown keys. It is read once: it may be a pipe.
#[derive(Debug)]
pub struct ConfigFile {
    path: PathBuf,
    values: Dict,
    /// The line of each key, counted from 1.
    lines: BTreeMap<String, usize>,
}

impl ConfigFile {
    /// Reads a file and looks at its keys. Whether their values have the right types is seen when
    /// the layers are joined.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let syntax = |error: toml::de::Error| ConfigError::Syntax {
            place: place(path, error.span().map(|span| line_at(text, span.start))),
            message: error.message().to_owned(),
        };
        let table = DeTable::parse(text).map_err(syntax)?;
        let mut lines = BTreeMap::new();
        for key in table.get_ref().keys() {
            let line = line_at(text, key.span().start);
            lines.insert(key.get_ref().to_string(), line);
        }
        let known = |key: &str| KEYS.iter().any(|known| known.name == key);
        let unknown = lines.iter().filter(|(key, _)| !known(key));
        if let Some((key, line)) = unknown.min_by_key(|(_, line)| **line) {
            return Err(ConfigError::UnknownKey {
                place: place(path, Some(*line)),
                key: key.clone(),
            });
        }
        Ok(Self {
            path: path.to_owned(),
            values: toml::from_str(text).map_err(syntax)?,
            lines,
        })
    }

    /// `FILE:LINE` of a key.
    pub fn place_of(&self, key: &str) -> String {
        let place = place(&self.path, self.lines.get(key).copied());
        place.trim_end_matches(": ").to_owned()
    }
}

impl Provider for &ConfigFile {
    fn metadata(&self) -> Metadata {
        Metadata::from("configuration file", self.path.as_path())
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
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
