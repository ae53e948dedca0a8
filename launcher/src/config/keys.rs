//! The keys of the configuration: one table. A key that is added here, with its field in
//! [`Settings`](super::Settings), is known to files, environment, messages and `rtx config`.

use std::ops::RangeInclusive;

use figment::value::Value;

use super::boards::BoardEntry;
use super::policy;
use super::watts::Watts;

/// One key, as it stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value must be.
    pub kind: Kind,
    /// Whether a flag of the same name sets it.
    pub flag: bool,
}

/// What a value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string; the text says of what.
    Text(&'static str),
    /// `true` or `false`.
    Truth,
    /// Milliseconds within [`MILLISECONDS`].
    Milliseconds,
    /// The same, or 0.
    MillisecondsOrNever,
    /// A list of boards as a string, or an array of tables.
    Boards,
    /// A policy as a string, a list of such, or a table.
    Policy,
    /// Idle and busy watts, as a string or a table.
    Watts,
}

/// The range of keys that end in `_ms`, in milliseconds.
pub const MILLISECONDS: RangeInclusive<u64> = 10..=3_600_000;

const PATH: Kind = Kind::Text("a path in quotes");

/// All keys, sorted by name.
pub const KEYS: [Key; 15] = [
    flag("boards", Kind::Boards),
    key("connect_timeout_ms", Kind::Milliseconds),
    flag("events", PATH),
    key("heartbeat_timeout_ms", Kind::Milliseconds),
    key("home_watts", Kind::Watts),
    flag("insecure", Kind::Truth),
    flag("metrics", Kind::Text("an address and port in quotes")),
    key("only_at_points", Kind::Truth),
    flag("policy", Kind::Policy),
    flag("progress", Kind::Truth),
    flag("report", PATH),
    key("start_timeout_ms", Kind::Milliseconds),
    key("stuck_after_ms", Kind::MillisecondsOrNever),
    flag("summary", Kind::Truth),
    flag("verbose", Kind::Truth),
];

const fn key(name: &'static str, kind: Kind) -> Key {
    Key {
        name,
        kind,
        flag: false,
    }
}

const fn flag(name: &'static str, kind: Kind) -> Key {
    Key {
        flag: true,
        ..key(name, kind)
    }
}

impl Key {
    /// The key that is called so.
    pub fn named(name: &str) -> Option<&'static Key> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// The key's name in the environment.
    pub fn variable(&self) -> String {
        format!("RTX_{}", self.name.to_ascii_uppercase())
    }

    /// The value that a variable of the environment gives; what it cannot be stays a string, which
    /// [`Kind::wrong`] then complains of.
    pub fn value_of_variable(&self, text: &str) -> Value {
        let number = || text.parse::<u64>().ok().map(Value::from);
        let truth = || text.parse::<bool>().ok().map(Value::from);
        let value = match self.kind {
            Kind::Text(_) | Kind::Boards | Kind::Policy | Kind::Watts => None,
            Kind::Truth => truth(),
            Kind::Milliseconds | Kind::MillisecondsOrNever => number(),
        };
        value.unwrap_or_else(|| Value::from(text))
    }
}

/// What is wrong with a value.
#[derive(Debug, PartialEq)]
pub enum Wrong {
    /// Its type; what it is instead.
    Type(String),
    /// It is too small or too large.
    Range(u64),
    /// A table of a board; why.
    Board(String),
    /// A list or table of policies; why.
    Policy(String),
}

impl Kind {
    /// What a value must be, for people.
    pub fn expected(self) -> &'static str {
        match self {
            Kind::Text(what) => what,
            Kind::Truth => "true or false",
            Kind::Milliseconds | Kind::MillisecondsOrNever => "a number of milliseconds",
            Kind::Boards => "a list of boards in quotes, or tables [[boards]]",
            Kind::Policy => "the name of a policy in quotes",
            Kind::Watts => "idle and busy watts in quotes, such as \"60-180\"",
        }
    }

    /// The form in which values of several forms are kept.
    pub fn plain(self, value: Value) -> Value {
        match self {
            Kind::Policy => policy::of_value(&value).map_or(value, Value::from),
            _ => value,
        }
    }

    /// Whether a value may not be what it is.
    pub fn wrong(self, value: &Value) -> Option<Wrong> {
        let right = match self {
            Kind::Text(_) => value.as_str().is_some(),
            Kind::Truth => value.to_bool().is_some(),
            Kind::Milliseconds | Kind::MillisecondsOrNever => {
                let number = value.to_i128().or(value.to_u128().map(|n| n as i128));
                let Some(ms) = number.filter(|ms| *ms >= 0) else {
                    return Some(Wrong::Type(found(value)));
                };
                let ms = u64::try_from(ms).unwrap_or(u64::MAX);
                let never = self == Kind::MillisecondsOrNever && ms == 0;
                return (!never && !MILLISECONDS.contains(&ms)).then_some(Wrong::Range(ms));
            }
            Kind::Boards => match value {
                Value::Array(_, tables) => {
                    return tables.iter().find_map(BoardEntry::wrong).map(Wrong::Board);
                }
                other => other.as_str().is_some(),
            },
            Kind::Policy => match (value, policy::of_value(value)) {
                (Value::Array(..) | Value::Dict(..), Err(why)) => return Some(Wrong::Policy(why)),
                (_, read) => read.is_ok(),
            },
            Kind::Watts => value.deserialize().is_ok_and(Watts::is_possible),
        };
        (!right).then(|| Wrong::Type(found(value)))
    }
}

fn found(value: &Value) -> String {
    value.to_actual().to_string().replace('`', "")
}

/// Of the names that are known, the one that somebody who wrote `name` probably meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .filter(|(distance, known)| *distance <= 1 + known.len() / 3)
        .min()
        .map(|(_, known)| known)
}

/// The names of all keys, for people.
pub fn names() -> String {
    KEYS.map(|key| key.name).join(", ")
}
