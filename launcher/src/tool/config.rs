//! `rtx config`: the settings that a run would have.

use crate::cli::SettingFlags;
use crate::config::{self, ConfigError};

pub(super) fn show(flags: &SettingFlags, json: bool) -> Result<String, ConfigError> {
    let config = config::load(flags)?;
    Ok(match json {
        true => config::json(&config),
        false => config::text(&config),
    })
}
