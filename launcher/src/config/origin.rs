//! One setting with the place that it comes from.

use std::fmt;
use std::path::PathBuf;

use figment::value::Value;
use serde::Serialize;

use super::error::ConfigError;
use super::keys::{Key, Wrong};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Origin {
    /// Nobody has said anything.
    Default,
    /// A line of a file, counted from 1.
    File {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// A variable of the environment.
    Environment {
        /// Its name.
        variable: String,
    },
    /// A flag.
    Flag {
        /// Its name, with the hyphens.
        flag: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Environment { variable } => f.write_str(variable),
            Origin::Flag { flag } => f.write_str(flag),
        }
    }
}

impl Origin {
    /// The beginning of a message about it: `rtx.toml:3: `, `RTX_POLICY: ` or nothing (a flag or a
    /// default, which need no telling).
    pub fn place(&self) -> String {
        match self {
            Origin::Default | Origin::Flag { .. } => String::new(),
            Origin::File { .. } | Origin::Environment { .. } => format!("{self}: "),
        }
    }
}

/// A value of the right kind for its key.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The key.
    pub key: &'static Key,
    /// Its value.
    pub value: Value,
    /// Where it comes from.
    pub origin: Origin,
}

impl Setting {
    /// Looks at the value; `written` is what the key was called.
    pub fn new(
        key: &'static Key,
        written: &str,
        value: Value,
        origin: Origin,
    ) -> Result<Self, ConfigError> {
        let place = origin.place();
        match key.kind.wrong(&value) {
            None => Ok(Self {
                key,
                value: key.kind.plain(value),
                origin,
            }),
            Some(Wrong::Type(found)) => Err(ConfigError::WrongType {
                place,
                key: written.to_owned(),
                expected: key.kind.expected(),
                found,
            }),
            Some(Wrong::Range(value)) => Err(ConfigError::OutOfRange {
                place,
                key: written.to_owned(),
                value,
            }),
            Some(Wrong::Board(why)) => Err(ConfigError::Board { place, why }),
            Some(Wrong::Policy(why)) => Err(ConfigError::Policy { place, why }),
        }
    }
}
