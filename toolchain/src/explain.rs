//! What rtx-cc would run, for people.

use std::error::Error;
use std::ffi::OsString;

use crate::driver::run::output;
use crate::driver::tools::{self, llvm};
use crate::musl::home::Home;
use crate::pass::Isa;

/// Prints the versions of everything.
///
/// # Errors
/// When clang cannot be run.
pub fn version() -> Result<(), Box<dyn Error>> {
    let clang = output(llvm("clang").arg("--version"))?;
    println!(
        "rtx-cc {} (ABI {})",
        env!("CARGO_PKG_VERSION"),
        rtx_origin::note::ABI
    );
    println!("{}", clang.lines().next().unwrap_or_default());
    let home = Home::of_this_version();
    let state = if home.is_complete() {
        "built"
    } else {
        "not built, run `rtx-cc setup`"
    };
    println!("C library: {} ({state})", home.root().display());
    Ok(())
}

/// Prints what compiling and linking with these arguments would run.
///
/// # Errors
/// When clang cannot be run.
pub fn print(arguments: &[OsString]) -> Result<(), Box<dyn Error>> {
    version()?;
    let shown: Vec<_> = arguments.iter().map(|a| a.to_string_lossy()).collect();
    println!("arguments: {}", shown.join(" "));
    for isa in Isa::ALL {
        let flags: Vec<_> = tools::alike(isa)
            .iter()
            .map(|a| a.to_string_lossy().into_owned())
            .collect();
        println!(
            "1. front end for {}: clang-19 {} ... -Xclang -disable-llvm-passes -emit-llvm",
            isa.name(),
            flags.join(" ")
        );
    }
    println!(
        "2. find what cannot migrate; keep the aarch64 bodies of functions that need their own"
    );
    println!("3. clang-19 -O1 -c: an ordinary x86-64 object, to which the bitcode is added");
    println!("4. at the link: all bitcode as one program, simplified and inlined by LLVM");
    println!("5. equivalence points, code that saves frames, resume clones");
    for isa in Isa::ALL {
        let support = tools::support_library(isa).map_or_else(
            |p| format!("missing: install {p}"),
            |p| p.display().to_string(),
        );
        let compiled = match isa {
            Isa::X86_64 => "clang-19 -O2 -x ir",
            Isa::Aarch64 => {
                "clang-19 -O2 -x ir -emit-llvm; looks before divisions that x86-64 traps; clang-19 -O2 -x ir -Xclang \
                 -disable-llvm-passes"
            }
        };
        println!(
            "6. code for {}: {compiled}; ld.lld-19 with {support}",
            isa.name()
        );
    }
    println!("7. one linker script from both maps; both linked again; addresses compared");
    Ok(())
}
