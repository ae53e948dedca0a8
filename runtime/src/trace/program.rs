//! The program's ELF file, as far as backtraces need it.

use object::elf;
use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol, SegmentFlags, SymbolKind};

use super::arch::{Call, Rules, rules_for};
use super::cfi::Cfi;
use super::symbols::Lines;

/// Sections as the readers of debug information take them.
pub(super) type Data<'d> = gimli::EndianSlice<'d, gimli::LittleEndian>;

/// Functions below which there is nothing: the kernel enters a program and its threads there.
const BOTTOM: [&str; 5] = ["_start", "_start_c", "__clone", "clone", "__clone3"];

/// A file gives no backtraces.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It is not ELF, or damaged.
    #[error("cannot understand the program's file: {0}")]
    Damaged(#[from] object::Error),
    /// It is ELF for a machine nobody here knows.
    #[error("the program's file is for another machine")]
    Machine,
}

/// A function by the file's symbols.
struct Function<'d> {
    start: u64,
    /// 0: nobody has said.
    size: u64,
    name: &'d str,
}

/// A program's file with its place in memory. Addresses are those of memory.
pub struct Program<'d> {
    pub(super) rules: &'static Rules,
    /// What memory's addresses have over the file's.
    bias: u64,
    /// What is executable, by the file's addresses.
    code: Vec<(u64, &'d [u8])>,
    /// By the file's addresses, in their order.
    functions: Vec<Function<'d>>,
    /// By the file's addresses.
    pub(super) cfi: Cfi<'d>,
    lines: Option<Lines<'d>>,
}

impl<'d> Program<'d> {
    /// Reads a file. `entry`: where it begins in memory (AT_ENTRY); `None`: it is where it says.
    pub fn parse(bytes: &'d [u8], entry: Option<u64>) -> Result<Self, ProgramError> {
        let file = object::File::parse(bytes)?;
        let machine = match &file {
            object::File::Elf64(file) => file.elf_header().e_machine.get(file.endian()),
            _ => return Err(ProgramError::Machine),
        };
        let rules = rules_for(machine).ok_or(ProgramError::Machine)?;
        if !file.is_little_endian() {
            return Err(ProgramError::Machine);
        }
        let code = file.segments().filter_map(|segment| {
            let executable = matches!(segment.flags(), SegmentFlags::Elf { p_flags, .. } if p_flags.contains(elf::PF_X));
            executable.then_some((segment.address(), segment.data().ok()?))
        });
        let code: Vec<_> = code.collect();
        let is_function = |symbol: &object::Symbol| match symbol.kind() {
            SymbolKind::Text => true,
            // Functions in assembly are often not said to be functions.
            SymbolKind::Unknown => {
                let within = |(start, bytes): &(u64, &[u8])| {
                    let at = symbol.address().checked_sub(*start);
                    at.is_some_and(|at| at < bytes.len() as u64)
                };
                symbol.is_global() && code.iter().any(within)
            }
            _ => false,
        };
        let mut functions: Vec<Function<'d>> = file
            .symbols()
            .filter(|s| !s.is_undefined() && is_function(s))
            .filter_map(|s| {
                let name = s.name().ok().filter(|name| !name.is_empty())?;
                let (start, size) = (s.address(), s.size());
                Some(Function { start, size, name })
            })
            .collect();
        functions.sort_by_key(|f| (f.start, f.size));
        Ok(Self {
            rules,
            bias: entry.map_or(0, |entry| entry.wrapping_sub(file.entry())),
            code,
            functions,
            cfi: Cfi::read(&file, rules),
            lines: Lines::read(&file),
        })
    }

    /// The file's address of what memory has at `addr`.
    pub(super) fn in_file(&self, addr: u64) -> u64 {
        addr.wrapping_sub(self.bias)
    }

    /// The code from `addr` to the end of its segment, and how much of the segment is before it.
    fn code_at(&self, addr: u64) -> Option<(&'d [u8], usize)> {
        let addr = self.in_file(addr);
        self.code.iter().find_map(|(start, bytes)| {
            let at = usize::try_from(addr.checked_sub(*start)?).ok()?;
            (at <= bytes.len()).then_some((*bytes, at))
        })
    }

    /// Whether the program's code reaches or surrounds this address.
    pub(super) fn is_code(&self, addr: u64) -> bool {
        self.code_at(addr).is_some()
    }

    /// What is called by the instruction before `addr`; `None`: it is no call.
    pub(super) fn call_before(&self, addr: u64) -> Option<Call> {
        let (bytes, at) = self.code_at(addr)?;
        (self.rules.call)(&bytes[at.saturating_sub(8)..at], addr)
    }

    /// Whether a signal's handler returns to `addr`.
    pub(super) fn returns_from_signal(&self, addr: u64) -> bool {
        let at = self.code_at(addr);
        at.is_some_and(|(bytes, at)| bytes[at..].starts_with(self.rules.signal_return))
    }

    fn function(&self, addr: u64) -> Option<&Function<'d>> {
        let addr = self.in_file(addr);
        let after = self.functions.partition_point(|f| f.start <= addr);
        let nearest = self.functions[..after].last()?;
        (nearest.size == 0 || addr < nearest.start.wrapping_add(nearest.size)).then_some(nearest)
    }

    /// Where the function around `addr` begins, if that is known.
    pub(super) fn function_start(&self, addr: u64) -> Option<u64> {
        let by_symbol = self.function(addr).map(|f| f.start);
        let start = by_symbol.or_else(|| self.cfi.function_start(self.in_file(addr)));
        start.map(|start| start.wrapping_add(self.bias))
    }

    /// Its name by the file's symbols.
    pub(super) fn function_name(&self, addr: u64) -> Option<&'d str> {
        self.function(addr).map(|f| f.name)
    }

    /// Whether nothing called the function around `addr`.
    pub(super) fn is_bottom(&self, addr: u64) -> bool {
        let name = self.function_name(addr);
        name.is_some_and(|name| BOTTOM.contains(&name))
    }

    pub(super) fn lines(&self) -> Option<&Lines<'d>> {
        self.lines.as_ref()
    }
}

/// A section's content; nothing if it is not there or compressed.
pub(super) fn section<'d>(file: &object::File<'d>, name: &str) -> (u64, Data<'d>) {
    let found = file.section_by_name(name);
    let plain = found.and_then(|s| {
        let range = s.compressed_data().ok()?;
        (range.format == object::CompressionFormat::None).then_some((s.address(), range.data))
    });
    let (address, data) = plain.unwrap_or_default();
    (address, Data::new(data, gimli::LittleEndian))
}
