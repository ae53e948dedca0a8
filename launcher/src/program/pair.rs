//! Programs of rtx-cc, which are a file for each instruction set (docs/continuations.md).

use std::fs;
use std::path::{Path, PathBuf};

use rtx_runtime::continuations::{Image, ImageError, Pair, PairError, siblings};

use super::elf;
use super::error::{ProgramError, Why};
use super::find;
use crate::errors::Explain;

impl Explain for PairError {
    fn fix(&self) -> Option<String> {
        let fix = match self {
            Self::Read { .. } => "Check its owner and mode",
            Self::Image {
                source: ImageError::Elf(_),
                ..
            } => "Build it again with rtx-cc",
            // The message says it.
            _ => return None,
        };
        Some(fix.to_owned())
    }
}

/// The file to run on this machine for the one that was named, after a look at whether rtx can run it.
pub fn for_here(named: PathBuf) -> Result<PathBuf, Box<dyn Explain>> {
    let Err(error) = elf::check(&named) else {
        return Ok(named);
    };
    let Some(here) = file_for_here(&named, &error.why) else {
        return Err(error.into());
    };
    let failed = |path: &Path, why| ProgramError {
        path: path.to_owned(),
        why,
    };
    match find::executable(&here) {
        Ok(()) => elf::check(&here)?,
        Err(Why::Missing) => {
            let why = Why::OtherFile { file: here };
            return Err(failed(&named, why).into());
        }
        Err(why) => return Err(failed(&here, why).into()),
    }
    // This compares the two.
    match Pair::read(&here)? {
        Some(_) => Ok(here),
        None => Err(PairError::Build {
            first: named,
            second: here,
        }
        .into()),
    }
}

/// Where the file for this machine would be of a program of rtx-cc that is for another.
fn file_for_here(named: &Path, why: &Why) -> Option<PathBuf> {
    if !matches!(why, Why::WrongMachine { .. }) {
        return None;
    }
    // Whatever else is wrong with it, it is for another machine: that is said.
    let image = Image::parse(fs::read(named).ok()?.into()).ok()??;
    let mut files = siblings(named, image.note.isa).into_iter();
    let here = files.find(|(isa, _)| *isa == std::env::consts::ARCH);
    here.map(|(_, file)| file)
}
