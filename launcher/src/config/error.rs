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
    /// The file in the working directory is somebody else's.
    #[error("the configuration '{}' can be changed by other users", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
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
    #[error("{place}unknown key \"{key}\"{}", meant(nearest))]
    UnknownKey {
        /// Where.
        place: String,
        /// The key.
        key: String,
        /// The known key that is most like it.
        nearest: Option<&'static str>,
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
        key: String,
        /// The number.
        value: u64,
    },
    /// A table of a board means nothing.
    #[error("{place}[[boards]]: {why}")]
    Board {
        /// Where.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// A list or table of policies means nothing.
    #[error("{place}policy: {why}")]
    Policy {
        /// Where.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// A variable is not UTF-8.
    #[error("{variable}: its value is not UTF-8")]
    NotText {
        /// The variable.
        variable: String,
    },
}

fn meant(nearest: &Option<&str>) -> String {
    nearest.map_or(String::new(), |name| format!(" (did you mean \"{name}\"?)"))
}

impl Explain for ConfigError {
    fn fix(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => Some("Check its path, owner and mode".to_owned()),
            Self::Foreign { path } => Some(format!(
                "If you trust it, take it over: chown $(id -u) {0} && chmod go-w {0}",
                path.display()
            )),
            Self::Syntax { .. } => Some("The file must be TOML: KEY = VALUE lines".to_owned()),
            Self::UnknownKey { .. } => Some(format!("Known keys are {}", keys::names())),
            Self::Board { .. } => {
                Some("A board has address, name, slots, labels, watts = { idle, busy }".to_owned())
            }
            Self::Policy { .. } => Some(
                "A policy is a name in quotes, a list of them, or a table with name, script or chain \
                 and parameters"
                    .to_owned(),
            ),
            Self::WrongType { .. } | Self::OutOfRange { .. } | Self::NotText { .. } => None,
        }
    }
}
