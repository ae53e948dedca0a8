//! The C library: musl, built for both instruction sets from the distribution's source package, with one
//! struct pthread, one set of headers and one layout. [`source`] gets it, [`edits`] changes it, [`build`]
//! builds it and the in-guest runtime into a cache, [`home`] says where that is.

mod build;
mod compile;
mod edits;
pub mod home;
mod source;

pub use build::{Setup, SetupError, setup};
pub use compile::compile;
