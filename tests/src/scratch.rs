//! A directory of its own for each run, gone with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

/// A new directory below the system's temporary one, removed on drop.
#[derive(Debug)]
pub struct Scratch {
    id: String,
    path: PathBuf,
}

impl Scratch {
    /// A directory with the subdirectories `work` and `tmp`.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let id = format!("testbed-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(&id);
        let _ = fs::remove_dir_all(&path);
        for directory in ["work", "tmp"] {
            fs::create_dir_all(path.join(directory)).expect("a directory below the temporary one");
        }
        Self { id, path }
    }

    /// A name that no other run has.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A path in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// What a file of JSON lines in it has, such as `--events` writes.
    pub fn json_lines(&self, name: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.path(name)).expect("written");
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect()
    }

    /// Copies a program into the directory: by another process, as a child that another test forks at that moment would have
    /// it open for writing, and nobody could execute it (ETXTBSY).
    pub fn program(&self, from: &Path, name: &str) -> PathBuf {
        let path = self.path(name);
        let status = Command::new("cp").args([from, &path]).status();
        assert!(status.expect("cp runs").success(), "{from:?} is copied");
        path
    }

    /// The run's working directory, unless it asks for another.
    pub fn work(&self) -> PathBuf {
        self.path("work")
    }

    /// The run's `TMPDIR`.
    pub fn tmp(&self) -> PathBuf {
        self.path("tmp")
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// The names in a directory, sorted; none if it does not exist.
pub fn names_in(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names: Vec<String> = entries.flatten().map(name).collect();
    names.sort();
    names
}
