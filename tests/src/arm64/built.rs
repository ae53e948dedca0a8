//! What runs in the machine, built on this one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::checkout;

/// The target of `toolchain/cargo-arm64`.
const TARGET: &str = "target/arm64/aarch64-unknown-linux-gnu/release";

/// The commands that the machine has, built if they are not.
pub fn commands() -> Vec<PathBuf> {
    let build = ["build", "--release", "--locked", "--bins"];
    let packages = ["-p", "rtx-launcher", "-p", "rtx-runtime", "-p", "rtx-tests"];
    prepare(
        &checkout::root().join("toolchain/cargo-arm64"),
        &[&build[..], &packages].concat(),
    );
    let built = checkout::root().join(TARGET);
    let names = [
        "rtx-run",
        "rtx",
        "rtx-board",
        "rtx-conformance",
        "rtx-vm-agent",
    ];
    names.map(|name| built.join(name)).to_vec()
}

/// The runtime's unit tests, and its tests of a kernel's memory, built for the machine.
pub fn unit_tests() -> Vec<PathBuf> {
    let script = checkout::root().join("toolchain/cargo-arm64");
    let output = Command::new(&script)
        .args([
            "test",
            "--release",
            "--locked",
            "--no-run",
            "--message-format=json",
        ])
        .args(["-p", "rtx-runtime", "--lib"])
        .args([
            "--test",
            "memory_uffd",
            "--test",
            "memory_helper",
            "--test",
            "memory_maps",
            "--test",
            "guest_inject",
        ])
        .stderr(Stdio::inherit())
        .output()
        .expect("toolchain/cargo-arm64 runs");
    assert!(
        output.status.success(),
        "the unit tests do not build for ARM64"
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("cargo writes JSON"));
    // Integration tests have the package's commands built too.
    messages
        .filter(|message: &serde_json::Value| message["profile"]["test"] == true)
        .filter_map(|message| Some(message["executable"].as_str()?.into()))
        .collect()
}

pub fn prepare(script: &Path, args: &[&str]) {
    let status = Command::new(script)
        .args(args)
        .current_dir(checkout::root())
        .status();
    let status = status.unwrap_or_else(|e| panic!("{}: {e}", script.display()));
    assert!(status.success(), "{} failed", script.display());
}
