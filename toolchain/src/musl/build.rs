//! Builds musl and the in-guest runtime for both instruction sets into the cache.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::fcntl::{Flock, FlockArg};

use super::edits::{self, EditError};
use super::home::Home;
use super::source::{self, SourceError};
use crate::driver::run::{RunError, run};
use crate::driver::tools::{self, alike, headers, llvm};
use crate::pass::Isa;

/// The files of the runtime, by name.
pub const RUNTIME: [(&str, &str); 7] = [
    ("rtx.h", include_str!("../../runtime/rtx.h")),
    ("rtx.c", include_str!("../../runtime/rtx.c")),
    ("selftest.h", include_str!("../../runtime/selftest.h")),
    ("selftest.c", include_str!("../../runtime/selftest.c")),
    ("home.c", include_str!("../../runtime/home.c")),
    (
        "resume.x86_64.S",
        include_str!("../../runtime/arch/x86_64/resume.S"),
    ),
    (
        "resume.aarch64.S",
        include_str!("../../runtime/arch/aarch64/resume.S"),
    ),
];

/// What `rtx-cc setup` is to do.
#[derive(Debug, Default)]
pub struct Setup {
    /// musl's source: a directory or an archive; without it the distribution's package.
    pub source: Option<PathBuf>,
    /// Builds anew what is there.
    pub force: bool,
}

