//! Programs of `rtx-cc`, as the runtime sees them (docs/continuations.md): two files, one for each
//! instruction set, whose threads can leave their registers and stack at equivalence points and take
//! them up again in the other file.
//!
//! [`Pair::read`] looks for both files of a program and compares them; an [`Image`] is one of them. What an
//! image says of itself stands in its [`Note`]. Home serves the ranges of a file that are a node's own
//! ([`Image::page`]) to boards from the file for their instruction set; everything else is shared memory
//! as in any program. [`requests`] is how a thread is asked to leave.

mod image;
mod pair;
pub mod requests;
#[cfg(test)]
mod sample;

pub use image::{Image, ImageError, Part};
pub use pair::{Pair, PairError, file_name, siblings};
pub use rtx_origin::note::{ABI, Note, NoteError};

/// The system call by which a thread that has left its registers and stack parks: (header, its bytes).
pub const PARK: i64 = 0x5254_5801;
/// The call by which a thread asks to be where its kernel thread is, before it is copied (fork): (1 if it
/// cannot leave). The kernel knows no such call (ENOSYS): then it is there.
pub const GO_HOME: i64 = 0x5254_5802;
/// The call by which a handler that runs at home jumps to where its thread's frames are: (longjmp, its two
/// arguments).
pub const JUMP: i64 = 0x5254_5803;
/// Where struct pthread says that its thread is in a call that pthread_cancel may end: 1, in 8 bytes.
pub const CANCELLABLE: u64 = 72;
