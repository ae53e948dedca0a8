//! Why a program cannot be run.

use std::io;
use std::path::{Path, PathBuf};

use super::elf;
use crate::errors::{Explain, status};

/// A program cannot be run.
#[derive(Debug, thiserror::Error)]
#[error("cannot run '{}'", path.display())]
pub struct ProgramError {
    /// The program, as the user named it or as it was found.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub why: Why,
}

/// Why a program cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// The path leads nowhere.
    #[error("no such file or directory")]
    Missing,
    /// No directory of PATH has it.
    #[error("no such file in any directory of PATH")]
    NotInPath,
    /// It cannot be looked at.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is a directory.
    #[error("it is a directory")]
    Directory,
    /// It is a device, a pipe or a socket.
    #[error("it is not a regular file")]
    NotAFile,
    /// It has no execute permission at all.
    #[error("it has no execute permission")]
    NotExecutable,
    /// It has execute permission, but not for us or not here.
    #[error("permission to execute it is denied")]
    Denied,
    /// It may be executed but not read.
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
    /// It begins with `#!`.
    #[error("it is a script for {interpreter}")]
    Script {
        /// What stands after `#!`.
        interpreter: String,
    },
    /// It has no bytes.
    #[error("it is empty")]
    Empty,
    /// It is not ELF.
    #[error("it is not an ELF program")]
    NotElf,
    /// It is ELF for 32-bit machines.
    #[error("it is a 32-bit program ({machine})")]
    ThirtyTwoBit {
        /// The machine it is for.
        machine: String,
    },
    /// It is for another machine.
    #[error("it is built for {machine}, and this machine is {}", elf::HERE)]
    WrongMachine {
        /// The machine it is for.
        machine: String,
    },
    /// It is of rtx-cc and for another machine, and the file for this one is missing.
    #[error("it is a program of rtx-cc, whose file for this machine ({}) would be '{}'", elf::HERE, file.display())]
    OtherFile {
        /// The file that is missing.
        file: PathBuf,
    },
    /// It is ELF, but an object file, a library or a core dump.
    #[error("it is {what}, not a program")]
    NotAProgram {
        /// What it is.
        what: &'static str,
    },
    /// It is dynamically linked.
    #[error("it is dynamically linked (by {interpreter})")]
    Dynamic {
        /// The dynamic linker that it names.
        interpreter: String,
    },
    /// Its headers contradict each other or the file's size.
    #[error("its ELF file is damaged: {what}")]
    Damaged {
        /// What is wrong.
        what: String,
    },
    /// Its set-user-ID or set-group-ID bit is set.
    #[error("it is a {which} file, and the kernel ignores that for a traced program")]
    SetId {
        /// "set-user-ID" or "set-group-ID".
        which: &'static str,
    },
}

impl Explain for ProgramError {
    fn fix(&self) -> Option<String> {
        let path = self.path.display();
        let fix = match &self.why {
            Why::Missing => "Check the path".to_owned(),
            Why::NotInPath if Path::new(".").join(&self.path).is_file() => {
                format!("There is one here: ./{path}")
            }
            Why::NotInPath => "Check the name, or give the path, for instance ./app".to_owned(),
            Why::Io(_) | Why::Unreadable(_) => "Check its owner and mode".to_owned(),
            Why::Directory | Why::NotAFile | Why::NotAProgram { .. } => {
                "Name a statically linked program".to_owned()
            }
            Why::NotExecutable => format!("If it is a program: chmod +x {path}"),
            Why::Denied => {
                "Check its owner and mode, and whether its file system is mounted noexec".to_owned()
            }
            Why::Script { .. } => {
                "Run its interpreter instead, if that is statically linked, with the script as \
                 argument"
                    .to_owned()
            }
            Why::Empty | Why::Damaged { .. } => "Build it or copy it again".to_owned(),
            Why::NotElf => {
                "rtx runs statically linked ELF programs, for instance from musl-gcc -static"
                    .to_owned()
            }
            Why::ThirtyTwoBit { .. } | Why::WrongMachine { .. } => {
                format!("Build it for {}", elf::HERE)
            }
            Why::OtherFile { .. } => {
                "Put that file there, or build the program again with rtx-cc".to_owned()
            }
            Why::Dynamic { .. } => {
                "Link it with -static, for instance: musl-gcc -static".to_owned()
            }
            Why::SetId { .. } => {
                format!("Run it without rtx-run, or take the bit away: chmod ug-s {path}")
            }
        };
        Some(fix)
    }

    fn status(&self) -> u8 {
        match self.why {
            Why::Missing | Why::NotInPath => status::NOT_FOUND,
            _ => status::NOT_RUNNABLE,
        }
    }
}
