//! LLVM intermediate representation, as much of it as the pass needs: modules, functions, blocks,
//! instructions, a builder. Thin handles over the C interface of LLVM 19; no decisions are made here.
//!
//! A handle is a pointer into its [`Module`], and is `Copy` like the references it stands for. Code
//! that uses a handle keeps the module alive and does not use a handle after erasing what it names;
//! the handles of one module stay on one thread (they are neither `Send` nor `Sync`).

mod attributes;
mod block;
mod builder;
mod constants;
mod debug;
mod function;
mod global;
mod instruction;
mod module;
mod types;
mod value;

pub use attributes::Place;
pub use block::Block;
pub use builder::Builder;
pub use debug::{Location, ResumeDebug};
pub use function::Function;
pub use global::{Global, Linkage};
pub use instruction::{Instruction, Opcode, Predicate};
pub use module::{IrError, Module};
pub use types::Type;
pub use value::Value;

/// A C string for a call into LLVM.
///
/// # Panics
/// When the text holds a NUL byte: no name in a program does.
fn c_string(text: &str) -> std::ffi::CString {
    std::ffi::CString::new(text).expect("names hold no NUL")
}
