//! Compiles one source to an object.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::arguments::Arguments;
use super::errors::CcError;
use super::object_file::{BITCODE, INFO, OWN_BITCODE, add_sections};
use super::run::visibly;
use super::tools::{alike, back_end, headers, llvm};
use super::warnings::Warnings;
use crate::ir::Module;
use crate::musl::home::Home;
use crate::pass::pins::{self, FIXED, OWN_ISA, Pin};
use crate::pass::{Isa, names, own_isa};

/// What every compilation of a run shares.
pub struct Compiler<'a> {
    /// The command line.
    pub arguments: &'a Arguments,
    /// The C library.
    pub home: &'a Home,
    /// clang's own headers.
    pub clang: PathBuf,
    /// Where warnings go.
    pub warnings: &'a Warnings<'a>,
}

impl Compiler<'_> {
    /// clang's front end for `isa`, up to the options that say what is wanted of it.
    pub fn front_end(&self, isa: Isa) -> Command {
        let mut command = llvm("clang");
        command
            .args(alike(isa))
            .args(headers(self.home, isa, &self.clang));
        command
            .arg(&self.arguments.level)
            .args(&self.arguments.front);
        command.args(["-fno-pic", "-fno-stack-protector"]);
        if isa == Isa::X86_64 {
            command.args(&self.arguments.processor);
        }
        if !self.arguments.debug {
            command.arg("-gline-tables-only");
        }
        if let Some(language) = &self.arguments.language {
            command.arg("-x").arg(language);
        }
        command
    }

    fn bitcode_command(&self, isa: Isa, source: &Path, bitcode: &Path) -> Command {
        let mut command = self.front_end(isa);
        // The pass needs what -O0 leaves out (lifetimes), and may inline.
        if self.arguments.level == "-O0" {
            command.args(["-O1"]);
        }
        command
            .args(["-Xclang", "-disable-llvm-passes", "-emit-llvm", "-c"])
            .arg(source)
            .arg("-o")
            .arg(bitcode);
        command
    }

    /// Compiles `source` to the object `object`.
    ///
    /// # Errors
    /// When a step fails; clang has said why.
    pub fn compile(&self, source: &Path, object: &Path) -> Result<(), CcError> {
        let directory = tempfile::tempdir().map_err(CcError::file("a temporary directory"))?;
        let path = |name: &str| directory.path().join(name);
        let (ours, theirs) = (path("x86_64.bc"), path("aarch64.bc"));
        let mut first = self.bitcode_command(Isa::X86_64, source, &ours);
        let mut second = self.bitcode_command(Isa::Aarch64, source, &theirs);
        without_dependencies(&mut second);
        first.arg("-MT").arg(object);
        if !self
            .arguments
            .front
            .iter()
            .any(|a| a.to_string_lossy().starts_with("-M"))
        {
            first = self.bitcode_command(Isa::X86_64, source, &ours);
        } else if !self.arguments.front.iter().any(|a| a == "-MF") {
            first.arg("-MF").arg(object.with_extension("d"));
        }
        if source == Path::new("-") {
            // Standard input can be read once.
            visibly(&mut first)?;
        } else {
            second.stderr(Stdio::null()).stdout(Stdio::null());
            let child = second.spawn();
            let result = visibly(&mut first);
            if let Ok(mut child) = child {
                let _ = child.wait();
            }
            result?;
        }
        let notes = self.divide(source, &ours, &theirs)?;
        let info = path("info");
        std::fs::write(&info, notes.text).map_err(CcError::file(&info))?;
        back_end(Isa::X86_64, "-O1", &[], &ours, object)?;
        let mut sections = vec![(BITCODE, ours.as_path()), (INFO, info.as_path())];
        if notes.has_own {
            sections.push((OWN_BITCODE, theirs.as_path()));
        }
        add_sections(object, &sections)
    }

    /// Marks what cannot migrate and writes both files of bitcode anew.
    fn divide(&self, source: &Path, ours: &Path, theirs: &Path) -> Result<Notes, CcError> {
        let module = Module::read(ours)?;
        let other = Module::read(theirs).ok();
        names::pin(&module);
        if let Some(other) = &other {
            names::pin(other);
        }
        let found = pins::find(&module, other.as_ref());
        let mut x86_only: Option<(Option<String>, String)> = None;
        if let Some(fault) = pins::shared_long_doubles(&module).into_iter().next() {
            x86_only = Some((fault.location.map(|l| l.to_string()), fault.text));
        } else if other.is_none() {
            let text = "it cannot be compiled for aarch64 (see it with `clang-19 --target=aarch64-linux-musl`)";
            x86_only = Some((Some(source.display().to_string()), text.to_owned()));
        }
        let own: Vec<String> = found
            .iter()
            .filter(|p| p.reason.needs_own_body())
            .map(|p| p.function.name())
            .collect();
        for pin in &found {
            self.mark(pin);
        }
        if let Some((location, text)) = &x86_only {
            let instead = format!("{text}; only the x86-64 file of the program will be written");
            self.warnings
                .warn(location.as_deref(), "x86-only", &instead);
        }
        let mut has_own = false;
        if let Some(other) = other.filter(|_| x86_only.is_none() && !own.is_empty()) {
            let tag = tag_of(source, &module);
            own_isa::promote(&module, &tag);
            own_isa::promote(&other, &tag);
            let names: Vec<String> = module
                .functions()
                .iter()
                .filter(|f| f.note(OWN_ISA).is_some())
                .map(|f| f.name())
                .collect();
            if let Some(name) = mismatch(&module, &other, &names) {
                let text = format!(
                    "'{name}' passes structures in different forms on the instruction sets; only the x86-64 file of the program will be written"
                );
                self.warnings
                    .warn(Some(&source.display().to_string()), "x86-only", &text);
                x86_only = Some((None, text));
            } else {
                own_isa::cut_down(&other, &names);
                other.verify()?;
                std::fs::write(theirs, other.bitcode()).map_err(CcError::file(theirs))?;
                has_own = true;
            }
        }
        module.verify()?;
        std::fs::write(ours, module.bitcode()).map_err(CcError::file(ours))?;
        let text = x86_only
            .map(|(location, text)| {
                format!(
                    "x86-only {}{text}\n",
                    location.map(|l| format!("{l}: ")).unwrap_or_default()
                )
            })
            .unwrap_or_default();
        Ok(Notes { text, has_own })
    }

    fn mark(&self, pin: &Pin) {
        let location = pin.location.as_ref().map(ToString::to_string);
        // A function that never returns ends the thread or the program; nobody waits for it.
        if !pin.function.has(crate::ir::Place::Function, "noreturn") {
            self.warnings
                .fixed(location.as_deref(), &pin.function.name(), pin.reason);
        }
        let note = if pin.reason.needs_own_body() {
            OWN_ISA
        } else {
            FIXED
        };
        pin.function.set_note(note, pin.reason.option());
        pin.function
            .remove(crate::ir::Place::Function, "alwaysinline");
        pin.function
            .remove(crate::ir::Place::Function, "inlinehint");
        pin.function.add(crate::ir::Place::Function, "noinline");
    }
}

