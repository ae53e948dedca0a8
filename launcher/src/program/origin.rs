//! Which compiler made a program.

use std::fs::File;
use std::path::{Path, PathBuf};

use object::read::ReadCache;
use rtx_origin::Origin;

use super::error::{ProgramError, Why};

/// Looks at the file of a program, which a process executes already or is to.
pub fn origin(program: &Path, process: Option<i32>) -> Result<Origin, ProgramError> {
    // Through the link: the file may have been deleted or replaced since.
    let path = process.map_or(program.to_owned(), |pid| {
        PathBuf::from(format!("/proc/{pid}/exe"))
    });
    let failed = |why| ProgramError {
        path: program.to_owned(),
        why,
    };
    let file = File::open(path).map_err(|error| failed(Why::Unreadable(error)))?;
    Origin::of(&ReadCache::new(file)).map_err(|error| {
        failed(Why::Damaged {
            what: error.to_string(),
        })
    })
}
