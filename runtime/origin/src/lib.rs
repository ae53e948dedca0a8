//! Which compiler made a program, as far as moving its threads between instruction sets goes: `rtx-cc`,
//! which leaves a [`note`]; that of Popcorn Linux or HetMigrate, whose signs are in [`popcorn`]; or another.
//! What runs programs and what builds them both ask here.

pub mod note;
mod popcorn;

use object::LittleEndian;
use object::elf::FileHeader64;
use object::read::{ReadRef, Result};

pub use note::{Note, NoteError};

/// The ending of the name of a clone by which `rtx-cc` has a function take up its frames.
pub const RESUME_SUFFIX: &str = ".rtx.resume";

type Header = FileHeader64<LittleEndian>;

/// Who made a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `rtx-cc`; the description of its note, for [`Note::parse`].
    Rtx(Vec<u8>),
    /// The compiler of Popcorn Linux or HetMigrate; the names of sections and symbols that gave it away.
    Popcorn(Vec<String>),
    /// Some other compiler.
    Other,
}

impl Origin {
    /// Looks at an ELF file of 64 bits, little-endian; only at its headers, names and notes.
    ///
    /// # Errors
    /// When it is not such a file.
    pub fn of<'data, R: ReadRef<'data>>(file: R) -> Result<Origin> {
        if let Some(description) = note::find(file)? {
            return Ok(Origin::Rtx(description.to_vec()));
        }
        let signs = popcorn::signs(file);
        Ok(match signs.is_empty() {
            true => Origin::Other,
            false => Origin::Popcorn(signs),
        })
    }

    /// Its name in reports: "rtx-cc" or "popcorn"; `None`: another compiler.
    pub fn name(&self) -> Option<&'static str> {
        match self {
            Origin::Rtx(_) => Some("rtx-cc"),
            Origin::Popcorn(_) => Some("popcorn"),
            Origin::Other => None,
        }
    }
}

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
