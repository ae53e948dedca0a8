//! What a rule makes of a call, and the calls that one call alone cannot stand for: a **script** says which
//! memory of the program it reads, which call is made with what in the scratch area, and what becomes of
//! its result. Scripts are pure; `machine.rs` plays them.

use std::fmt::Debug;

/// What becomes of a call.
#[derive(Debug)]
pub(super) enum Plan {
    /// This call stands for it, and its result is the result.
    Plain(Call),
    /// It takes several steps.
    Scripted(Box<dyn Script>),
    /// The result is known: a count, or -errno.
    Done(i64),
    /// It cannot be made: errno for the program, and why not.
    Refuse(i32, &'static str),
}

/// A call of home's kernel, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// The kernel's name.
    pub(super) name: &'static str,
    /// Its arguments.
    pub(super) args: [u64; 6],
}

/// A range of the program's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Its first byte.
    pub(super) address: u64,
    /// Bytes.
    pub(super) len: usize,
}

/// The call itself, with what its pointers into the scratch area point to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prepared {
    /// The call.
    pub(super) call: Call,
    /// What stands at the begin of the area when it is made.
    pub(super) area: Vec<u8>,
}

/// Why the call itself is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The result is known.
    Result(i64),
    /// It cannot be made: errno for the program, and why not.
    Refuse(i32, &'static str),
}

/// What follows from the result of the call itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finished {
    /// The result for the program, unless `writes` fails.
    pub(super) result: i64,
    /// What is written to the program's memory, and where.
    pub(super) writes: Option<(u64, Vec<u8>)>,
}

impl Finished {
    /// Nothing is written.
    pub(super) fn with(result: i64) -> Self {
        Self {
            result,
            writes: None,
        }
    }

    /// `bytes` are written at `address`.
    pub(super) fn writing(result: i64, address: u64, bytes: Vec<u8>) -> Self {
        Self {
            result,
            writes: Some((address, bytes)),
        }
    }
}

/// A call in several steps; the methods are called in this order.
pub(super) trait Script: Debug + Send {
    /// The area for the call's data has `bytes`.
    fn has_room(&mut self, _bytes: usize) {}

    /// The program's memory that the call reads; it fails with EFAULT if that cannot be read.
    fn reads(&self) -> Option<Span> {
        None
    }

    /// Memory to which its result goes, if the call takes away what cannot be given back: that must not
    /// fail afterwards.
    fn takes(&self) -> Option<Span> {
        None
    }

    /// That memory cannot be written. `takes` is asked again.
    fn cannot_take(&mut self) {}

    /// The call itself; `data` is what it reads, `area` the address of its data in the scratch area.
    fn call(&mut self, data: &[u8], area: u64) -> Result<Prepared, Stop>;

    /// How many bytes of the area matter after the call itself had this result.
    fn leaves(&self, _result: i64) -> usize {
        0
    }

    /// What follows from its result; `data` is what it left.
    fn finish(&self, result: i64, _data: &[u8]) -> Finished {
        Finished::with(result)
    }

    /// The result if only `copied` of `len` bytes could be written.
    fn written_in_part(&self, _result: i64, _copied: usize) -> i64 {
        -i64::from(libc::EFAULT)
    }
}

/// The 8 bytes at `at`.
pub(super) fn word(data: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(data[at..at + 8].try_into().expect("eight bytes"))
}

/// The 4 bytes at `at`.
pub(super) fn half(data: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(data[at..at + 4].try_into().expect("four bytes"))
}

/// Words as they stand in memory.
pub(super) fn bytes<const N: usize>(words: [u64; N]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}
