//! `rtx policies`: what policies there are. `rtx replay`: what one decides on a recording.

use std::path::Path;

use rtx_policies::SpecError;
use rtx_policies::spec;

use crate::errors::Explain;
use crate::replay::{self, ReplayError};

/// There is no policy of this name.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct NoPolicy(SpecError);

impl Explain for NoPolicy {
    fn fix(&self) -> Option<String> {
        // The message lists the known ones.
        None
    }
}

pub(super) fn show(name: Option<&str>, markdown: bool) -> Result<String, NoPolicy> {
    let Some(name) = name else {
        return Ok(match markdown {
            true => spec::markdown(),
            false => {
                let all = spec::overview();
                format!("{all}\nrtx policies NAME describes one with its parameters.\n")
            }
        });
    };
    if let Some(policy) = spec::info(name) {
        return Ok(spec::describe(policy));
    }
    let preset = spec::PRESETS.iter().find(|preset| preset.name == name);
    preset.map(|preset| preset.text.to_owned()).ok_or_else(|| {
        NoPolicy(SpecError::Name {
            name: name.to_owned(),
        })
    })
}

/// The text, and whether the recorded policy has decided as was recorded.
pub(super) fn replay(
    file: &Path,
    policy: Option<&str>,
    json: bool,
) -> Result<(String, bool), ReplayError> {
    let replayed = replay::run(file, policy)?;
    let text = match json {
        true => serde_json::to_string_pretty(&replayed).expect("plain data") + "\n",
        false => replayed.text(),
    };
    Ok((text, !replayed.failed()))
}
