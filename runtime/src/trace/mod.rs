//! Backtraces: from a thread's registers and a piece of its stack to functions, files and lines. Pure:
//! what is read comes in as bytes, and any machine can unwind any instruction set's stack.
//!
//! - [`snapshot`]: what must be known of a stopped thread, taken where the thread is;
//! - [`arch`]: where each instruction set keeps return addresses, as tables;
//! - [`program`]: the program's ELF file: its code, its functions, what stands where;
//! - [`cfi`]: what the compiler has written down of its frames (`.eh_frame`, `.debug_frame`);
//! - [`search`]: finding the caller of a function of which nothing is written down (musl's are so);
//! - [`unwind`]: the walk from the innermost frame to the outermost;
//! - [`symbols`]: what an address is called, inlined functions included;
//! - [`backtrace`]: the result, and its form for people.
//!
//! Nothing here trusts its input: a stack full of garbage gives a wrong or a short trace, in bounded
//! time.

mod arch;
mod backtrace;
mod cfi;
mod program;
mod registers;
mod search;
pub mod snapshot;
mod symbols;
mod unwind;

pub use arch::{Rules, rules_of};
pub use backtrace::{Backtrace, Frame};
pub use program::{Program, ProgramError};
pub use snapshot::Snapshot;
pub use symbols::demangled;
pub use unwind::{End, MAX_FRAMES, Step, backtrace};