/// Why the C library cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A file cannot be written or read.
    #[error("cannot use {}", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// musl's source cannot be had.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// musl's source is not as expected.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// A step failed.
    #[error("cannot build the C library")]
    Run(#[from] RunError),
    /// The kernel's headers are missing.
    #[error("there are no kernel headers in /usr/include/linux; install linux-libc-dev")]
    NoKernelHeaders,
    /// GCC's support library is missing.
    #[error("libgcc.a for {0} is missing; install {1}")]
    NoSupport(&'static str, String),
}

fn file(path: &Path) -> impl FnOnce(io::Error) -> SetupError + use<> {
    let path = path.to_owned();
    move |error| SetupError::File(path, error)
}

/// Builds the library unless it is there; `say` hears what happens.
///
/// # Errors
/// When a step fails. Nothing half-built is left where it would be used.
pub fn setup(options: &Setup, say: &mut dyn FnMut(&str)) -> Result<Home, SetupError> {
    let home = Home::of_this_version();
    // Only one builds it; the others wait, and then find it there.
    let lock = home.lock();
    let above = lock.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(above).map_err(file(above))?;
    let alone = fs::File::create(&lock).map_err(file(&lock))?;
    let _alone = Flock::lock(alone, FlockArg::LockExclusive)
        .map_err(|(_, error)| file(&lock)(error.into()))?;
    if home.is_complete() && !options.force {
        say(&format!(
            "the C library is built already: {}",
            home.root().display()
        ));
        return Ok(home);
    }
    for isa in Isa::ALL {
        tools::support_library(isa)
            .map_err(|package| SetupError::NoSupport(isa.name(), package))?;
    }
    if options.force || !home.library_stamp().exists() {
        build_library(&home, options, say)?;
    }
    say("building the runtime");
    if home.runtime_root().exists() {
        fs::remove_dir_all(home.runtime_root()).map_err(file(&home.runtime_root()))?;
    }
    build_runtime(&home)?;
    say("building the part of libc that can migrate");
    fs::write(home.runtime_stamp(), "").map_err(file(&home.runtime_stamp()))?;
    let made = build_points(&home);
    if made.is_err() {
        let _ = fs::remove_file(home.runtime_stamp());
    }
    made?;
    say(&format!("done: {}", home.root().display()));
    Ok(home)
}

fn build_library(
    home: &Home,
    options: &Setup,
    say: &mut dyn FnMut(&str),
) -> Result<(), SetupError> {
    if home.root().exists() {
        fs::remove_dir_all(home.root()).map_err(file(home.root()))?;
    }
    fs::create_dir_all(home.root()).map_err(file(home.root()))?;
    let work = home.root().join("build");
    say("fetching the source of musl");
    let tree = source::get(options.source.as_deref(), &work)?;
    for isa in Isa::ALL {
        say(&format!("building musl for {}", isa.name()));
        build_musl(home, &work, &tree, isa)?;
    }
    kernel_headers(home)?;
    let kept = home.source();
    fs::create_dir_all(&kept).map_err(file(&kept))?;
    run(Command::new("cp")
        .arg("-r")
        .arg(tree.join("src/stdlib"))
        .arg(tree.join("src/include"))
        .arg(&kept))?;
    run(Command::new("cp")
        .arg("-r")
        .arg(tree.join("include"))
        .arg(kept.join("../include")))?;
    fs::remove_dir_all(&work).map_err(file(&work))?;
    fs::write(home.library_stamp(), "").map_err(file(&home.library_stamp()))
}

fn build_musl(home: &Home, work: &Path, tree: &Path, isa: Isa) -> Result<(), SetupError> {
    let source = work.join(format!("musl-{}", isa.name()));
    run(Command::new("cp").arg("-r").arg(tree).arg(&source))?;
    edits::apply(&source, isa)?;
    let own = std::env::current_exe().map_err(file(Path::new("rtx-cc")))?;
    let compiler = format!("{} --musl-cc={}", own.display(), isa.name());
    let support = tools::support_library(isa)
        .map_err(|package| SetupError::NoSupport(isa.name(), package))?;
    let flags =
        "-O2 -fno-stack-protector -fno-pic -Wno-everything -U__FP_FAST_FMA -U__FP_FAST_FMAF";
    run(Command::new(source.join("configure"))
        .current_dir(&source)
        .env("CC", &compiler)
        .env("AR", llvm("llvm-ar").get_program())
        .env("RANLIB", llvm("llvm-ranlib").get_program())
        .env("LIBCC", support)
        .env("CFLAGS", flags)
        .arg(format!("--target={}-linux-musl", isa.name()))
        .arg("--disable-shared")
        .arg(format!(
            "--prefix={}",
            home.root().join(isa.name()).display()
        ))
        .arg(format!(
            "--includedir={}",
            home.root().join(isa.name()).join("all-include").display()
        )))?;
    let jobs = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    run(Command::new("make")
        .current_dir(&source)
        .arg(format!("-j{jobs}"))
        .arg("install"))?;
    let all = home.root().join(isa.name()).join("all-include");
    match isa {
        Isa::X86_64 => fs::rename(&all, home.include()).map_err(file(&all))?,
        Isa::Aarch64 => {
            let bits = home.own_include(isa).join("bits");
            fs::create_dir_all(&bits).map_err(file(&bits))?;
            // Only the format of long double differs for programs.
            fs::copy(all.join("bits/float.h"), bits.join("float.h")).map_err(file(&bits))?;
            fs::remove_dir_all(&all).map_err(file(&all))?;
        }
    }
    Ok(())
}

fn kernel_headers(home: &Home) -> Result<(), SetupError> {
    let link = |from: &str, name: &str| {
        let to = home.include().join(name);
        std::os::unix::fs::symlink(from, &to).map_err(file(&to))
    };
    if !Path::new("/usr/include/linux").exists() {
        return Err(SetupError::NoKernelHeaders);
    }
    link("/usr/include/linux", "linux")?;
    link("/usr/include/asm-generic", "asm-generic")?;
    let asm = ["/usr/include/x86_64-linux-gnu/asm", "/usr/include/asm"];
    let asm = asm
        .into_iter()
        .find(|path| Path::new(path).exists())
        .ok_or(SetupError::NoKernelHeaders)?;
    link(asm, "asm")
}

fn build_runtime(home: &Home) -> Result<(), SetupError> {
    let source = home.runtime_root().join("source");
    fs::create_dir_all(&source).map_err(file(&source))?;
    for (name, text) in RUNTIME {
        let path = source.join(name);
        fs::write(&path, text).map_err(file(&path))?;
    }
    let clang = tools::clang_headers()?;
    for isa in Isa::ALL {
        let to = home.runtime(isa);
        fs::create_dir_all(&to).map_err(file(&to))?;
        let compile = |name: &str, object: &str| {
            run(llvm("clang")
                .args(alike(isa))
                .args(headers(home, isa, &clang))
                .args([
                    "-O2",
                    "-g",
                    "-fno-pic",
                    "-fno-stack-protector",
                    "-ffunction-sections",
                    "-fdata-sections",
                    "-c",
                ])
                .arg(format!("-ffile-prefix-map={}=rtx", source.display()))
                .arg(source.join(name))
                .arg("-o")
                .arg(to.join(object)))
        };
        compile("rtx.c", "rtx.o")?;
        compile("selftest.c", "rtx-selftest.o")?;
        compile(&format!("resume.{}.S", isa.name()), "rtx-resume.o")?;
    }
    Ok(())
}

/// qsort and bsearch call functions of the program: with equivalence points of their own they do not
/// keep a thread from leaving. The way home is a point by itself.
fn build_points(home: &Home) -> Result<(), SetupError> {
    let own = std::env::current_exe().map_err(file(Path::new("rtx-cc")))?;
    let source = home.source();
    // In the place of musl's header, whose count of zeros is assembly.
    let work = home.runtime_root().join("source");
    let atomic = work.join("atomic.h");
    fs::write(&atomic, "#define a_ctz_l __builtin_ctzl\n").map_err(file(&atomic))?;
    let mut archive = llvm("llvm-ar");
    archive.arg("rcs").arg(home.instrumented());
    let of_libc =
        ["qsort", "qsort_nr", "bsearch"].map(|name| source.join(format!("stdlib/{name}.c")));
    for file in of_libc.into_iter().chain([work.join("home.c")]) {
        let name = file.file_stem().unwrap_or_default();
        let object = work.join(name).with_extension("o");
        run(Command::new(&own)
            .args(["-O2", "-g", "-c", "-w", "-D_XOPEN_SOURCE=700"])
            .args([
                format!("-I{}", source.join("include").display()),
                format!("-I{}", work.display()),
            ])
            .arg(format!("-ffile-prefix-map={}=musl", source.display()))
            .arg(format!("-ffile-prefix-map={}=rtx", work.display()))
            .arg(&file)
            .arg("-o")
            .arg(&object))?;
        archive.arg(object);
    }
    run(&mut archive)?;
    Ok(())
}
