//! Guest programs: built once a process, found by name.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::checkout;

/// A guest program that has been built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    path: PathBuf,
}

impl Guest {
    /// One of `examples/*.c`.
    pub fn example(name: &str) -> Self {
        static BUILT: OnceLock<PathBuf> = OnceLock::new();
        Self::in_directory(BUILT.get_or_init(|| build("guest", &[])), name)
    }

    /// One of `tests/guests/*.c`.
    pub fn test(name: &str) -> Self {
        static BUILT: OnceLock<PathBuf> = OnceLock::new();
        let built = BUILT.get_or_init(|| build("guest-tests", &sources()));
        Self::in_directory(built, name)
    }

    /// A conformance program: `AREA/NAME`, from this source.
    pub fn conformance(area: &str, name: &str, source: &Path) -> Self {
        let directory = build(&format!("conformance/{area}"), &[source.to_owned()]);
        Self::in_directory(&directory, name)
    }

    /// One of `examples/*.c`, built by rtx-cc; `NAME.aarch64` lies beside it.
    pub fn rtx_example(name: &str) -> Self {
        static BUILT: OnceLock<PathBuf> = OnceLock::new();
        Self::in_directory(BUILT.get_or_init(|| build_rtx("guest-rtx", &[])), name)
    }

    /// A program built by rtx-cc from this source, `DIRECTORY/NAME.c` in the checkout.
    pub fn rtx(source: &str) -> Self {
        let path = Path::new(source);
        let above = path.parent().expect("a directory").display();
        let kind = format!("guest-rtx-tests/{above}");
        let directory = build_rtx(&kind, &[checkout::root().join(path)]);
        let name = path.file_stem().expect("a name").to_str();
        Self::in_directory(&directory, name.expect("a plain name"))
    }

    /// A conformance program, built by rtx-cc.
    pub fn rtx_conformance(area: &str, name: &str, source: &Path) -> Self {
        let kind = format!("conformance-rtx/{area}");
        Self::in_directory(&build_rtx(&kind, &[source.to_owned()]), name)
    }

    fn in_directory(directory: &Path, name: &str) -> Self {
        let path = directory.join(name);
        assert!(path.is_file(), "there is no guest {}", path.display());
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the file for the other instruction set is, of a program of rtx-cc.
    pub fn other_path(&self) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(".aarch64");
        path.into()
    }
}

/// All of `tests/guests/*.c`.
pub fn sources() -> Vec<PathBuf> {
    let directory = checkout::root().join("tests/guests");
    let entries = std::fs::read_dir(directory).expect("tests/guests can be listed");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut sources: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .collect();
    sources.sort();
    sources
}

/// For another machine than this one: builds `sources` into `target/KIND/ARCH` and says where that is.
pub fn build_for(arch: &str, kind: &str, sources: &[PathBuf]) -> PathBuf {
    let directory = checkout::root().join("target").join(kind).join(arch);
    run_script(&["-a".as_ref(), arch.as_ref()], &directory, sources);
    directory
}

/// Set where everything is built already, and no compiler is there.
const BUILT: &str = "RTX_GUESTS_BUILT";

/// Builds the sources (none: the examples) into `target/KIND/ARCH`. The script leaves alone what is
/// current, and replaces programs atomically, so test processes may do this side by side.
fn build(kind: &str, sources: &[PathBuf]) -> PathBuf {
    let target = checkout::root().join("target");
    let directory = target.join(kind).join(std::env::consts::ARCH);
    if std::env::var_os(BUILT).is_none() {
        run_script(&[], &directory, sources);
    }
    directory
}

/// Builds the sources (none: the examples) by rtx-cc into `target/KIND/x86_64`.
fn build_rtx(kind: &str, sources: &[PathBuf]) -> PathBuf {
    let directory = checkout::root().join("target").join(kind).join("x86_64");
    if std::env::var_os(BUILT).is_none() {
        // Two files make a program: nobody may find them from two builds.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        checkout::compiler();
        run_script(&["--rtx-cc".as_ref()], &directory, sources);
    }
    directory
}

fn run_script(options: &[&OsStr], directory: &Path, sources: &[PathBuf]) {
    let output = Command::new(checkout::root().join("toolchain/build-guests"))
        .args(options)
        .arg("-o")
        .arg(directory)
        .args(sources)
        .env("RTX_CC", checkout::compiler_path())
        .output()
        .expect("toolchain/build-guests runs");
    assert!(
        output.status.success(),
        "guests do not build: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
