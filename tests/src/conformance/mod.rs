//! The conformance programs: small programs that must not be able to tell where they run.
//!
//! [`program`] finds and reads them, [`mode`] runs one natively and under `rtx-run`, [`judge`] says
//! what is wrong with a run, [`table`] does all of them in all modes, and [`soak`] runs them and the
//! examples under seed after seed for as long as one likes, beside a [`storm`].

pub mod judge;
pub mod mode;
pub mod open;
pub mod program;
pub mod soak;
pub mod storm;
mod successors;
pub mod table;
pub mod way;
mod workers;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Outcome, Run};

/// The outcome of a run, or what the testbed has to say about it (it hangs, it left something behind).
pub fn outcome(run: Run) -> Result<Outcome, String> {
    outcome_of(|| run.finish())
}

/// The same of something with runs in it.
pub fn outcome_of<T>(what: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(what)).map_err(|panic| words(panic.as_ref()))
}

/// What a panic says.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "it panicked without words".to_owned())
}