struct Notes {
    text: String,
    has_own: bool,
}

/// The second front end writes no dependency files.
fn without_dependencies(command: &mut Command) {
    let arguments: Vec<OsString> = command.get_args().map(ToOwned::to_owned).collect();
    let mut kept = Vec::new();
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        match argument.to_str() {
            Some("-MF" | "-MT" | "-MQ") => drop(rest.next()),
            Some("-MD" | "-MMD" | "-MP" | "-MG") => {}
            _ => kept.push(argument),
        }
    }
    let program = command.get_program().to_owned();
    *command = Command::new(program);
    command.args(kept);
}

/// Makes names of this source unlike those of every other.
fn tag_of(source: &Path, module: &Module) -> String {
    let mut hash = Sha256::new();
    hash.update(
        std::path::absolute(source)
            .unwrap_or_else(|_| source.into())
            .as_os_str()
            .as_encoded_bytes(),
    );
    hash.update(module.text());
    hash.finalize()[..4]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A function that one side would call in another form than it has: a body of its own, or what one calls.
fn mismatch(module: &Module, other: &Module, own: &[String]) -> Option<String> {
    let of = |m: &Module| -> BTreeMap<String, _> {
        m.functions().into_iter().map(|f| (f.name(), f)).collect()
    };
    let (ours, theirs) = (of(module), of(other));
    let called = own
        .iter()
        .filter_map(|name| theirs.get(name))
        .flat_map(|f| f.instructions());
    let called: Vec<String> = called
        .filter_map(|i| i.called_function())
        .map(|f| f.name())
        .collect();
    let differs = |name: &&String| match (ours.get(*name), theirs.get(*name)) {
        (Some(a), Some(b)) => !a.is_declaration() && !pins::same_form(*a, *b),
        _ => false,
    };
    own.iter().chain(&called).find(differs).cloned()
}
