//! From a policy's name to the policy.

use crate::{Congestion, Never, Policy, Shuffle, Static};

/// The names that [`by_name`] knows, sorted.
pub const KNOWN: [&str; 4] = ["congestion", "never", "shuffle", "static"];

/// No policy has this name, or not these parameters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownPolicy {
    /// No policy has this name.
    #[error("unknown policy \"{name}\": known policies are {}", KNOWN.join(", "))]
    Name {
        /// The name that was asked for.
        name: String,
    },
    /// The policy does not understand its parameters.
    #[error("policy \"{name}\" has wrong parameters: it must be {form}")]
    Parameters {
        /// The name that was asked for.
        name: String,
        /// What it must look like.
        form: &'static str,
    },
}

/// A new policy of the given name, with nothing decided yet. Parameters follow the name and a
/// colon: only `shuffle:SEED` and `shuffle:SEED:MEAN_MS` have any.
pub fn by_name(name: &str) -> Result<Box<dyn Policy>, UnknownPolicy> {
    let (kind, parameters) = match name.split_once(':') {
        Some((kind, parameters)) => (kind, Some(parameters)),
        None => (name, None),
    };
    match (kind, parameters) {
        ("congestion", None) => Ok(Box::new(Congestion::default())),
        ("never", None) => Ok(Box::new(Never)),
        ("static", None) => Ok(Box::new(Static::default())),
        ("shuffle", parameters) => match Shuffle::from_parameters(parameters) {
            Some(policy) => Ok(Box::new(policy)),
            None => Err(UnknownPolicy::Parameters {
                name: name.to_owned(),
                form: "shuffle, shuffle:SEED or shuffle:SEED:MEAN_MS, with a MEAN_MS from 1 to 60000",
            }),
        },
        _ => Err(UnknownPolicy::Name {
            name: name.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_gives_the_policy_of_that_name() {
        for name in KNOWN {
            assert_eq!(by_name(name).expect(name).name(), name);
        }
        assert!(KNOWN.is_sorted());
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = by_name("foo").err().expect("no policy foo");
        assert_eq!(
            error.to_string(),
            "unknown policy \"foo\": known policies are congestion, never, shuffle, static"
        );
        assert!(by_name("static:1").is_err());
    }

    #[test]
    fn wrong_parameters_are_told_with_the_right_form() {
        assert_eq!(
            by_name("shuffle:42:5").expect("known").name(),
            "shuffle:42:5"
        );
        let error = by_name("shuffle:x").err().expect("no number");
        assert_eq!(
            error.to_string(),
            "policy \"shuffle:x\" has wrong parameters: it must be shuffle, shuffle:SEED or \
             shuffle:SEED:MEAN_MS, with a MEAN_MS from 1 to 60000"
        );
    }

    #[test]
    fn only_never_needs_no_boards() {
        for name in KNOWN {
            let policy = by_name(name).expect(name);
            assert_eq!(policy.can_offload(), name != "never");
        }
    }
}
