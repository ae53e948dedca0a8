//! The program, before it runs: where it is ([`find`]) and whether rtx can run it ([`elf`]); of
//! programs of rtx-cc also which of their files ([`pair`]). Which compiler made it is in [`origin`].
//!
//! A refusal here costs nothing and says what to do. The kernel, asked later, would only say
//! "exec format error".

mod attach;
mod elf;
mod error;
mod find;
mod origin;
mod pair;
mod variables;

pub use attach::{AttachError, running};
pub use error::{ProgramError, Why};
pub use find::find;
pub use origin::origin;
pub use pair::for_here;
pub use variables::{name_variables, name_variables_of};
