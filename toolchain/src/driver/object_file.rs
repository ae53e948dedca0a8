//! rtx-cc's objects: ordinary x86-64 objects, so that ar, nm and ranlib work, with the bitcode of both
//! front ends in sections of their own.

use std::path::Path;

use object::{Object, ObjectSection};

use super::errors::CcError;
use super::run::run;
use super::tools::llvm;

/// The x86-64 front end's output.
pub const BITCODE: &str = ".rtx.bitcode";
/// The other front end's, cut down to the bodies of its own.
pub const OWN_BITCODE: &str = ".rtx.bitcode.aarch64";
/// Notes as text: `x86-only LOCATION|- REASON`.
pub const INFO: &str = ".rtx.info";

/// What an object holds for rtx-cc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Where it is from, for messages.
    pub origin: String,
    /// The x86-64 front end's output.
    pub bitcode: Vec<u8>,
    /// The other's, if any function needs a body of its own.
    pub own: Option<Vec<u8>>,
    /// Why there is no aarch64 program with this in it.
    pub x86_only: Option<String>,
}

/// Adds sections to the object `object`; `files` are section names and the files with their content.
///
/// # Errors
/// When llvm-objcopy fails.
pub fn add_sections(object: &Path, files: &[(&str, &Path)]) -> Result<(), CcError> {
    let mut command = llvm("llvm-objcopy");
    for (section, file) in files {
        command.arg(format!("--add-section={section}={}", file.display()));
        command.arg(format!("--set-section-flags={section}=exclude,readonly"));
    }
    command.arg(object);
    Ok(run(&mut command)?)
}

/// Reads what an object holds; `None` when another compiler made it.
///
/// # Errors
/// When it is no object.
pub fn read(bytes: &[u8], origin: &str) -> Result<Option<Unit>, CcError> {
    let file = object::File::parse(bytes)
        .map_err(|error| CcError::NotAnObject(origin.into(), error.to_string()))?;
    let section = |name: &str| {
        file.section_by_name(name)
            .and_then(|s| s.data().ok())
            .map(<[u8]>::to_vec)
    };
    let Some(bitcode) = section(BITCODE) else {
        return Ok(None);
    };
    let info = String::from_utf8_lossy(&section(INFO).unwrap_or_default()).into_owned();
    Ok(Some(Unit {
        origin: origin.to_owned(),
        bitcode,
        own: section(OWN_BITCODE).filter(|bytes| !bytes.is_empty()),
        x86_only: info
            .lines()
            .find_map(|line| line.strip_prefix("x86-only "))
            .map(ToOwned::to_owned),
    }))
}
