//! Guest programs: built once a process, found by name.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

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

    fn in_directory(directory: &Path, name: &str) -> Self {
        let path = directory.join(name);
        assert!(path.is_file(), "there is no guest {}", path.display());
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// All of `tests/guests/*.c`.
fn sources() -> Vec<PathBuf> {
    let directory = checkout::root().join("tests/guests");
    let entries = std::fs::read_dir(directory).expect("tests/guests can be listed");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut sources: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .collect();
    sources.sort();
    sources
}

/// Builds the sources (none: the examples) into `target/KIND/ARCH`. The script leaves alone what is
/// current, and replaces programs atomically, so test processes may do this side by side.
fn build(kind: &str, sources: &[PathBuf]) -> PathBuf {
    let root = checkout::root();
    let directory = root.join("target").join(kind).join(std::env::consts::ARCH);
    let output = Command::new(root.join("toolchain/build-guests"))
        .arg("-o")
        .arg(&directory)
        .args(sources)
        .output()
        .expect("toolchain/build-guests runs");
    assert!(
        output.status.success(),
        "guests do not build: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    directory
}
