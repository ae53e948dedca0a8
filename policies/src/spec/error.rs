//! What can be wrong with a policy that a user has written.

use super::show;

/// What was written is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// Nothing stands there.
    #[error("no policy is named. Known policies are {}", show::names())]
    Empty,
    /// No policy has this name.
    #[error("unknown policy \"{name}\": known policies are {}", show::names())]
    Name {
        /// The name that was asked for.
        name: String,
    },
    /// The policy has no such parameter.
    #[error("policy {policy} has no parameter \"{parameter}\": it has {known}")]
    Parameter {
        /// The policy.
        policy: String,
        /// What was written.
        parameter: String,
        /// Those it has.
        known: String,
    },
    /// The parameter does not take this value.
    #[error(
        "parameter {parameter} of policy {policy} cannot be \"{value}\": it must be {expected}"
    )]
    Value {
        /// The policy.
        policy: String,
        /// The parameter.
        parameter: String,
        /// What was written.
        value: String,
        /// What it must be.
        expected: String,
    },
    /// A file cannot be read.
    #[error("cannot read {path}: {why}")]
    File {
        /// The file.
        path: String,
        /// Why not.
        why: String,
    },
    /// A file is no preset.
    #[error("{place}: {what}")]
    Preset {
        /// The file, with the line where that is known.
        place: String,
        /// What is wrong.
        what: String,
    },
}

impl SpecError {
    pub(super) fn unknown(name: &str) -> Self {
        Self::Name {
            name: name.to_owned(),
        }
    }

    pub(crate) fn value(policy: &str, parameter: &str, value: &str, expected: String) -> Self {
        Self::Value {
            policy: policy.to_owned(),
            parameter: parameter.to_owned(),
            value: value.to_owned(),
            expected,
        }
    }
}
