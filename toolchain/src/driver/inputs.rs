//! What goes into a link: objects, and those members of archives that are needed, as a linker chooses.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use object::read::archive::ArchiveFile;
use object::{Object, ObjectSymbol};

use super::errors::CcError;
use super::object_file::{self, Unit};

/// Libraries that musl has in libc.
const IN_LIBC: [&str; 8] = ["c", "m", "pthread", "rt", "dl", "util", "crypt", "resolv"];

/// Everything that is linked.
#[derive(Debug, Default)]
pub struct Inputs {
    /// What rtx-cc compiled, in order.
    pub units: Vec<Unit>,
    /// Objects that others compiled, for x86-64 only: as files, and why.
    pub foreign: Vec<(PathBuf, String)>,
    defined: HashSet<String>,
    wanted: HashSet<String>,
    archives: Vec<Archive>,
}

#[derive(Debug)]
struct Archive {
    members: Vec<Option<Member>>,
}

#[derive(Debug)]
struct Member {
    origin: String,
    bytes: Vec<u8>,
    defined: Vec<String>,
}

/// The file of `-lNAME`: `None` when libc has it.
///
/// # Errors
/// When there is no such library.
pub fn find_library(name: &str, directories: &[PathBuf]) -> Result<Option<PathBuf>, CcError> {
    let found = directories
        .iter()
        .map(|d| d.join(format!("lib{name}.a")))
        .find(|path| path.exists());
    match found {
        Some(path) => Ok(Some(path)),
        None if IN_LIBC.contains(&name)
            || name == "gcc"
            || name == "gcc_eh"
            || name == "atomic" =>
        {
            Ok(None)
        }
        None => Err(CcError::NoLibraryFile(name.to_owned())),
    }
}

impl Inputs {
    /// Adds an object or archive.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn add(&mut self, path: &Path, scratch: &Path) -> Result<(), CcError> {
        let bytes = std::fs::read(path).map_err(CcError::file(path))?;
        let origin = path.display().to_string();
        if bytes.starts_with(b"!<thin>") {
            return Err(CcError::NotAnObject(
                path.into(),
                "it is a thin archive; make it without T".to_owned(),
            ));
        }
        if bytes.starts_with(b"!<arch>\n") {
            self.archives.push(read_archive(&bytes, &origin)?);
            return self.choose(scratch);
        }
        self.take(bytes, &origin, scratch)
    }

    /// Whether something wants a symbol for which `is_it` holds, and nothing has it.
    pub fn wants(&self, is_it: impl Fn(&str) -> bool) -> bool {
        self.wanted.iter().any(|name| is_it(name))
    }

    /// Lets archives be searched for a symbol.
    pub fn want(&mut self, symbol: &str) {
        if !self.defined.contains(symbol) {
            self.wanted.insert(symbol.to_owned());
        }
    }

    /// Chooses members of the archives again, until nothing is wanted that they have.
    ///
    /// # Errors
    /// When a member cannot be read.
    pub fn choose(&mut self, scratch: &Path) -> Result<(), CcError> {
        loop {
            let mut next = None;
            for archive in &mut self.archives {
                next = archive.members.iter_mut().find_map(|slot| {
                    let needed = slot.as_ref().is_some_and(|member| {
                        member.defined.iter().any(|s| self.wanted.contains(s))
                    });
                    if needed { slot.take() } else { None }
                });
                if next.is_some() {
                    break;
                }
            }
            let Some(member) = next else { return Ok(()) };
            self.take(member.bytes, &member.origin, scratch)?;
        }
    }

    fn take(&mut self, bytes: Vec<u8>, origin: &str, scratch: &Path) -> Result<(), CcError> {
        let (defined, wanted) = symbols(&bytes, origin)?;
        self.defined.extend(defined);
        self.wanted.extend(wanted);
        self.wanted.retain(|name| !self.defined.contains(name));
        match object_file::read(&bytes, origin)? {
            Some(unit) => self.units.push(unit),
            None => {
                let file = scratch.join(format!("foreign{}.o", self.foreign.len()));
                std::fs::write(&file, &bytes).map_err(CcError::file(&file))?;
                self.foreign.push((file, origin.to_owned()));
            }
        }
        Ok(())
    }

    /// Symbols that objects of other compilers need.
    ///
    /// # Errors
    /// When such an object cannot be read.
    pub fn wanted_by_foreign(&self) -> Result<HashSet<String>, CcError> {
        let mut all = HashSet::new();
        for (file, origin) in &self.foreign {
            let bytes = std::fs::read(file).map_err(CcError::file(file))?;
            all.extend(symbols(&bytes, origin)?.1);
        }
        Ok(all)
    }
}

fn read_archive(bytes: &[u8], origin: &str) -> Result<Archive, CcError> {
    let wrong = |error: object::Error| CcError::NotAnObject(origin.into(), error.to_string());
    let archive = ArchiveFile::parse(bytes).map_err(wrong)?;
    let mut members = Vec::new();
    for member in archive.members() {
        let member = member.map_err(wrong)?;
        let name = format!("{origin}({})", String::from_utf8_lossy(member.name()));
        let content = member.data(bytes).map_err(wrong)?.to_vec();
        if object::File::parse(&*content).is_err() {
            continue;
        }
        let (defined, _) = symbols(&content, &name)?;
        members.push(Some(Member {
            origin: name,
            bytes: content,
            defined,
        }));
    }
    Ok(Archive { members })
}

/// The global symbols that an object defines, and those it needs.
pub fn symbols(bytes: &[u8], origin: &str) -> Result<(Vec<String>, Vec<String>), CcError> {
    let file = object::File::parse(bytes)
        .map_err(|error| CcError::NotAnObject(origin.into(), error.to_string()))?;
    let (mut defined, mut wanted) = (Vec::new(), Vec::new());
    for symbol in file.symbols().filter(ObjectSymbol::is_global) {
        let Ok(name) = symbol.name() else { continue };
        if symbol.is_undefined() {
            // An undefined weak symbol takes nothing out of archives.
            if !symbol.is_weak() {
                wanted.push(name.to_owned());
            }
        } else {
            defined.push(name.to_owned());
        }
    }
    Ok((defined, wanted))
}

/// The global symbols that the members of an archive name, defined or not.
///
/// # Errors
/// When it cannot be read.
pub fn all_symbols(path: &Path) -> Result<HashSet<String>, CcError> {
    let bytes = std::fs::read(path).map_err(CcError::file(path))?;
    let origin = path.display().to_string();
    let wrong = |error: object::Error| CcError::NotAnObject(path.into(), error.to_string());
    let mut names = HashSet::new();
    for member in ArchiveFile::parse(&*bytes).map_err(wrong)?.members() {
        let member = member.map_err(wrong)?;
        let content = member.data(&*bytes).map_err(wrong)?;
        let (defined, wanted) = symbols(content, &origin)?;
        names.extend(defined);
        names.extend(wanted);
    }
    Ok(names)
}
