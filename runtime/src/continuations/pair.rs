//! Finding and comparing the files of a program.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::image::{Image, ImageError};

/// What follows a program's name in the names of its files for other instruction sets than x86-64.
const SUFFIXES: [(&str, &str); 2] = [("x86_64", ""), ("aarch64", ".aarch64")];

/// Why a program's files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// A file makes no sense.
    #[error("cannot use {}", path.display())]
    Image { path: PathBuf, source: ImageError },
    /// It is not what its name says.
    #[error("{} is for {found}, not for {wanted} as its name says; build the program again with rtx-cc", path.display())]
    Isa {
        path: PathBuf,
        found: String,
        wanted: &'static str,
    },
    /// They are of different programs.
    #[error(
        "{} and {} are not of the same build; build both again with rtx-cc, or remove the second", first.display(),
        second.display()
    )]
    Build { first: PathBuf, second: PathBuf },
}

/// A program of `rtx-cc`: the file that runs at home, and those that are there for other instruction
/// sets.
#[derive(Clone, Debug)]
pub struct Pair {
    /// Home's.
    pub home: Image,
    /// All others.
    pub others: Vec<Image>,
}

impl Pair {
    /// Looks at `program`, which runs at home, and for its other files beside it. `None`: it is not of
    /// `rtx-cc`.
    pub fn read(program: &Path) -> Result<Option<Pair>, PairError> {
        let Some(home) = read(program)? else {
            return Ok(None);
        };
        let mut others = Vec::new();
        for (isa, path) in siblings(program, home.note.isa) {
            if !path.exists() {
                continue;
            }
            let build = || PairError::Build {
                first: program.to_owned(),
                second: path.clone(),
            };
            let other = read(&path)?.ok_or_else(build)?;
            if other.note.isa != isa {
                let found = other.note.isa.to_owned();
                let wanted = isa;
                return Err(PairError::Isa {
                    path,
                    found,
                    wanted,
                });
            }
            if other.note.build != home.note.build || other.note.data != home.note.data {
                return Err(build());
            }
            others.push(other);
        }
        Ok(Some(Pair { home, others }))
    }

    /// The file for an instruction set.
    pub fn of(&self, isa: &str) -> Option<&Image> {
        std::iter::once(&self.home)
            .chain(&self.others)
            .find(|image| image.note.isa == isa)
    }

    /// Instruction sets other than home's for which there is a file.
    pub fn other_isas(&self) -> Vec<String> {
        self.others
            .iter()
            .map(|image| image.note.isa.to_owned())
            .collect()
    }

    /// The addresses around `at` that are all each node's own, or all not.
    pub fn extent(&self, at: u64) -> Range<u64> {
        let images = std::iter::once(&self.home).chain(&self.others);
        let parts = images.flat_map(|image| image.own());
        let mut extent = 0..u64::MAX;
        for edge in parts.flat_map(|part| [part.range.start, part.range.end]) {
            if edge <= at {
                extent.start = extent.start.max(edge);
            } else {
                extent.end = extent.end.min(edge);
            }
        }
        extent
    }

    /// Whether something in the range is each node's own, in the file for whatever instruction set.
    pub fn is_own(&self, range: &Range<u64>) -> bool {
        std::iter::once(&self.home)
            .chain(&self.others)
            .any(|image| image.touches(range))
    }
}

fn read(path: &Path) -> Result<Option<Image>, PairError> {
    let failed = |source| PairError::Read {
        path: path.to_owned(),
        source,
    };
    let bytes = fs::read(path).map_err(failed)?;
    Image::parse(bytes.into()).map_err(|source| PairError::Image {
        path: path.to_owned(),
        source,
    })
}

/// Where a program's other files would be, by instruction set.
pub fn siblings(program: &Path, isa: &str) -> Vec<(&'static str, PathBuf)> {
    let name = program.as_os_str().as_encoded_bytes();
    let suffix = SUFFIXES
        .iter()
        .find(|(of, _)| *of == isa)
        .map_or("", |(_, suffix)| suffix);
    let Some(stem) = name.strip_suffix(suffix.as_bytes()) else {
        return Vec::new();
    };
    let others = SUFFIXES.iter().filter(|(of, _)| *of != isa);
    others
        .map(|(of, suffix)| {
            let mut path = stem.to_owned();
            path.extend(suffix.as_bytes());
            use std::os::unix::ffi::OsStringExt;
            (*of, PathBuf::from(std::ffi::OsString::from_vec(path)))
        })
        .collect()
}
