//! The programs of LLVM 19, and how they are called.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::run::{RunError, output, visibly};
use crate::ir::{IrError, Module};
use crate::musl::home::Home;
use crate::pass::{Isa, divisions};

/// A program of LLVM 19: `NAME-19`, or what `RTX_LLVM_BIN` holds.
pub fn llvm(name: &str) -> Command {
    match std::env::var_os("RTX_LLVM_BIN") {
        Some(directory) => Command::new(Path::new(&directory).join(name)),
        None => Command::new(format!("{name}-19")),
    }
}

/// Where clang keeps its own headers.
///
/// # Errors
/// When clang cannot be run.
pub fn clang_headers() -> Result<PathBuf, RunError> {
    let resources = output(llvm("clang").arg("-print-resource-dir"))?;
    Ok(Path::new(resources.trim_end()).join("include"))
}

/// GCC's support library of an instruction set, as Debian installs it: the helpers that code for
/// `long double` and 128-bit numbers calls.
///
/// # Errors
/// The name of the package, when it is not there.
pub fn support_library(isa: Isa) -> Result<PathBuf, String> {
    let (directory, package) = match isa {
        Isa::X86_64 => ("/usr/lib/gcc/x86_64-linux-gnu", "libgcc-12-dev"),
        Isa::Aarch64 => (
            "/usr/lib/gcc-cross/aarch64-linux-gnu",
            "libgcc-12-dev-arm64-cross",
        ),
    };
    let mut found: Vec<PathBuf> = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("libgcc.a"))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found.pop().ok_or_else(|| package.to_owned())
}

/// The flags by which code for one instruction set behaves as for the other.
pub fn alike(isa: Isa) -> Vec<OsString> {
    let mut flags: Vec<OsString> = vec![format!("--target={}-linux-musl", isa.name()).into()];
    let more: &[&str] = match isa {
        Isa::X86_64 => &[],
        Isa::Aarch64 => &[
            "-mno-outline-atomics",
            "-Xclang",
            "-fwchar-type=int",
            "-Xclang",
            "-fsigned-wchar",
            "-Wno-unused-command-line-argument",
        ],
    };
    flags.extend(more.iter().map(OsString::from));
    flags.extend(["-fsigned-char", "-ffp-contract=off"].map(OsString::from));
    flags
}

/// Where the front end finds headers.
pub fn headers(home: &Home, isa: Isa, clang: &Path) -> Vec<OsString> {
    let mut flags: Vec<OsString> = vec!["-nostdinc".into()];
    if isa == Isa::Aarch64 {
        flags.extend(["-isystem".into(), home.own_include(isa).into()]);
    }
    flags.extend([
        "-isystem".into(),
        clang.into(),
        "-isystem".into(),
        home.include().into(),
    ]);
    flags
}

/// Compiles bitcode to an object, with `more` flags of clang: LLVM's optimisation and code generation as for C, and
/// between the two for aarch64 what it lacks. clang says itself what it does not like.
///
/// # Errors
/// When a step fails.
pub fn back_end(
    isa: Isa,
    level: &str,
    more: &[OsString],
    bitcode: &Path,
    object: &Path,
) -> Result<(), BackEndError> {
    let clang = |flags: &[&str], from: &Path, to: &Path| {
        let mut command = llvm("clang");
        command.args(alike(isa)).arg(level).args(more);
        command.args([
            "-ffunction-sections",
            "-fdata-sections",
            "-fno-pic",
            "-Wno-override-module",
        ]);
        command.args(flags).args(["-c", "-x", "ir"]).arg(from);
        visibly(command.arg("-o").arg(to))
    };
    if isa == Isa::X86_64 {
        return Ok(clang(&[], bitcode, object)?);
    }
    let optimised = bitcode.with_extension("optimised.bc");
    clang(&["-emit-llvm"], bitcode, &optimised)?;
    let module = Module::read(&optimised)?;
    divisions::check(&module);
    module.verify()?;
    std::fs::write(&optimised, module.bitcode())?;
    Ok(clang(
        &["-Xclang", "-disable-llvm-passes"],
        &optimised,
        object,
    )?)
}

/// Why no code can be generated.
#[derive(Debug, thiserror::Error)]
pub enum BackEndError {
    /// clang failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// LLVM failed.
    #[error(transparent)]
    Ir(#[from] IrError),
    /// No room for what stands between.
    #[error("cannot write a temporary file")]
    Temporary(#[from] std::io::Error),
}
