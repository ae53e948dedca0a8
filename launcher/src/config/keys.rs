//! The keys of the configuration.

use std::ops::RangeInclusive;

/// One key, as it stands in the file; in the environment it is `RTX_` and the name in capitals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value must be.
    pub expected: &'static str,
}

/// The range of every key that ends in `_ms`, in milliseconds.
pub const MILLISECONDS: RangeInclusive<u64> = 10..=3_600_000;

const TRUTH: &str = "true or false";
const MS: &str = "a number of milliseconds";

/// All keys, sorted.
pub const KEYS: [Key; 11] = [
    key("boards", "a list of boards in quotes"),
    key("connect_timeout_ms", MS),
    key("heartbeat_timeout_ms", MS),
    key(
        "home_watts",
        "idle and busy watts in quotes, such as \"60-180\"",
    ),
    key("insecure", TRUTH),
    key("only_at_points", TRUTH),
    key("policy", "the name of a policy in quotes"),
    key("report", "a path in quotes"),
    key("stuck_after_ms", MS),
    key("summary", TRUTH),
    key("verbose", TRUTH),
];

const fn key(name: &'static str, expected: &'static str) -> Key {
    Key { name, expected }
}

/// The names of all keys, for people.
pub fn names() -> String {
    KEYS.map(|key| key.name).join(", ")
}

/// What the value of a key must be.
pub fn expected(name: &str) -> &'static str {
    let key = KEYS.iter().find(|key| key.name == name);
    key.map_or("something else", |key| key.expected)
}

/// The key's name in the environment.
pub fn variable(name: &str) -> String {
    format!("RTX_{}", name.to_ascii_uppercase())
}
