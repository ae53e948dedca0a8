//! The text form: `name`, `name:key=value,...`, `name:value:value`, presets, files, chains.

use std::path::Path;

use super::error::SpecError;
use super::preset::{self, PRESETS};
use super::table::{PolicyInfo, info};
use super::values::Values;
use super::{Link, PolicySpec};

/// Reads a file, or says why it cannot.
pub type Read<'a> = &'a dyn Fn(&Path) -> Result<String, String>;

/// For where there are no files.
pub fn read_nothing(_: &Path) -> Result<String, String> {
    Err("files are not read here".to_owned())
}

pub(super) fn parse(text: &str, read: Read) -> Result<PolicySpec, SpecError> {
    let mut chain = Vec::new();
    for part in text.split('+') {
        let part = part.trim();
        if part.is_empty() {
            return Err(SpecError::Empty);
        }
        chain.extend(links(part, read)?);
    }
    let text = text.to_owned();
    Ok(PolicySpec { text, chain })
}

/// What one part of a chain stands for; a preset may be a chain itself.
pub(super) fn links(part: &str, read: Read) -> Result<Vec<Link>, SpecError> {
    let file = |path: &str| {
        read(Path::new(path)).map_err(|why| SpecError::File {
            path: path.to_owned(),
            why,
        })
    };
    if let Some((path, values)) = script_path(part) {
        let source = Some(file(path)?);
        let given = values.split(',').filter(|v| !v.is_empty()).map(pair);
        return Ok(vec![Link {
            policy: path.to_owned(),
            parameters: set_named(path, &[], given)?,
            script: source,
        }]);
    }
    if part.ends_with(".toml") {
        return preset::parse(part, &file(part)?, read);
    }
    if let Some(preset) = PRESETS.iter().find(|p| p.name == part) {
        return preset::parse(preset.file, preset.text, read);
    }
    let (name, values) = match part.split_once(':') {
        Some((name, values)) => (name, Some(values)),
        None => (part, None),
    };
    let info = info(name).ok_or_else(|| SpecError::unknown(name))?;
    let parameters = match values {
        None => Values::defaults(info.parameters),
        Some(text) if text.contains('=') => named(info, text)?,
        Some(text) => bare(info, text)?,
    };
    Ok(vec![Link {
        policy: name.to_owned(),
        parameters,
        script: None,
    }])
}

/// The path of a script, and the parameters that follow it.
fn script_path(part: &str) -> Option<(&str, &str)> {
    match part.split_once(".rhai:") {
        Some((path, values)) => Some((&part[..path.len() + ".rhai".len()], values)),
        None => part.ends_with(".rhai").then_some((part, "")),
    }
}

fn pair(text: &str) -> (&str, &str) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    (name.trim(), value.trim())
}

/// Sets parameters that are given by name.
pub(super) fn set_named<'a>(
    policy: &str,
    own: &[super::Parameter],
    given: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Values, SpecError> {
    let mut values = Values::defaults(own);
    let (mut sticky, mut returns) = (false, false);
    for (name, value) in given {
        values.set(policy, own, name, value)?;
        sticky |= name == "sticky";
        returns |= name == "return";
    }
    if sticky && !returns {
        values.set(policy, own, "return", "sticky")?;
    }
    Ok(values)
}

fn named(info: &PolicyInfo, text: &str) -> Result<Values, SpecError> {
    set_named(info.name, info.parameters, text.split(',').map(pair))
}

fn bare(info: &PolicyInfo, text: &str) -> Result<Values, SpecError> {
    let mut values = Values::defaults(info.parameters);
    let mut parameters = info.parameters.iter();
    for value in text.split(':') {
        let Some(parameter) = parameters.next() else {
            return Err(SpecError::Parameter {
                policy: info.name.to_owned(),
                parameter: value.to_owned(),
                known: format!("no more than {} of its own", info.parameters.len()),
            });
        };
        values.set(info.name, info.parameters, parameter.name, value)?;
    }
    Ok(values)
}
