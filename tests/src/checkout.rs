//! Where things are: the checkout, the built commands, the built guests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The root of the checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the checkout")
}

/// The directory with `rtx-run`, `rtx` and `rtx-board`.
///
/// `RTX_BIN_DIR` names it; without that, the release binaries are built, once a process, so that
/// a plain `cargo test` tests what the checkout says.
pub fn binaries() -> &'static Path {
    static BINARIES: OnceLock<PathBuf> = OnceLock::new();
    BINARIES.get_or_init(|| match std::env::var_os("RTX_BIN_DIR") {
        Some(directory) => std::fs::canonicalize(&directory).expect("RTX_BIN_DIR exists"),
        None => build(),
    })
}

/// A built command.
pub fn binary(name: &str) -> PathBuf {
    let path = binaries().join(name);
    assert!(path.is_file(), "there is no {}: make build", path.display());
    path
}

fn build() -> PathBuf {
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--quiet"])
        .args(["-p", "rtx-launcher", "-p", "rtx-runtime"])
        .current_dir(root())
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the release binaries do not build");
    target().join("release")
}

/// cargo's target directory.
fn target() -> PathBuf {
    let named = std::env::var_os("CARGO_TARGET_DIR").map(|directory| root().join(directory));
    named.unwrap_or_else(|| root().join("target"))
}
