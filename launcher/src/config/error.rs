//! What can be wrong with a configuration.

use std::io;
use std::path::PathBuf;

use super::keys;
use crate::errors::Explain;

/// The configuration cannot be used. `place` is `FILE:LINE: `, `RTX_KEY: ` or empty.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the configuration '{}'", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not TOML.
    #[error("{place}{message}")]
    Syntax {
        /// Where.
        place: String,
        /// What the TOML parser says.
        message: String,
    },
    /// The file has a key that means nothing.
    #[error("{place}unknown key \"{key}\"")]
    UnknownKey {
        /// Where.
        place: String,
        /// The key.
        key: String,
    },
    /// A key has a value of the wrong type.
    #[error("{place}{key} must be {expected}, found {found}")]
    WrongType {
        /// Where.
        place: String,
        /// The key.
        key: String,
        /// What its value must be.
        expected: &'static str,
        /// What its value is.
        found: String,
    },
    /// A number is too small or too large.
    #[error(
        "{place}{key} = {value} is not between {} and {} milliseconds",
        keys::MILLISECONDS.start(),
        keys::MILLISECONDS.end()
    )]
    OutOfRange {
        /// Where.
        place: String,
        /// The key.
        key: &'static str,
        /// The number.
        value: u64,
    },
}

impl Explain for ConfigError {
    fn fix(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => Some("Check the path after --config".to_owned()),
            Self::Syntax { .. } => Some("The file must be TOML: KEY = VALUE lines".to_owned()),
            Self::UnknownKey { .. } => Some(format!("Known keys are {}", keys::names())),
            Self::WrongType { .. } | Self::OutOfRange { .. } => None,
        }
    }
}
