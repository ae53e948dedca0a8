//! Home calls of threads whose board has another instruction set than home.
//!
//! Pointers need no translation, the memory is the same memory. Numbers do, some flags and a few
//! structures, and ARM64 lacks calls of x86-64 that newer ones replace. [`SECTIONS`] says what becomes of
//! every call. For most, one call stands for the other ([`plain`]). For the rest a [`Translation`] asks the
//! shadow for several ([`Next::Make`]), one after the other: the supervisor cannot touch the program's
//! memory itself, whose pages may be on boards, but calls of the shadow can. They copy between it and a
//! [`Scratch`] area, which is always at home.
//!
//! Nothing here makes a call or depends on the instruction set for which it is compiled: both are data.
//! Programs that are compiled for both have libc's own translation behind them, so what arrives is what
//! any program of the board's instruction set would ask for.

mod arguments;
mod descriptors;
mod directory;
mod epoll;
mod handlers;
mod isa;
mod legacy;
mod machine;
mod open_flags;
mod opening;
mod rules;
mod script;
mod semaphores;
mod stat;
mod table;
mod times;
mod waiting;

use std::fmt;

pub use isa::{Ends, Isa};
pub use machine::{LEAST_SCRATCH, Scratch, Translation};
pub use table::{Rule, SECTIONS, Section};

/// What is to happen next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The shadow makes this call; its result goes to [`Translation::next`].
    Make {
        /// Home's number.
        nr: i64,
        /// Its arguments.
        args: [u64; 6],
        /// Whether it is the call itself, which may wait, be interrupted and be made again. The others
        /// only wait for pages.
        main: bool,
    },
    /// The program gets this result: -errno on failure.
    Done(i64),
    /// The program gets an error, and its user is told why.
    Refuse(Refusal),
}

/// Why a call is not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its name.
    pub call: &'static str,
    /// Why, in a few words.
    pub reason: String,
    /// The error that the program gets.
    pub errno: i32,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is refused: {}", self.call, self.reason)
    }
}

/// Number and arguments of the one call of home's that stands for call `nr` with `args` of the board's, and
/// whose result is the result. `None`: it takes a [`Translation`], which may also refuse it.
pub fn plain(ends: Ends, nr: i64, args: &[u64; 6]) -> Option<(i64, [u64; 6])> {
    if ends.agree() {
        return Some((nr, *args));
    }
    rules::plain(ends, nr, args)
}

/// Number and arguments at home of a call that is made of the thread itself (exit, exec, clone, ...), with
/// the arguments in home's order. `None` if it is no such call, or home has none.
pub fn native(ends: Ends, nr: i64, args: &[u64; 6]) -> Option<(i64, [u64; 6])> {
    if ends.agree() {
        return Some((nr, *args));
    }
    rules::native(ends, nr, args)
}
