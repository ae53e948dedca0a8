//! rtx-cc: compiles C to programs whose threads can move to another instruction set.
//!
//! [`command`] reads the command line; [`driver`] compiles and links; [`ir`] is LLVM, [`pass`] what is done
//! to programs, [`layout`] one address for everything, [`musl`] the C library, [`inspect`] looks at results.

pub mod command;
pub mod driver;
pub mod explain;
pub mod inspect;
pub mod ir;
pub mod layout;
pub mod musl;
pub mod pass;
