//! Presets: policies with parameters for a purpose, as TOML.
//!
//! ```toml
//! summary = "What it is for"
//! chain = ["guard-memory", { policy = "congestion", horizon = "30s", return = "auto" }]
//! ```
//!
//! `policy` may be the path of a script (`.rhai`), and `script = "..."` is the same.

use toml::{Table, Value};

use super::error::SpecError;
use super::parse::{self, Read};
use super::table::info;
use super::{Link, parse::links};

/// A preset that comes with rtx.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// Its name, which stands where a policy's may.
    pub name: &'static str,
    /// Its file.
    pub file: &'static str,
    /// What stands in it.
    pub text: &'static str,
}

macro_rules! presets {
    ($($name:literal)*) => {
        &[$(Preset {
            name: $name,
            file: concat!($name, ".toml"),
            text: include_str!(concat!("../../presets/", $name, ".toml")),
        }),*]
    };
}

/// The presets that come with rtx, sorted by name.
pub const PRESETS: &[Preset] =
    presets!["busy-server" "fast-network" "save-energy" "slow-network" "small-boards"];

impl Preset {
    /// What it is for.
    pub fn summary(&self) -> String {
        let table: Table = self.text.parse().unwrap_or_default();
        let summary = table.get("summary").and_then(Value::as_str);
        summary.unwrap_or_default().to_owned()
    }
}

pub(super) fn parse(file: &str, text: &str, read: Read) -> Result<Vec<Link>, SpecError> {
    let wrong = |what: &str| SpecError::Preset {
        place: file.to_owned(),
        what: what.to_owned(),
    };
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map(|span| {
            let before = &text.as_bytes()[..span.start.min(text.len())];
            1 + before.iter().filter(|b| **b == b'\n').count()
        });
        SpecError::Preset {
            place: line.map_or(file.to_owned(), |line| format!("{file}:{line}")),
            what: error.message().to_owned(),
        }
    })?;
    if let Some(key) = table
        .keys()
        .find(|k| !["summary", "chain"].contains(&k.as_str()))
    {
        return Err(wrong(&format!(
            "unknown key {key}: it has summary and chain"
        )));
    }
    let Some(Value::Array(chain)) = table.get("chain") else {
        return Err(wrong("chain must be a list of policies"));
    };
    let mut all = Vec::new();
    for item in chain {
        match item {
            Value::String(text) if text.ends_with(".toml") => {
                return Err(wrong("a preset file cannot use another one"));
            }
            Value::String(text) => all.extend(links(text, read)?),
            Value::Table(table) => all.push(link(file, table, read)?),
            _ => return Err(wrong("each policy of chain must be a name or a table")),
        }
    }
    match all.is_empty() {
        true => Err(wrong("chain names no policy")),
        false => Ok(all),
    }
}

/// A policy that is written as a table of its parameters.
fn link(file: &str, table: &Table, read: Read) -> Result<Link, SpecError> {
    let wrong = |what: String| SpecError::Preset {
        place: file.to_owned(),
        what,
    };
    let name = ["policy", "script"].iter().find_map(|k| table.get(*k));
    let Some(name) = name.and_then(Value::as_str) else {
        return Err(wrong("a policy's table needs policy = \"NAME\"".to_owned()));
    };
    let mut given = Vec::new();
    for (key, value) in table
        .iter()
        .filter(|(k, _)| !["policy", "script"].contains(&k.as_str()))
    {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            // placement = { 1 = "board-1", worker = "home" }
            Value::Table(pairs) => pairs_of(pairs)
                .ok_or_else(|| wrong(format!("each value of {key} must be in quotes")))?,
            _ => return Err(wrong(format!("{key} must be a number or in quotes"))),
        };
        given.push((key.as_str(), text));
    }
    let given = given.iter().map(|(k, v)| (*k, v.as_str()));
    if name.ends_with(".rhai") {
        let mut link = links(name, read)?.remove(0);
        link.parameters = parse::set_named(name, &[], given)?;
        return Ok(link);
    }
    let info = info(name).ok_or_else(|| SpecError::unknown(name))?;
    Ok(Link {
        policy: name.to_owned(),
        parameters: parse::set_named(name, info.parameters, given)?,
        script: None,
    })
}

fn pairs_of(table: &Table) -> Option<String> {
    let pair = |(key, value): (&String, &Value)| Some(format!("{key}@{}", value.as_str()?));
    let pairs: Option<Vec<String>> = table.iter().map(pair).collect();
    Some(pairs?.join("/"))
}
