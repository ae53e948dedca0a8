//! The configuration for people, as TOML with the origins as remarks, and for programs.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

use super::{Config, KEYS, Origin};

/// The name of the JSON form.
pub const SCHEMA: &str = "rtx.config.v1";

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    files: Vec<File>,
    values: BTreeMap<&'static str, Line>,
    unused_variables: Vec<String>,
}

#[derive(Serialize)]
struct File {
    path: PathBuf,
    exists: bool,
}

#[derive(Serialize)]
struct Line {
    value: Value,
    from: Origin,
}

/// `{schema, files: [{path, exists}], values: {KEY: {value, from}}, unused_variables}`, where `from`
/// is `{kind: default}`, `{kind: file, path, line}`, `{kind: environment, variable}` or `{kind: flag, flag}`.
pub fn json(config: &Config) -> String {
    let values = KEYS.iter().map(|key| {
        let line = Line {
            value: value(config, key.name),
            from: config.origin(key.name),
        };
        (key.name, line)
    });
    let files = config.files.iter().cloned();
    let document = Document {
        schema: SCHEMA,
        files: files.map(|(path, exists)| File { path, exists }).collect(),
        values: values.collect(),
        unused_variables: config.unused.clone(),
    };
    let text = serde_json::to_string_pretty(&document);
    text.expect("strings, numbers and booleans only") + "\n"
}

/// A TOML file that says the same as all layers together.
pub fn text(config: &Config) -> String {
    let mut out = String::new();
    for (path, exists) in &config.files {
        let there = if *exists { "" } else { " (not there)" };
        let _ = writeln!(out, "# {}{there}", path.display());
    }
    for name in &config.unused {
        let _ = writeln!(out, "# {name} in the environment is no setting");
    }
    out.push('\n');
    for key in &KEYS {
        let line = match toml::Value::try_from(value(config, key.name)) {
            Ok(value) => format!("{} = {value}", key.name),
            // TOML has no word for it.
            Err(_) => format!("# {} is not set", key.name),
        };
        let _ = writeln!(out, "{line:<44}  # {}", config.origin(key.name));
    }
    out
}

fn value(config: &Config, name: &str) -> Value {
    // Paths of flags are not among figment's values.
    let path = match name {
        "report" => config.settings.report.as_ref(),
        "events" => config.settings.events.as_ref(),
        _ => None,
    };
    match path {
        Some(path) => path.to_string_lossy().into(),
        None => serde_json::to_value(config.value(name)).expect("a tree of plain values"),
    }
}
