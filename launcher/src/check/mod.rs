//! What this machine can do: each thing that rtx needs of the kernel is tried, not guessed from a
//! version number.
//!
//! [`all`] tries everything, for `rtx check`; [`required`] tries what a job cannot do without, for
//! `rtx-run`. [`list`] says what there is to try; the trying stands in [`tracing`], [`faults`],
//! [`memory`], [`machine`] and [`isolation`], over the system calls in [`sys`] and [`child`].
//! [`render`] shows the results.

mod child;
mod faults;
mod isolation;
mod list;
mod machine;
mod memory;
pub mod render;
mod seccomp;
mod sys;
mod tracing;

use serde::Serialize;

use crate::errors::Explain;

pub use list::PROBES;

/// How much depends on a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "grade", content = "feature")]
pub enum Grade {
    /// Without it rtx does not run.
    Required,
    /// Without it the named feature is missing.
    Feature(&'static str),
    /// Without it something is slower, less exact or less locked in.
    Optional,
}

/// What a job needs of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// To watch a program that stays at home.
    Supervise,
    /// To offload its threads.
    Offload,
}

/// One thing to try.
#[derive(Debug, Clone, Copy)]
pub struct Probe {
    /// Its name in `rtx check --json`; never changes.
    pub id: &'static str,
    /// How much depends on it.
    pub grade: Grade,
    /// For required probes: the least job that needs it.
    pub need: Need,
    /// Tries it.
    run: fn() -> Outcome,
}

/// What came of a probe: what was seen, or what is missing.
pub type Outcome = Result<String, Missing>;

/// Something that this machine cannot do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct Missing {
    /// What failed, as in "cannot create a userfaultfd".
    pub what: String,
    /// Why, as in "permission denied".
    pub why: String,
    /// What to do about it.
    pub fix: String,
}

impl Missing {
    fn new(what: &str, why: impl ToString, fix: &str) -> Self {
        Self {
            what: what.to_owned(),
            why: why.to_string(),
            fix: fix.to_owned(),
        }
    }

    /// A system call failed.
    fn call(what: &str, error: &std::io::Error, fix: &str) -> Self {
        Self::new(what, sys::words(error), fix)
    }
}

/// A job cannot run on this machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct CheckError(#[from] pub Missing);

impl Explain for CheckError {
    fn fix(&self) -> Option<String> {
        Some(self.0.fix.clone())
    }
}

/// A probe and what came of it.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The probe.
    pub probe: Probe,
    /// What came of it.
    pub outcome: Outcome,
}

/// Tries everything. Forks; call it before there are threads.
pub fn all() -> Vec<Checked> {
    let check = |probe: &Probe| Checked {
        probe: *probe,
        outcome: (probe.run)(),
    };
    PROBES.iter().map(check).collect()
}

/// Tries what a job with this need cannot do without; the first that is missing is the error.
/// Takes a few milliseconds. Forks; call it before there are threads.
pub fn required(need: Need) -> Result<(), CheckError> {
    let needed = |probe: &&Probe| probe.grade == Grade::Required && probe.need <= need;
    for probe in PROBES.iter().filter(needed) {
        (probe.run)()?;
    }
    Ok(())
}

/// Whether everything required is there.
pub fn passed(checked: &[Checked]) -> bool {
    let fine = |c: &Checked| c.probe.grade != Grade::Required || c.outcome.is_ok();
    checked.iter().all(fine)
}
