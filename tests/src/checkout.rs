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

/// Where `rtx-cc` is: `RTX_CC`, or where cargo puts it.
pub fn compiler_path() -> PathBuf {
    let named = std::env::var_os("RTX_CC").map(PathBuf::from);
    named.unwrap_or_else(|| target().join("release/rtx-cc"))
}

/// Builds `rtx-cc` and its C library, once a process, unless `RTX_CC` names one that is ready.
pub fn compiler() {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        if std::env::var_os("RTX_CC").is_some() {
            return;
        }
        cargo(&["-p", "rtx-toolchain"]);
        let setup = Command::new(compiler_path()).arg("setup").output();
        let setup = setup.expect("rtx-cc runs");
        let text = String::from_utf8_lossy(&setup.stderr);
        assert!(setup.status.success(), "rtx-cc setup fails: {text}");
    });
}

fn build() -> PathBuf {
    cargo(&["-p", "rtx-launcher", "-p", "rtx-runtime"]);
    target().join("release")
}

/// Builds these packages.
fn cargo(packages: &[&str]) {
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--quiet"])
        .args(packages)
        .current_dir(root())
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the release binaries do not build");
}

/// cargo's target directory.
fn target() -> PathBuf {
    let named = std::env::var_os("CARGO_TARGET_DIR").map(|directory| root().join(directory));
    named.unwrap_or_else(|| root().join("target"))
}
