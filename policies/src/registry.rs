//! From a policy's name to the policy.

use crate::{Congestion, Never, Policy, Static};

/// The names that [`by_name`] knows, sorted.
pub const KNOWN: [&str; 3] = ["congestion", "never", "static"];

/// No policy has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown policy \"{name}\": known policies are {}", KNOWN.join(", "))]
pub struct UnknownPolicy {
    /// The name that was asked for.
    pub name: String,
}

/// A new policy of the given name, with nothing decided yet.
pub fn by_name(name: &str) -> Result<Box<dyn Policy>, UnknownPolicy> {
    match name {
        "congestion" => Ok(Box::new(Congestion::default())),
        "never" => Ok(Box::new(Never)),
        "static" => Ok(Box::new(Static::default())),
        _ => Err(UnknownPolicy {
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
            "unknown policy \"foo\": known policies are congestion, never, static"
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
