//! What the command rtx-cc does with its arguments.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::driver::arguments::{Arguments, Goal, Input};
use crate::driver::compile::Compiler;
use crate::driver::errors::{CcError, line};
use crate::driver::inputs::{Inputs, find_library};
use crate::driver::link::Linker;
use crate::driver::run::visibly;
use crate::driver::tools;
use crate::driver::warnings::Warnings;
use crate::explain;
use crate::musl::{self, Setup, home::Home};
use crate::pass::Isa;

const HELP: &str = "\
Usage: rtx-cc [OPTIONS OF A C COMPILER] -o APP FILE...
       rtx-cc setup [--source PATH] [--force]
       rtx-cc inspect APP
       rtx-cc --explain | --version | --help

Compiles C to a program whose threads can move between x86-64 and aarch64: writes APP and APP.aarch64.
CC=rtx-cc works for make and configure.

  setup            build the C library (musl) once, from the distribution's source package
  inspect APP      instruction sets, equivalence points, what cannot migrate and why
  -frtx-selftest   let environment variables make threads leave (docs/toolchain.md)
  -frtx-keep=DIR   keep intermediate files in DIR
  -Wno-rtx-NAME    silence one warning
  -###, --explain  what would be run, step by step

Environment: RTX_CC_HOME, where the C library is (default: rtx-cc in the user's cache directory);
RTX_LLVM_BIN, where LLVM 19's programs are, if not in PATH with the ending -19.";

/// Does what the arguments say.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    let first = arguments
        .first()
        .map(|a| a.to_string_lossy().into_owned())
        .unwrap_or_default();
    let result = match first.as_str() {
        "" | "--help" => {
            println!("{HELP}");
            return if first.is_empty() {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            };
        }
        "setup" => setup(&arguments[1..]),
        "inspect" => crate::inspect::command(&arguments[1..]),
        "--explain" => explain::print(&arguments[1..]),
        "--version" | "-v" | "-V" if arguments.len() == 1 => explain::version(),
        _ => match first.strip_prefix("--musl-cc=") {
            Some(name) => return musl_compile(name, &arguments[1..]),
            None => compile_and_link(&arguments).map_err(Into::into),
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", line(&*error));
            ExitCode::FAILURE
        }
    }
}

type Failure = Box<dyn std::error::Error>;

fn setup(arguments: &[OsString]) -> Result<(), Failure> {
    let mut options = Setup::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.to_str() {
            Some("--source") => {
                options.source = Some(rest.next().ok_or("--source needs a path")?.into())
            }
            Some("--force") => options.force = true,
            _ => {
                return Err(format!("setup has no option '{}'", argument.to_string_lossy()).into());
            }
        }
    }
    musl::setup(&options, &mut |what| eprintln!("rtx-cc: {what}"))?;
    Ok(())
}

fn musl_compile(name: &str, arguments: &[OsString]) -> ExitCode {
    let isa = if name == "aarch64" {
        Isa::Aarch64
    } else {
        Isa::X86_64
    };
    match musl::compile(isa, arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", line(&error));
            ExitCode::FAILURE
        }
    }
}

fn compile_and_link(list: &[OsString]) -> Result<(), CcError> {
    let arguments = Arguments::parse(list).map_err(CcError::Usage)?;
    if let Some(what) = arguments.refused {
        return Err(CcError::Refused(what));
    }
    let home = Home::of_this_version();
    if !home.is_complete() {
        return Err(CcError::NoLibrary);
    }
    let warnings = Warnings::new(&arguments);
    let clang = tools::clang_headers()?;
    let compiler = Compiler {
        arguments: &arguments,
        home: &home,
        clang,
        warnings: &warnings,
    };
    let result = match arguments.goal {
        Goal::Passthrough => passthrough(&arguments, &compiler),
        Goal::Compile => compile_each(&arguments, &compiler),
        Goal::Link => link(&arguments, &compiler, &home, &warnings),
    };
    result?;
    if arguments.errors && warnings.count() > 0 {
        Err(CcError::Warned)
    } else {
        Ok(())
    }
}

fn passthrough(arguments: &Arguments, compiler: &Compiler) -> Result<(), CcError> {
    let mut command = compiler.front_end(Isa::X86_64);
    for input in &arguments.inputs {
        if let Input::Source(path) | Input::Assembly(path) | Input::File(path) = input {
            command.arg(path);
        }
    }
    if let Some(output) = &arguments.output {
        command.arg("-o").arg(output);
    }
    Ok(visibly(&mut command)?)
}

fn compile_each(arguments: &Arguments, compiler: &Compiler) -> Result<(), CcError> {
    for input in &arguments.inputs {
        let (Input::Source(path) | Input::Assembly(path)) = input else {
            continue;
        };
        let default = Path::new(path.file_stem().unwrap_or_default()).with_extension("o");
        let object = arguments.output.clone().unwrap_or(default);
        one(compiler, input, &object)?;
    }
    Ok(())
}

fn one(compiler: &Compiler, input: &Input, object: &Path) -> Result<(), CcError> {
    match input {
        Input::Source(path) => compiler.compile(path, object),
        Input::Assembly(path) => {
            let mut command: Command = compiler.front_end(Isa::X86_64);
            Ok(visibly(command.arg("-c").arg(path).arg("-o").arg(object))?)
        }
        _ => Ok(()),
    }
}

fn link(
    arguments: &Arguments,
    compiler: &Compiler,
    home: &Home,
    warnings: &Warnings,
) -> Result<(), CcError> {
    if arguments.inputs.is_empty() {
        return Err(CcError::Usage(
            "no input files; see rtx-cc --help".to_owned(),
        ));
    }
    let directory = tempfile::tempdir().map_err(CcError::file("a temporary directory"))?;
    let mut inputs = Inputs::default();
    let mut late: Vec<PathBuf> = Vec::new();
    for (number, input) in arguments.inputs.iter().enumerate() {
        match input {
            Input::Source(path) | Input::Assembly(path) => {
                let name = path.file_stem().unwrap_or_default().to_string_lossy();
                let object = directory.path().join(format!("{name}.{number}.o"));
                one(compiler, input, &object)?;
                inputs.add(&object, directory.path())?;
            }
            Input::File(path) => inputs.add(path, directory.path())?,
            Input::Library(name) => late.extend(find_library(name, &arguments.directories)?),
        }
    }
    for library in late {
        inputs.add(&library, directory.path())?;
    }
    let output = arguments.output.clone().unwrap_or_else(|| "a.out".into());
    let linker = Linker {
        arguments,
        home,
        scratch: directory.path(),
        warnings,
    };
    linker.link(inputs, &output)
}
