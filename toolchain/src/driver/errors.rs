//! Why rtx-cc fails, and how it says so.

use std::error::Error;
use std::path::PathBuf;

use super::run::RunError;
use super::tools::BackEndError;
use crate::ir::IrError;
use crate::layout::LayoutError;

/// Why there is no output.
#[derive(Debug, thiserror::Error)]
pub enum CcError {
    /// The command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// What cannot be done at all.
    #[error("rtx-cc does not make {0}")]
    Refused(&'static str),
    /// The C library is missing.
    #[error(
        "the C library for rtx programs is not built on this machine. Run `rtx-cc setup` once (it needs the network or --source)"
    )]
    NoLibrary,
    /// A file cannot be read or written.
    #[error("cannot use {}", .0.display())]
    File(PathBuf, #[source] std::io::Error),
    /// An object or archive that is none.
    #[error("{} is not an object or archive: {}", .0.display(), .1)]
    NotAnObject(PathBuf, String),
    /// An object that another compiler made.
    #[error(
        "{0} is not made by rtx-cc; compile its source with rtx-cc, or only the x86-64 file can be written"
    )]
    Foreign(String),
    /// A library that is nowhere.
    #[error("library not found: -l{0}. Build it with CC=rtx-cc and name its directory with -L")]
    NoLibraryFile(String),
    /// libgcc.a is missing.
    #[error("libgcc.a for {0} is missing; install {1}")]
    NoSupport(&'static str, String),
    /// A program failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// LLVM refused something.
    #[error(transparent)]
    Ir(#[from] IrError),
    /// No code can be generated.
    #[error(transparent)]
    BackEnd(#[from] BackEndError),
    /// The addresses do not agree.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// Warnings, with -Werror.
    #[error("warnings are errors (-Werror)")]
    Warned,
}

impl CcError {
    /// A file that cannot be used.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> CcError {
        let path = path.into();
        move |error| CcError::File(path, error)
    }
}

/// The error and its causes as one line.
pub fn line(error: &dyn Error) -> String {
    let mut text = format!("rtx-cc: error: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
