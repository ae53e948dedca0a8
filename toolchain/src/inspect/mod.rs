//! `rtx-cc inspect`: what a program is, for people.

use std::error::Error;
use std::ffi::OsString;

/// Prints what the program named by the arguments is.
///
/// # Errors
/// When it cannot be read.
pub fn command(_arguments: &[OsString]) -> Result<(), Box<dyn Error>> {
    Err("not yet".into())
}
