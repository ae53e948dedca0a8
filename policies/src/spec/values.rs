//! The parameters of one policy: every one of them has a value that it takes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::SpecError;
use super::kind;
use super::table::{COMMON, Parameter, PolicyInfo};

/// Values by name, as they are written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Values(BTreeMap<String, String>);

impl Values {
    /// The defaults of a policy's parameters, or of the common ones.
    pub(crate) fn defaults(own: &[Parameter]) -> Self {
        let all = own.iter().chain(COMMON);
        let pairs = all.map(|p| (p.name.to_owned(), p.default.to_owned()));
        Self(pairs.collect())
    }

    /// Sets one parameter.
    pub(super) fn set(
        &mut self,
        policy: &str,
        own: &[Parameter],
        name: &str,
        value: &str,
    ) -> Result<(), SpecError> {
        let all = || own.iter().chain(COMMON);
        let Some(parameter) = all().find(|p| p.name == name) else {
            let known: Vec<&str> = all().map(|p| p.name).collect();
            return Err(SpecError::Parameter {
                policy: policy.to_owned(),
                parameter: name.to_owned(),
                known: known.join(", "),
            });
        };
        if !parameter.kind.admits(value) {
            let expected = parameter.kind.expected();
            return Err(SpecError::value(policy, name, value, expected));
        }
        self.0.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// These values, checked, and the defaults of those that are missing.
    pub(super) fn completed(&self, info: &PolicyInfo) -> Result<Self, SpecError> {
        let mut values = Self::defaults(info.parameters);
        for (name, value) in &self.0 {
            values.set(info.name, info.parameters, name, value)?;
        }
        Ok(values)
    }

    /// Each name with its value, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// A value as it is written; empty if there is none.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// A time, in milliseconds.
    pub fn ms(&self, name: &str) -> u64 {
        kind::ms(self.text(name)).unwrap_or_default()
    }

    /// A time, in seconds.
    pub fn seconds(&self, name: &str) -> f64 {
        self.ms(name) as f64 / 1000.0
    }

    /// A percentage as a share of 1.
    pub fn share(&self, name: &str) -> f64 {
        self.number(name) / 100.0
    }

    /// A number.
    pub fn number(&self, name: &str) -> f64 {
        kind::number(self.text(name)).unwrap_or_default()
    }

    /// A whole number.
    pub fn count(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or_default()
    }

    /// An amount of memory, in bytes.
    pub fn bytes(&self, name: &str) -> u64 {
        kind::mib(self.text(name))
            .unwrap_or_default()
            .saturating_mul(1 << 20)
    }

    /// Pairs.
    pub fn pairs(&self, name: &str) -> Vec<(String, String)> {
        kind::pairs(self.text(name)).unwrap_or_default()
    }
}
