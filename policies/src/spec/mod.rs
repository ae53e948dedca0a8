//! From what a user writes to a policy.
//!
//! [`table`] lists the policies and their parameters; help texts and documents come from it. [`kind`]
//! knows what a parameter's value may be. A [`PolicySpec`] is a chain of policies with parameters, out of
//! a text ([`parse`]), a preset ([`preset`]) or a recording; [`PolicySpec::build`] makes the policy.

mod error;
mod kind;
mod parse;
mod preset;
mod show;
mod table;
mod values;

use serde::{Deserialize, Serialize};

use crate::chain::Chain;
use crate::returning::Returning;
use crate::script::Script;
use crate::{AtSync, Policy};

pub use error::SpecError;
pub use kind::Kind;
pub use parse::{Read, read_nothing};
pub use preset::{PRESETS, Preset};
pub use show::{describe, markdown, overview};
pub use table::{COMMON, POLICIES, Parameter, PolicyInfo, info};
pub use values::Values;

/// Policies with their parameters. The first decision for a thread wins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicySpec {
    /// What the user has written.
    pub text: String,
    /// The policies, in their order.
    pub chain: Vec<Link>,
}

/// One policy of a chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// The name of the policy; of a script its path.
    pub policy: String,
    /// All parameters, those included that nobody has set.
    #[serde(default)]
    pub parameters: Values,
    /// The script itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
}

impl PolicySpec {
    /// Understands what a user has written: `name`, `name:key=value,...`, `name:value`, the name of a
    /// preset, a path that ends in `.rhai` or `.toml`, or several of these joined by `+`. Files are read
    /// by `read`.
    pub fn parse(text: &str, read: Read) -> Result<Self, SpecError> {
        parse::parse(text, read)
    }

    /// The policy, with nothing decided yet.
    pub fn build(&self) -> Result<Box<dyn Policy>, SpecError> {
        let mut links = Vec::new();
        for link in &self.chain {
            links.push(link.build()?);
        }
        let policy = match links.len() {
            0 => return Err(SpecError::Empty),
            1 => links.remove(0),
            _ => Box::new(Chain::new(links)),
        };
        Ok(Box::new(Returning::new(
            self.text.clone(),
            self.at_sync(),
            policy,
        )))
    }

    /// What the first policy that says anything says of synchronisation calls.
    fn at_sync(&self) -> Option<AtSync> {
        let said = self
            .chain
            .iter()
            .find(|link| link.parameters.text("return") != "immediate");
        let Some(values) = said.map(|link| &link.parameters) else {
            return Some(AtSync::Immediate);
        };
        match values.text("return") {
            "sticky" => Some(AtSync::StickyMs(
                u32::try_from(values.ms("sticky")).unwrap_or(u32::MAX),
            )),
            "stay" => Some(AtSync::Stay),
            _ => None,
        }
    }
}

impl Link {
    fn build(&self) -> Result<Box<dyn Policy>, SpecError> {
        if let Some(source) = &self.script {
            return Ok(Box::new(Script::new(&self.policy, source)));
        }
        let Some(info) = info(&self.policy) else {
            return Err(SpecError::unknown(&self.policy));
        };
        // A recording may be of another version.
        let values = self.parameters.completed(info)?;
        (info.build)(&values)
    }
}

/// A new policy, of a text that needs no files.
pub fn by_name(text: &str) -> Result<Box<dyn Policy>, SpecError> {
    PolicySpec::parse(text, &read_nothing)?.build()
}

#[cfg(test)]
mod tests;
