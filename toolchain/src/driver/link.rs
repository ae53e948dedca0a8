//! Links a program: instruments it as a whole, generates code for each instruction set, gives both one
//! layout, and writes OUTPUT and OUTPUT.aarch64.

use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::arguments::Arguments;
use super::errors::CcError;
use super::inputs::{self, Inputs};
use super::run::{run, visibly};
use super::tools::{self, back_end, llvm};
use super::warnings::Warnings;
use crate::ir::Module;
use crate::layout::{agree, map, script};
use crate::musl::home::Home;
use crate::pass::tables;
use crate::pass::{self, Isa, Outcome, homeward, targets};

/// The table of functions and call sites, as text.
pub const TABLE: &str = ".rtx.table";

/// One link.
pub struct Linker<'a> {
    /// The command line.
    pub arguments: &'a Arguments,
    /// The C library.
    pub home: &'a Home,
    /// Where intermediate files go.
    pub scratch: &'a Path,
    /// Where warnings go.
    pub warnings: &'a Warnings<'a>,
}

impl Linker<'_> {
    /// Links `inputs` to `output`.
    ///
    /// # Errors
    /// When a step fails.
    pub fn link(&self, mut inputs: Inputs, output: &Path) -> Result<(), CcError> {
        inputs.add(&self.home.instrumented(), self.scratch)?;
        if inputs.wants(homeward::forks) {
            inputs.want(homeward::GO_HOME);
        }
        inputs.choose(self.scratch)?;
        let isas = self.isas(&inputs);
        let (program, own, outcome) = self.instrument(&inputs)?;
        let build = self.build_id(&program, own.as_ref());
        let mut files = Vec::new();
        for isa in &isas {
            let module = targets::make(&program, own.as_ref(), &outcome, *isa, &build)?;
            let bitcode = self.scratch.join(format!("program.{}.bc", isa.name()));
            std::fs::write(&bitcode, module.bitcode()).map_err(CcError::file(&bitcode))?;
            files.push((*isa, bitcode));
        }
        self.generate(&files)?;
        let commands: Vec<(Isa, Command)> = isas
            .iter()
            .map(|isa| Ok((*isa, self.link_command(*isa, &inputs)?)))
            .collect::<Result<_, CcError>>()?;
        let script = self.lay_out(&commands)?;
        let programs = self.link_with(&commands, &script)?;
        if let [a, b] = &programs[..] {
            agree::check(a, b)?;
        }
        self.finish(&isas, &programs, &outcome, output)
    }

    /// Both instruction sets, unless something is for x86-64 only.
    fn isas(&self, inputs: &Inputs) -> Vec<Isa> {
        let reason = inputs
            .units
            .iter()
            .find_map(|unit| unit.x86_only.clone())
            .or_else(|| {
                inputs
                    .foreign
                    .first()
                    .map(|(_, origin)| format!("{origin} is not made by rtx-cc from C"))
            });
        match reason {
            None => Isa::ALL.to_vec(),
            Some(reason) => {
                let text = format!(
                    "{reason}; the program runs on x86-64 only, no file for aarch64 is written"
                );
                self.warnings.warn(None, "x86-only", &text);
                vec![Isa::X86_64]
            }
        }
    }

    /// The whole program, instrumented; the bodies of the other front end; what was done.
    fn instrument(&self, inputs: &Inputs) -> Result<(Vec<u8>, Option<Module>, Outcome), CcError> {
        let Some((first, rest)) = inputs.units.split_first() else {
            return Err(CcError::Usage(
                "there is nothing of rtx-cc's making to link".to_owned(),
            ));
        };
        let module = Module::parse(&first.bitcode, &first.origin)?;
        for unit in rest {
            module.link(&unit.bitcode, &unit.origin)?;
        }
        let mut own: Option<Module> = None;
        for unit in &inputs.units {
            match (&unit.own, &own) {
                (None, _) => {}
                (Some(bytes), None) => own = Some(Module::parse(bytes, &unit.origin)?),
                (Some(bytes), Some(all)) => all.link(bytes, &unit.origin)?,
            }
        }
        let mut wanted = inputs.wanted_by_foreign()?;
        wanted.extend(inputs::all_symbols(
            &self.home.lib(Isa::X86_64).join("libc.a"),
        )?);
        if let Some(own) = &own {
            if let Some(main) = own.function("main") {
                main.as_value().set_name(pass::USER_MAIN);
            }
            wanted.extend(own.functions().into_iter().map(|f| f.name()));
            wanted.extend(own.globals().into_iter().map(|g| g.name()));
        }
        wanted.extend(module.aliases().into_iter().map(|(alias, _)| alias.name()));
        let outcome = pass::instrument(&module, &wanted)?;
        if let Some(directory) = &self.arguments.keep {
            let path = directory.join("instrumented.ll");
            std::fs::create_dir_all(directory).map_err(CcError::file(directory))?;
            std::fs::write(&path, module.text()).map_err(CcError::file(&path))?;
        }
        Ok((module.bitcode(), own, outcome))
    }

    fn build_id(&self, program: &[u8], own: Option<&Module>) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(program);
        hash.update(own.map(Module::bitcode).unwrap_or_default());
        hash.update(self.home.root().as_os_str().as_encoded_bytes());
        hash.finalize().into()
    }

    fn generate(&self, files: &[(Isa, PathBuf)]) -> Result<(), CcError> {
        let level = if self.arguments.level == "-O3" || self.arguments.level == "-Ofast" {
            "-O3"
        } else {
            "-O2"
        };
        let generate = |isa: Isa, bitcode: &Path| {
            let directory = self.scratch.join(isa.name());
            std::fs::create_dir_all(&directory).map_err(CcError::file(&directory))?;
            let processor = match isa {
                Isa::X86_64 => &self.arguments.processor[..],
                Isa::Aarch64 => &[],
            };
            let object = directory.join("program.o");
            back_end(isa, level, processor, bitcode, &object).map_err(CcError::from)
        };
        // Each has an LLVM of its own.
        std::thread::scope(|scope| {
            let start = |(isa, bitcode): &(Isa, PathBuf)| {
                let (isa, bitcode) = (*isa, bitcode.clone());
                scope.spawn(move || generate(isa, &bitcode))
            };
            let both: Vec<_> = files.iter().map(start).collect();
            both.into_iter().try_for_each(|one| {
                one.join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        })
    }

    fn link_command(&self, isa: Isa, inputs: &Inputs) -> Result<Command, CcError> {
        let lib = self.home.lib(isa);
        let support = tools::support_library(isa)
            .map_err(|package| CcError::NoSupport(isa.name(), package))?;
        let emulation = match isa {
            Isa::X86_64 => "elf_x86_64",
            Isa::Aarch64 => "aarch64linux",
        };
        let mut command = llvm("ld.lld");
        command.args([
            "-m",
            emulation,
            "-static",
            "--gc-sections",
            "--eh-frame-hdr",
            "--build-id=sha1",
        ]);
        command.args([
            "-z",
            "max-page-size=65536",
            "-z",
            "norelro",
            "-z",
            "noexecstack",
        ]);
        command.arg(lib.join("crt1.o")).arg(lib.join("crti.o"));
        command.arg(self.scratch.join(isa.name()).join("program.o"));
        if isa == Isa::X86_64 {
            command.args(inputs.foreign.iter().map(|(file, _)| file));
        }
        let runtime = self.home.runtime(isa);
        command
            .arg(runtime.join("rtx.o"))
            .arg(runtime.join("rtx-resume.o"));
        if self.arguments.selftest {
            command.arg(runtime.join("rtx-selftest.o"));
        }
        command
            .arg("--start-group")
            .arg(lib.join("libc.a"))
            .arg(support)
            .arg("--end-group")
            .arg(lib.join("crtn.o"));
        if self.arguments.strip {
            command.arg("--strip-debug");
        }
        Ok(command)
    }

    /// Links each program once as it comes, and writes the script for both.
    fn lay_out(&self, commands: &[(Isa, Command)]) -> Result<PathBuf, CcError> {
        let mut programs = Vec::new();
        for (isa, command) in commands {
            let map = self.scratch.join(isa.name()).join("map");
            let mut first = copy(command);
            for symbol in [
                "__rtx_data_start",
                "__rtx_data_end",
                "__rtx_text_start",
                "__rtx_text_end",
            ] {
                first.arg(format!("--defsym={symbol}=0"));
            }
            first
                .arg(format!("-Map={}", map.display()))
                .arg("-o")
                .arg(self.scratch.join(isa.name()).join("first"));
            visibly(&mut first)?;
            let text = std::fs::read_to_string(&map).map_err(CcError::file(&map))?;
            programs.push(map::read(&text));
        }
        let path = self.scratch.join("layout.lds");
        std::fs::write(&path, script::write(&programs)).map_err(CcError::file(&path))?;
        Ok(path)
    }

    fn link_with(
        &self,
        commands: &[(Isa, Command)],
        script: &Path,
    ) -> Result<Vec<PathBuf>, CcError> {
        let mut programs = Vec::new();
        for (isa, command) in commands {
            let program = self.scratch.join(isa.name()).join("program");
            let mut last = copy(command);
            last.arg("-T").arg(script).arg("-o").arg(&program);
            last.arg(format!(
                "-Map={}",
                self.scratch.join(isa.name()).join("map.last").display()
            ));
            visibly(&mut last)?;
            programs.push(program);
        }
        Ok(programs)
    }

    fn finish(
        &self,
        isas: &[Isa],
        programs: &[PathBuf],
        outcome: &Outcome,
        output: &Path,
    ) -> Result<(), CcError> {
        let table = self.scratch.join("table");
        std::fs::write(&table, tables::text(&outcome.functions, &outcome.fixed))
            .map_err(CcError::file(&table))?;
        let other = second_output(output);
        let _ = std::fs::remove_file(&other);
        for (isa, program) in isas.iter().zip(programs) {
            run(llvm("llvm-objcopy")
                .arg(format!("--add-section={TABLE}={}", table.display()))
                .arg(program))?;
            let to = if *isa == Isa::X86_64 {
                output.to_owned()
            } else {
                other.clone()
            };
            // Not written over: a running program keeps its file.
            let _ = std::fs::remove_file(&to);
            std::fs::copy(program, &to).map_err(CcError::file(&to))?;
        }
        if let Some(directory) = &self.arguments.keep {
            run(Command::new("cp")
                .arg("-r")
                .arg(self.scratch)
                .arg(directory))?;
        }
        Ok(())
    }
}

/// Where the aarch64 program goes.
pub fn second_output(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".aarch64");
    name.into()
}

fn copy(command: &Command) -> Command {
    let mut copy = Command::new(command.get_program());
    copy.args(command.get_args());
    copy
}
