//! The command rtx-cc: reads a compiler's command line ([`arguments`]), compiles each source to an object
//! that holds its bitcode ([`compile`], [`object_file`]), and links ([`link`], [`inputs`]).

pub mod arguments;
pub mod compile;
pub mod errors;
pub mod inputs;
pub mod link;
pub mod object_file;
pub mod run;
pub mod tools;
pub mod warnings;
