//! Running the commands as a user does, and files to run them on.

#![allow(dead_code)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A command of this package, with nothing of this process's configuration in its environment.
pub fn command(binary: &Path) -> Command {
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("RTX_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// `rtx-run` as built for this test.
pub fn rtx_run() -> Command {
    command(Path::new(env!("CARGO_BIN_EXE_rtx-run")))
}

/// How a command ended: exit status and stderr. It must not write to stdout.
pub fn outcome(command: &mut Command) -> (i32, String) {
    let output = command.output().expect("started");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(
        output.stdout, b"",
        "stdout belongs to the program; stderr: {stderr}"
    );
    (output.status.code().expect("no signal"), stderr)
}

/// Runs `rtx-run` with these arguments and expects this status and this one line.
#[track_caller]
pub fn refuses<S: AsRef<OsStr>>(args: &[S], status: i32, line: &str) {
    let (actual, stderr) = outcome(rtx_run().args(args));
    assert_eq!(stderr, format!("{line}\n"));
    assert_eq!(actual, status, "{stderr}");
}

/// Copies a file that is to be executed: by another process, as a child that another test forks at that moment would
/// have it open for writing (ETXTBSY).
pub fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").args([from, to]).status();
    assert!(status.expect("cp runs").success(), "{from:?} is copied");
}

/// A directory of the test's own, readable by everyone, removed at the end.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new(test: &str) -> Self {
        let name = format!("rtx-launcher-{}-{test}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).expect("created");
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("mode set");
        Self(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Makes a file and returns its path as text.
    pub fn file(&self, name: &str, mode: u32, content: &[u8]) -> String {
        let path = self.path(name);
        let written = self.path(&format!("{name}.written"));
        fs::write(&written, content).expect("written");
        copy(&written, &path);
        fs::remove_file(written).expect("removed");
        fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("mode set");
        path.to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The number of this machine and of another one in ELF.
const MACHINES: (u16, u16) = if cfg!(target_arch = "x86_64") {
    (62, 183)
} else {
    (183, 62)
};

/// exit(0) in machine code.
const EXIT: &[u8] = if cfg!(target_arch = "x86_64") {
    // mov eax, 60; xor edi, edi; syscall
    &[0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05]
} else {
    // mov x8, 93; mov x0, 0; svc 0
    &[0xa8, 0x0b, 0x80, 0xd2, 0, 0, 0x80, 0xd2, 1, 0, 0, 0xd4]
};

/// A statically linked program that exits with 0.
pub fn program() -> Vec<u8> {
    elf(2, MACHINES.0, &[])
}

/// The same for another machine.
pub fn foreign_program() -> Vec<u8> {
    elf(2, MACHINES.1, &[])
}

/// The same with a 32-bit header.
pub fn narrow_program() -> Vec<u8> {
    elf(1, 3, &[])
}

/// A file of rtx-cc, for this machine or the other, of a build and a version of its ABI.
pub fn file_of_pair(foreign: bool, build: u8, version: u32) -> Vec<u8> {
    const X86_64: u16 = 62;
    let machine = if foreign { MACHINES.1 } else { MACHINES.0 };
    let mut note = Vec::new();
    for word in [4, 104, 1] {
        note.extend(u32::to_le_bytes(word));
    }
    note.extend(b"rtx\0");
    note.extend(version.to_le_bytes());
    note.extend(u32::from(machine != X86_64).to_le_bytes());
    note.extend([build; 32]);
    let data = 0x50_0000;
    for address in [0, data, data + 8, 0x40_0000, data, data, 0, 0] {
        note.extend(u64::to_le_bytes(address));
    }
    elf(2, machine, &note)
}

/// A program, with a note.
fn elf(class: u8, machine: u16, note: &[u8]) -> Vec<u8> {
    const BASE: u64 = 0x40_0000;
    const HEADERS: u64 = 64 + 2 * 56;
    let mut out = vec![0x7f, b'E', b'L', b'F', class, 1, 1, 0];
    out.resize(16, 0);
    out.extend(2u16.to_le_bytes());
    out.extend(machine.to_le_bytes());
    out.extend(1u32.to_le_bytes());
    for value in [BASE + HEADERS, 64, 0] {
        out.extend(value.to_le_bytes());
    }
    out.extend(0u32.to_le_bytes());
    for value in [64u16, 56, 2, 64, 0, 0] {
        out.extend(value.to_le_bytes());
    }
    let size = HEADERS + EXIT.len() as u64;
    out.extend(1u32.to_le_bytes());
    out.extend(5u32.to_le_bytes());
    for value in [0, BASE, BASE, size, size, 4096] {
        out.extend(value.to_le_bytes());
    }
    let length = note.len() as u64;
    out.extend(4u32.to_le_bytes());
    out.extend(4u32.to_le_bytes());
    for value in [size, 0, 0, length, length, 4] {
        out.extend(value.to_le_bytes());
    }
    out.extend(EXIT);
    out.extend(note);
    out
}
