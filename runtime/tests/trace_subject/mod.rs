//! Real stacks of real programs: compiled here, run (by qemu if they are for another machine) until a
//! signal's handler writes down what it interrupted.

use std::path::{Path, PathBuf};
use std::process::Command;

use rtx_runtime::trace::{Backtrace, Program, Snapshot, backtrace};

/// A program in a directory of its own, which is removed at the end.
pub struct Subject {
    directory: PathBuf,
    isa: &'static str,
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

impl Subject {
    /// The program without a libc, for `isa`.
    pub fn bare(isa: &'static str, flags: &[&str]) -> Self {
        let subject = Self::new(isa);
        let target = format!("--target={isa}-linux-gnu");
        let common = [&target, "-ffreestanding", "-fno-stack-protector", "-c"];
        let blind = [
            "-O2",
            "-fomit-frame-pointer",
            "-fno-asynchronous-unwind-tables",
        ];
        let clang = |source: &str, flags: &[&str]| {
            let mut command = Command::new("clang-19");
            command.args(common).args(flags).arg(source_of(source));
            run(command.current_dir(&subject.directory));
        };
        clang("blind.c", &blind);
        clang("bare.c", flags);
        let mut link = Command::new("ld.lld-19");
        link.args(["-o", "program", "bare.o", "blind.o"]);
        run(link.current_dir(&subject.directory));
        subject
    }

    /// The program with musl, for this machine.
    pub fn hosted(flags: &[&str]) -> Self {
        let subject = Self::new(std::env::consts::ARCH);
        let mut command = Command::new("musl-gcc");
        command
            .args(["-static", "-pthread", "-o", "program"])
            .args(flags);
        run(command
            .arg(source_of("hosted.c"))
            .current_dir(&subject.directory));
        subject
    }

    fn new(isa: &'static str) -> Self {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("rtx-trace-{}-{count}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir(&directory).expect("a directory");
        Self { directory, isa }
    }

    /// Takes all symbols and all debug information away.
    pub fn strip(&self) {
        let mut strip = Command::new("llvm-objcopy-19");
        run(strip
            .args(["--strip-all", "program"])
            .current_dir(&self.directory));
    }

    /// Its file.
    pub fn file(&self) -> Vec<u8> {
        std::fs::read(self.directory.join("program")).expect("built")
    }

    /// Where the file begins in memory, and what its handler saw with these arguments.
    pub fn snapshot(&self, args: &[&str]) -> (u64, Snapshot) {
        let program = self.directory.join("program");
        let mut command = match self.isa == std::env::consts::ARCH {
            true => Command::new(&program),
            false => {
                let mut qemu = Command::new(format!("qemu-{}-static", self.isa));
                qemu.arg(&program);
                qemu
            }
        };
        let bytes = run(command.args(args));
        let words = if self.isa == "x86_64" { 27 } else { 37 };
        let (entry, rest) = bytes.split_at(8);
        let (registers, rest) = rest.split_at(8 * words);
        let (sp, stack) = rest.split_at(8);
        let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("8 bytes"));
        let snapshot = Snapshot {
            registers: registers.to_vec(),
            sp: word(sp),
            stack: stack.to_vec(),
        };
        (word(entry), snapshot)
    }

    /// The backtrace of what its handler saw with these arguments.
    pub fn backtrace(&self, args: &[&str]) -> Backtrace {
        let (entry, snapshot) = self.snapshot(args);
        let file = self.file();
        let program = Program::parse(&file, Some(entry)).expect("a program");
        backtrace(&program, &snapshot).expect("registers of its machine")
    }
}

fn source_of(name: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trace_subject");
    tests.join(name)
}

fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output();
    let output = output.unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    output.stdout
}

/// The frames as `function:line`, those without a line as `function`.
pub fn shown(trace: &Backtrace) -> Vec<String> {
    let one = |frame: &rtx_runtime::trace::Frame| {
        let function = frame.function.as_deref().unwrap_or("-");
        match (&frame.file, frame.line) {
            (Some(file), Some(line)) => {
                let file = file.rsplit('/').next().unwrap_or_default();
                format!("{function} {file}:{line}")
            }
            _ => function.to_owned(),
        }
    };
    trace.frames.iter().map(one).collect()
}
