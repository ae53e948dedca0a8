//! The compiler that musl's own build calls: clang, and between its front end and its back end names for
//! nameless constants and brackets around calls through pointers, which may lead to the program's code.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::driver::run::visibly;
use crate::driver::tools::{BackEndError, alike, back_end, llvm};
use crate::ir::Module;
use crate::pass::{Isa, brackets, names, thread_words};

/// Functions of libc that a program may have with equivalence points: libc's own calls may lead to those.
const POINTS: [&str; 4] = ["qsort", "qsort_r", "__qsort_r", "bsearch"];

/// Compiles as `arguments` say.
///
/// # Errors
/// When a step fails.
pub fn compile(isa: Isa, arguments: &[OsString]) -> Result<(), BackEndError> {
    let is_c = |a: &OsString| Path::new(a).extension().is_some_and(|end| end == "c");
    let from_c = arguments.iter().any(|a| a == "-c") && arguments.iter().any(is_c);
    let Some(place) = arguments.iter().position(|a| a == "-o").filter(|_| from_c) else {
        return Ok(visibly(llvm("clang").args(alike(isa)).args(arguments))?);
    };
    let object = PathBuf::from(&arguments[place + 1]);
    let directory = tempfile::tempdir()?;
    let bitcode = directory.path().join("file.bc");
    let mut front: Vec<OsString> = arguments.to_vec();
    front[place + 1] = bitcode.clone().into();
    visibly(llvm("clang").args(alike(isa)).args(&front).args([
        "-Xclang",
        "-disable-llvm-passes",
        "-emit-llvm",
    ]))?;
    let module = Module::read(&bitcode)?;
    names::pin(&module);
    for function in module
        .functions()
        .into_iter()
        .filter(|f| !f.is_declaration())
    {
        brackets::bracket(&module, function, |f| POINTS.contains(&f.name().as_str()));
    }
    thread_words::lower(&module, isa);
    module.verify()?;
    std::fs::write(&bitcode, module.bitcode())?;
    let level = arguments
        .iter()
        .filter_map(|a| a.to_str())
        .rfind(|a| a.starts_with("-O"))
        .unwrap_or("-O2");
    let free = |a: &OsString| a == "-fno-builtin" || a == "-ffreestanding";
    let more: &[OsString] = match arguments.iter().any(free) {
        true => &["-ffreestanding".into()],
        false => &[],
    };
    back_end(isa, level, more, &bitcode, &object)
}
