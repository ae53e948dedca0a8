//! Settings: defaults, then a TOML file, then `RTX_*` in the environment, then the flags.
//!
//! figment joins the layers and remembers where each value came from; [`file`] finds the line of a
//! key in the TOML text, so that a mistake is told with file and line. [`keys`] lists the keys.

mod error;
mod file;
mod keys;
mod policy;
mod watts;

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Serialized};
use serde::{Deserialize, Serialize};

use crate::cli::Flags;

pub use error::ConfigError;
use file::ConfigFile;
pub use keys::{KEYS, Key};
pub use watts::Watts;

/// Every setting of a job, with its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The policy, as in `--policy`; a list or a table in the file is put into that form.
    #[serde(deserialize_with = "policy::text")]
    pub policy: String,
    /// The list of boards, as in `--boards`; `None`: not configured.
    pub boards: Option<String>,
    /// Where the report goes.
    pub report: Option<PathBuf>,
    /// Whether the summary is printed at the end.
    pub summary: bool,
    /// Whether to say on stderr what is being done.
    pub verbose: bool,
    /// Whether boards beyond loopback may be used without encryption and authentication.
    pub insecure: bool,
    /// A board that is silent for this long counts as lost, in milliseconds.
    pub heartbeat_timeout_ms: u64,
    /// How long to try to reach a board when the job begins, in milliseconds.
    pub connect_timeout_ms: u64,
    /// What has not gone on for this long (a page that does not come, a thread that does not come
    /// back) is told on stderr, with the state of the job; in milliseconds, 0: never.
    pub stuck_after_ms: u64,
    /// Whether threads of programs of rtx-cc move at their equivalence points only, between machines of
    /// one instruction set too: to try out what happens between different ones.
    pub only_at_points: bool,
    /// What home takes from the wall with nothing to do and with all cores busy, for policy energy and the
    /// report.
    pub home_watts: Option<Watts>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            policy: "congestion".to_owned(),
            boards: None,
            report: None,
            summary: false,
            verbose: false,
            insecure: false,
            heartbeat_timeout_ms: 5_000,
            connect_timeout_ms: 5_000,
            stuck_after_ms: 60_000,
            only_at_points: false,
            home_watts: None,
        }
    }
}

/// The settings of this job, and where each came from.
#[derive(Debug)]
pub struct Config {
    /// The settings.
    pub settings: Settings,
    figment: Figment,
    file: Option<ConfigFile>,
}

/// What the flags say about settings; `None` leaves what the other layers say. The report's path
/// is not among them: it need not be UTF-8, which figment's values are.
#[derive(Serialize)]
struct Overrides<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    boards: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbose: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    insecure: Option<bool>,
}

/// Joins defaults, file, environment and flags.
///
/// Variables `RTX_*` that name no key are left alone: other programs have such variables too.
pub fn load(flags: &Flags) -> Result<Config, ConfigError> {
    let file = flags.config.as_deref().map(ConfigFile::read).transpose()?;
    let mut figment = Figment::from(Serialized::defaults(Settings::default()));
    if let Some(file) = &file {
        figment = figment.merge(file);
    }
    let names: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
    let figment = figment
        .merge(Env::prefixed("RTX_").only(&names))
        .merge(Serialized::defaults(Overrides {
            policy: flags.policy.as_deref(),
            boards: flags.boards.as_deref(),
            summary: flags.summary.then_some(true),
            verbose: flags.verbose.then_some(true),
            insecure: flags.insecure.then_some(true),
        }));
    let extracted = figment.extract::<Settings>();
    let mut config = Config {
        settings: Settings::default(),
        figment,
        file,
    };
    config.settings = extracted.map_err(|error| config.wrong_type(&error))?;
    if flags.report.is_some() {
        config.settings.report.clone_from(&flags.report);
    }
    config.check_ranges()?;
    Ok(config)
}

impl Config {
    /// Where the value of a key came from, as the beginning of a message: `rtx.toml:3: `,
    /// `RTX_POLICY: ` or nothing (a flag or a default, which need no telling).
    pub fn origin(&self, key: &str) -> String {
        let Some(metadata) = self.figment.find_metadata(key) else {
            return String::new();
        };
        let file = metadata.source.as_ref().and_then(|s| s.file_path());
        self.place(key, file, metadata.name.contains("environment"))
    }

    fn place(&self, key: &str, file: Option<&Path>, environment: bool) -> String {
        match (&self.file, file) {
            (Some(text), Some(_)) => format!("{}: ", text.place_of(key)),
            _ if environment => format!("{}: ", keys::variable(key)),
            _ => String::new(),
        }
    }

    fn wrong_type(&self, error: &figment::Error) -> ConfigError {
        use figment::error::Kind;
        let key = error.path.first().cloned().unwrap_or_default();
        let metadata = error.metadata.as_ref();
        let file = metadata.and_then(|m| m.source.as_ref()?.file_path());
        let environment = metadata.is_some_and(|m| m.name.contains("environment"));
        let found = match &error.kind {
            Kind::InvalidType(found, _) | Kind::InvalidValue(found, _) => found.to_string(),
            other => other.to_string(),
        };
        ConfigError::WrongType {
            place: self.place(&key, file, environment),
            expected: keys::expected(&key),
            key,
            found: found.replace('`', ""),
        }
    }

    fn check_ranges(&self) -> Result<(), ConfigError> {
        let settings = &self.settings;
        for (key, value) in [
            ("heartbeat_timeout_ms", settings.heartbeat_timeout_ms),
            ("connect_timeout_ms", settings.connect_timeout_ms),
            ("stuck_after_ms", settings.stuck_after_ms),
        ] {
            let endless = key == "stuck_after_ms" && value == 0;
            if !endless && !keys::MILLISECONDS.contains(&value) {
                return Err(ConfigError::OutOfRange {
                    place: self.origin(key),
                    key,
                    value,
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
