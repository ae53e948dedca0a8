//! Settings: defaults, then files, then `RTX_*` in the environment, then the flags.
//!
//! [`keys`] is the table of all keys. Each layer becomes a list of [`Setting`]s, looked at as it is read, so
//! that a mistake is told with its place even where a later layer wins; figment joins the layers.
//! [`file`] reads files and says which are looked at, [`boards`], [`policy`] and [`watts`] are the forms of
//! their values in them, [`render`] shows the result.

mod boards;
mod error;
mod file;
mod keys;
mod origin;
mod policy;
mod render;
mod watts;

use std::collections::BTreeMap;
use std::path::PathBuf;

use figment::Figment;
use figment::providers::Serialized;
use figment::value::Value;
use serde::{Deserialize, Serialize};

use crate::cli::SettingFlags;

pub use boards::{BoardEntry, BoardSettings};
pub use error::ConfigError;
pub use keys::{KEYS, Key, Kind};
pub use origin::{Origin, Setting};
pub use render::{json, text};
pub use watts::Watts;

/// Every setting of a job, with its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The policy, as in `--policy`; a list or a table in a file is put into that form.
    pub policy: String,
    /// The boards; `None`: not configured.
    pub boards: Option<BoardSettings>,
    /// Where the report goes.
    pub report: Option<PathBuf>,
    /// Where events go as they happen.
    pub events: Option<PathBuf>,
    /// Where metrics can be fetched, as `ADDRESS:PORT`.
    pub metrics: Option<String>,
    /// Whether the summary is printed at the end.
    pub summary: bool,
    /// Whether a line on the terminal shows what happens.
    pub progress: bool,
    /// Whether to say on stderr what is being done.
    pub verbose: bool,
    /// Whether boards beyond loopback may be used without encryption.
    pub insecure: bool,
    /// A board that is silent for this long counts as lost, in milliseconds.
    pub heartbeat_timeout_ms: u64,
    /// How long to try to reach a board when the job begins, in milliseconds.
    pub connect_timeout_ms: u64,
    /// How long an agent may take until it listens that is started by ssh or srun, in milliseconds.
    pub start_timeout_ms: u64,
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

impl Settings {
    /// Whether somebody wants to know more of the job than its end.
    pub fn is_watched(&self) -> bool {
        self.report.is_some() || self.events.is_some() || self.metrics.is_some() || self.progress
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            policy: "congestion".to_owned(),
            boards: None,
            report: None,
            events: None,
            metrics: None,
            summary: false,
            progress: false,
            verbose: false,
            insecure: false,
            heartbeat_timeout_ms: 5_000,
            connect_timeout_ms: 5_000,
            start_timeout_ms: 60_000,
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
    /// The files that were looked at, and whether they are there.
    pub files: Vec<(PathBuf, bool)>,
    /// Variables `RTX_*` that name no key. They are left alone: other programs have such variables too.
    pub unused: Vec<String>,
    values: Figment,
    origins: BTreeMap<&'static str, Origin>,
}

impl Config {
    /// Where the value of a key came from.
    pub fn origin(&self, name: &str) -> Origin {
        self.origins.get(name).cloned().unwrap_or(Origin::Default)
    }

    /// The value of a key; `None`: there is none, and no default.
    pub fn value(&self, name: &str) -> Option<Value> {
        let value = self.values.find_value(name).ok()?;
        (!matches!(value, Value::Empty(..))).then_some(value)
    }
}

/// Joins defaults, files, environment and flags.
pub fn load(flags: &SettingFlags) -> Result<Config, ConfigError> {
    let mut layers = Vec::new();
    let mut files = Vec::new();
    let usual = file::usual().into_iter().map(|path| (path, false));
    for (path, here) in usual.chain([(PathBuf::from(file::HERE), true)]) {
        let settings = match here {
            true => file::read_here(&path)?,
            false => file::read_if_there(&path)?,
        };
        files.push((path, settings.is_some()));
        layers.extend(settings.unwrap_or_default());
    }
    if let Some(path) = &flags.config {
        layers.extend(file::read(path)?);
        files.push((path.clone(), true));
    }
    layers.extend(environment()?);
    layers.extend(given(flags)?);
    let mut values = Figment::from(Serialized::defaults(Settings::default()));
    let mut origins = BTreeMap::new();
    for Setting { key, value, origin } in layers {
        values = values.merge(Serialized::default(key.name, value));
        origins.insert(key.name, origin);
    }
    let mut settings: Settings = values.extract().expect("each value was looked at");
    for (key, flag, setting) in [
        ("report", &flags.report, &mut settings.report),
        ("events", &flags.events, &mut settings.events),
    ] {
        // Paths need not be UTF-8, which figment's values are.
        if flag.is_some() {
            setting.clone_from(flag);
            let flag = format!("--{key}");
            origins.insert(key, Origin::Flag { flag });
        }
    }
    Ok(Config {
        settings,
        files,
        unused: unused(),
        values,
        origins,
    })
}

fn environment() -> Result<Vec<Setting>, ConfigError> {
    let mut settings = Vec::new();
    for key in &KEYS {
        let variable = key.variable();
        let Some(text) = std::env::var_os(&variable) else {
            continue;
        };
        let Some(text) = text.to_str() else {
            return Err(ConfigError::NotText { variable });
        };
        let value = key.value_of_variable(text);
        let origin = Origin::Environment { variable };
        settings.push(Setting::new(key, key.name, value, origin)?);
    }
    Ok(settings)
}

fn unused() -> Vec<String> {
    let known: Vec<String> = KEYS.iter().map(Key::variable).collect();
    let names = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    let mut unused: Vec<String> = names
        .filter(|name| name.starts_with("RTX_") && !known.contains(name))
        .collect();
    unused.sort();
    unused
}

/// What the flags say, but for paths.
fn given(flags: &SettingFlags) -> Result<Vec<Setting>, ConfigError> {
    let text = |value: &Option<String>| value.as_deref().map(Value::from);
    let truth = |given: bool| given.then(|| Value::from(true));
    let given = [
        ("policy", text(&flags.policy)),
        ("boards", text(&flags.boards)),
        ("metrics", text(&flags.metrics)),
        ("summary", truth(flags.summary)),
        ("progress", truth(flags.progress)),
        ("verbose", truth(flags.verbose)),
        ("insecure", truth(flags.insecure)),
    ];
    let mut settings = Vec::new();
    for (name, value) in given {
        let key = Key::named(name).expect("flags are keys");
        let flag = format!("--{name}");
        if let Some(value) = value {
            settings.push(Setting::new(key, name, value, Origin::Flag { flag })?);
        }
    }
    Ok(settings)
}

#[cfg(test)]
mod tests;
