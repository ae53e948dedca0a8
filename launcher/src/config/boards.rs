//! Boards as they stand in a file: a list as in `--boards`, or tables `[[boards]]`.

use figment::value::Value;
use serde::{Deserialize, Serialize};

use super::keys::nearest;
use super::watts::Watts;

/// What the key `boards` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum BoardSettings {
    /// As in `--boards`.
    List(String),
    /// Tables.
    Tables(Vec<BoardEntry>),
}

/// One table `[[boards]]`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BoardEntry {
    /// Where its agent listens (`HOST:PORT`), or how it is started (`ssh:HOST`).
    pub address: String,
    /// What to call it, instead of what it calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Threads of one job that it is to get at most; left out: as many as it says itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<u32>,
    /// Labels for policies: `NAME=VALUE`, or a name alone, which has no value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// What it takes from the wall, in watts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watts: Option<Watts>,
}

const FIELDS: [&str; 5] = ["address", "labels", "name", "slots", "watts"];

impl BoardEntry {
    /// What is wrong with a table, if anything.
    pub fn wrong(table: &Value) -> Option<String> {
        let Some(fields) = table.as_dict() else {
            return Some("each must be a table: [[boards]]".to_owned());
        };
        if let Some(unknown) = fields.keys().find(|key| !FIELDS.contains(&key.as_str())) {
            let nearest = nearest(unknown, FIELDS);
            let meant =
                nearest.map_or(String::new(), |name| format!(" (did you mean \"{name}\"?)"));
            return Some(format!("unknown key \"{unknown}\"{meant}"));
        }
        match table.deserialize::<BoardEntry>() {
            Err(error) => Some(said(&error)),
            Ok(entry) => entry.unfit().map(str::to_owned),
        }
    }

    fn unfit(&self) -> Option<&'static str> {
        if self.name.as_ref().is_some_and(|name| name.is_empty()) {
            return Some("name is empty");
        }
        if self.slots == Some(0) {
            return Some("slots must be at least 1");
        }
        match self.watts {
            Some(watts) if !watts.is_possible() => {
                Some("watts must not be negative, nor idle more than busy")
            }
            _ => None,
        }
    }
}

/// figment's words, with the field that they are about.
pub(super) fn said(error: &figment::Error) -> String {
    let path = error.path.join(".");
    let words = error.kind.to_string().replace('`', "");
    match path.is_empty() {
        true => words,
        false => format!("{path}: {words}"),
    }
}
