//! What kind of file a program is: only statically linked ELF programs of this machine can run.

use std::fs::{File, Metadata};
use std::io::{Read, Seek};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use object::elf::{self, FileHeader64, ProgramHeader64};
use object::endian::Endianness;
use object::read::ReadCache;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};

use super::error::{ProgramError, Why};

#[cfg(target_arch = "x86_64")]
const MACHINE: elf::Machine = elf::EM_X86_64;
#[cfg(target_arch = "aarch64")]
const MACHINE: elf::Machine = elf::EM_AARCH64;

/// What people call this machine.
#[cfg(target_arch = "x86_64")]
pub const HERE: &str = "x86-64";
/// What people call this machine.
#[cfg(target_arch = "aarch64")]
pub const HERE: &str = "ARM64";

/// Size of a 64-bit ELF header.
const HEADER: usize = 64;

/// Looks at a file that may be executed and says whether rtx can run it. Reads only its headers.
pub fn check(path: &Path) -> Result<(), ProgramError> {
    let failed = |why| ProgramError {
        path: path.to_owned(),
        why,
    };
    let file = File::open(path).map_err(|error| failed(Why::Unreadable(error)))?;
    check_file(file).map_err(failed)
}

fn check_file(mut file: File) -> Result<(), Why> {
    let metadata = file.metadata()?;
    let mut start = Vec::with_capacity(4096);
    (&mut file).take(4096).read_to_end(&mut start)?;
    check_identity(&start)?;
    file.rewind()?;
    check_headers(file, &start, metadata.len())?;
    check_mode(&metadata)
}

/// Looks at the first bytes: is it ELF, for this machine?
fn check_identity(start: &[u8]) -> Result<(), Why> {
    if start.is_empty() {
        return Err(Why::Empty);
    }
    if let Some(rest) = start.strip_prefix(b"#!") {
        let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let interpreter = String::from_utf8_lossy(line).trim().to_owned();
        return Err(Why::Script { interpreter });
    }
    if !start.starts_with(&elf::ELFMAG) {
        return Err(Why::NotElf);
    }
    if start.len() < HEADER {
        return Err(damaged("it ends within the header"));
    }
    let machine_bytes = [start[18], start[19]];
    let machine = elf::Machine(match elf::DataEncoding(start[5]) {
        elf::ELFDATA2MSB => u16::from_be_bytes(machine_bytes),
        elf::ELFDATA2LSB => u16::from_le_bytes(machine_bytes),
        other => return Err(damaged(format!("its byte order is {}", other.0))),
    });
    let name = machine_name(machine);
    match elf::FileClass(start[4]) {
        elf::ELFCLASS64 if machine != MACHINE => Err(Why::WrongMachine { machine: name }),
        elf::ELFCLASS64 if start[5] != elf::ELFDATA2LSB.0 => {
            Err(damaged(format!("it is big-endian {name}")))
        }
        elf::ELFCLASS64 => Ok(()),
        elf::ELFCLASS32 => Err(Why::ThirtyTwoBit { machine: name }),
        other => Err(damaged(format!("its class is {}", other.0))),
    }
}

/// Looks at the header and the program headers: is it a whole, statically linked program?
fn check_headers(file: File, start: &[u8], size: u64) -> Result<(), Why> {
    let unreadable = |error: object::read::Error| damaged(error);
    let data = &ReadCache::new(file);
    let header = FileHeader64::<Endianness>::parse(start).map_err(unreadable)?;
    let endian = header.endian().map_err(unreadable)?;
    match header.e_type(endian) {
        elf::ET_EXEC | elf::ET_DYN => {}
        elf::ET_REL => return Err(not_a_program("an object file")),
        elf::ET_CORE => return Err(not_a_program("a core dump")),
        other => return Err(damaged(format!("its type is {}", other.0))),
    }
    let segments = header.program_headers(endian, data).map_err(unreadable)?;
    let mut loads = false;
    for segment in segments {
        let kind = segment.p_type(endian);
        loads |= kind == elf::PT_LOAD;
        let (offset, length) = segment.file_range(endian);
        let within = offset.checked_add(length).is_some_and(|end| end <= size);
        if matches!(kind, elf::PT_LOAD | elf::PT_INTERP | elf::PT_DYNAMIC) && !within {
            return Err(damaged("it ends within a segment"));
        }
    }
    if !loads {
        return Err(damaged("it has no segment to load"));
    }
    for segment in segments {
        if let Some(interpreter) = segment.interpreter(endian, data).map_err(unreadable)? {
            let interpreter = String::from_utf8_lossy(interpreter).into_owned();
            return Err(Why::Dynamic { interpreter });
        }
    }
    check_library(header, segments, endian, data)
}

/// A static-PIE program and a shared library have the same type; a library has no entry point, or
/// needs other libraries.
fn check_library(
    header: &FileHeader64<Endianness>,
    segments: &[ProgramHeader64<Endianness>],
    endian: Endianness,
    data: &ReadCache<File>,
) -> Result<(), Why> {
    let mut library = header.e_entry(endian) == 0;
    for segment in segments {
        let entries = segment.dynamic(endian, data).map_err(damaged)?;
        let needs = |entry: &elf::Dyn64<Endianness>| {
            let tag = entry.d_tag(endian);
            tag == elf::DT_NEEDED || tag == elf::DT_SONAME
        };
        library |= entries.unwrap_or_default().iter().any(needs);
    }
    match library {
        true => Err(not_a_program("a shared library")),
        false => Ok(()),
    }
}

/// The set-user-ID bit works for an untraced program only, so it would run as the wrong user.
fn check_mode(metadata: &Metadata) -> Result<(), Why> {
    let mode = metadata.permissions().mode();
    if mode & 0o4000 != 0 {
        return Err(Why::SetId {
            which: "set-user-ID",
        });
    }
    // Without the group's execute bit it means mandatory locking, not a group.
    if mode & 0o2010 == 0o2010 {
        return Err(Why::SetId {
            which: "set-group-ID",
        });
    }
    Ok(())
}

fn damaged(what: impl ToString) -> Why {
    let what = what.to_string();
    Why::Damaged { what }
}

fn not_a_program(what: &'static str) -> Why {
    Why::NotAProgram { what }
}

fn machine_name(machine: elf::Machine) -> String {
    let name = match machine {
        elf::EM_X86_64 => "x86-64",
        elf::EM_AARCH64 => "ARM64",
        elf::EM_386 => "i386",
        elf::EM_ARM => "ARM",
        elf::EM_RISCV => "RISC-V",
        elf::EM_PPC64 => "POWER",
        elf::EM_S390 => "s390",
        elf::EM_MIPS => "MIPS",
        elf::EM_LOONGARCH => "LoongArch",
        other => return format!("machine type {}", other.0),
    };
    name.to_owned()
}

#[cfg(test)]
#[path = "elf_tests.rs"]
mod tests;
