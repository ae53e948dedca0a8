//! Finding and comparing the files of a program.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::ops::Range;
use std::os::unix::ffi::OsStringExt;
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
    /// The name of its file for x86-64, without directories.
    pub name: String,
    /// Home's.
    pub home: Image,
    /// All others.
    pub others: Vec<Image>,
}

impl Pair {
    /// Looks at `program`, which runs at home, and for its other files beside it. `None`: it is not of
    /// `rtx-cc`.
    pub fn read(program: &Path) -> Result<Option<Pair>, PairError> {
        Self::read_as(program, program)
    }

    /// The same, where home's file is to be read at another path than the one at which it is, or was
    /// (/proc/PID/exe).
    pub fn read_as(file: &Path, program: &Path) -> Result<Option<Pair>, PairError> {
        let Some(home) = read(file)? else {
            return Ok(None);
        };
        let mut others = Vec::new();
        for (isa, path) in siblings(program, home.note.isa) {
            let build = || PairError::Build {
                first: program.to_owned(),
                second: path.clone(),
            };
            let other = match read(&path) {
                Err(PairError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                    continue;
                }
                other => other?.ok_or_else(build)?,
            };
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
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        let name = name.strip_suffix(suffix(home.note.isa)).unwrap_or(&name);
        Ok(Some(Pair {
            name: name.to_owned(),
            home,
            others,
        }))
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

fn suffix(isa: &str) -> &'static str {
    let known = SUFFIXES.iter().find(|(of, _)| *of == isa);
    known.map_or("", |(_, suffix)| suffix)
}

/// The name of a program's file for an instruction set, from the name of that for x86-64.
pub fn file_name(name: &str, isa: &str) -> String {
    format!("{name}{}", suffix(isa))
}

/// Where a program's other files would be, by instruction set.
pub fn siblings(program: &Path, isa: &str) -> Vec<(&'static str, PathBuf)> {
    let name = program.as_os_str().as_encoded_bytes();
    let Some(stem) = name.strip_suffix(suffix(isa).as_bytes()) else {
        return Vec::new();
    };
    let others = SUFFIXES.iter().filter(|(of, _)| *of != isa);
    others
        .map(|(of, suffix)| {
            let mut path = stem.to_owned();
            path.extend(suffix.as_bytes());
            (*of, PathBuf::from(OsString::from_vec(path)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::continuations::NoteError;
    use crate::continuations::sample::Sample;

    /// A directory of a test's own.
    struct Directory(PathBuf);

    impl Directory {
        fn new(test: &str) -> Self {
            let name = format!("rtx-pair-{}-{test}", std::process::id());
            let path = std::env::temp_dir().join(name);
            let _ = fs::remove_dir_all(&path);
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn file(&self, name: &str, sample: &Sample) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, sample.bytes()).unwrap();
            path
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_program_is_found_from_either_file() {
        let directory = Directory::new("found");
        let x86 = directory.file("app", &Sample::new("x86_64", 1));
        let alone = Pair::read(&x86).unwrap().unwrap();
        assert_eq!((alone.name.as_str(), alone.others.len()), ("app", 0));
        assert!(alone.of("x86_64").is_some() && alone.of("aarch64").is_none());
        let arm = directory.file("app.aarch64", &Sample::new("aarch64", 1));
        for (home, isa) in [(&x86, "x86_64"), (&arm, "aarch64")] {
            let pair = Pair::read(home).unwrap().unwrap();
            assert_eq!((pair.name.as_str(), pair.home.note.isa), ("app", isa));
            let other = pair.others[0].note.isa;
            assert!(other != isa && pair.of(other).is_some());
            assert!(pair.is_own(&(0x43_2000..0x43_3000)));
            assert!(!pair.is_own(&(0x42_0000..0x43_0000)));
        }
        // Home's file is gone from where it was.
        let moved = directory.0.join("moved");
        fs::rename(&x86, &moved).unwrap();
        let pair = Pair::read_as(&moved, &x86).unwrap().unwrap();
        assert_eq!((pair.name.as_str(), pair.others.len()), ("app", 1));
    }

    #[test]
    fn files_that_do_not_belong_together_are_refused() {
        let directory = Directory::new("refused");
        let home = directory.file("app", &Sample::new("x86_64", 1));
        let refused = |sample: &Sample| {
            directory.file("app.aarch64", sample);
            Pair::read(&home).unwrap_err()
        };
        let error = refused(&Sample::new("aarch64", 2));
        assert!(matches!(error, PairError::Build { .. }), "{error}");
        let mut moved = Sample::new("aarch64", 1);
        moved.note.as_mut().unwrap()[81] = 1; // another end of the shared data
        moved.segments.truncate(3);
        let error = refused(&moved);
        assert!(matches!(error, PairError::Build { .. }), "{error}");
        let error = refused(&Sample::new("x86_64", 1));
        assert!(matches!(error, PairError::Isa { .. }), "{error}");
        let mut other = Sample::new("aarch64", 1);
        other.note = None;
        let error = refused(&other);
        assert!(matches!(error, PairError::Build { .. }), "{error}");
        let mut newer = Sample::new("aarch64", 1);
        newer.note.as_mut().unwrap()[0] = 9;
        let error = refused(&newer);
        let version = ImageError::Note(NoteError::Version(9)).to_string();
        assert!(
            matches!(&error, PairError::Image { source, .. } if source.to_string() == version),
            "{error}"
        );
        // Whatever lies beside a program of another compiler is none of its business.
        let mut plain = Sample::new("x86_64", 1);
        plain.note = None;
        let plain = directory.file("app", &plain);
        assert!(Pair::read(&plain).unwrap().is_none());
        let nothing = Pair::read(&directory.0.join("none")).unwrap_err();
        assert!(matches!(nothing, PairError::Read { .. }), "{nothing}");
    }

    #[test]
    fn the_names_of_files_follow_from_each_other() {
        let of = |name: &str, isa| siblings(Path::new(name), isa);
        let (x86, arm) = (PathBuf::from("/b/app"), PathBuf::from("/b/app.aarch64"));
        assert_eq!(of("/b/app", "x86_64"), [("aarch64", arm)]);
        assert_eq!(of("/b/app.aarch64", "aarch64"), [("x86_64", x86)]);
        assert_eq!(of("/b/app", "aarch64"), []);
        assert_eq!(file_name("app", "aarch64"), "app.aarch64");
        assert_eq!(file_name("app", "x86_64"), "app");
    }
}
