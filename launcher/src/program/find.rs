//! From the name the user gave to a file, as execvp(3) does it.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{AccessFlags, faccessat};

use super::error::{ProgramError, Why};

/// Where to look if there is no PATH: what glibc's execvp uses.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Finds the file to run and sees whether it may be executed.
///
/// A name with a slash is a path. Any other is looked for in the directories of `search` (the
/// value of PATH, if there is one); files there that may not be executed are passed over.
pub fn find(name: &OsStr, search: Option<&OsStr>) -> Result<PathBuf, ProgramError> {
    let failed = |why| ProgramError {
        path: PathBuf::from(name),
        why,
    };
    if name.is_empty() || name.as_bytes().contains(&b'/') {
        let path = PathBuf::from(name);
        return executable(&path).map(|()| path).map_err(failed);
    }
    let mut denied = None;
    let search = search.unwrap_or(OsStr::new(DEFAULT_PATH));
    for directory in search.as_bytes().split(|byte| *byte == b':') {
        let directory = match directory {
            b"" => Path::new("."),
            bytes => Path::new(OsStr::from_bytes(bytes)),
        };
        let path = directory.join(name);
        match executable(&path) {
            Ok(()) => return Ok(path),
            Err(Why::Missing | Why::Directory) => {}
            Err(why) => denied = denied.or(Some(ProgramError { path, why })),
        }
    }
    Err(denied.unwrap_or_else(|| failed(Why::NotInPath)))
}

/// Whether a file may be executed by this process.
pub(super) fn executable(path: &Path) -> Result<(), Why> {
    let metadata = fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Why::Missing,
        _ => Why::Io(error),
    })?;
    if metadata.is_dir() {
        return Err(Why::Directory);
    }
    if !metadata.is_file() {
        return Err(Why::NotAFile);
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return Err(Why::NotExecutable);
    }
    // The kernel is asked, as it knows about lists, capabilities and mounts.
    faccessat(AT_FDCWD, path, AccessFlags::X_OK, AtFlags::AT_EACCESS).map_err(|_| Why::Denied)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory with `bin/tool` (executable), `bin/notes` (not) and `bin/sub/`.
    struct Directory(PathBuf);

    impl Directory {
        fn new(test: &str) -> Self {
            let name = format!("rtx-find-{}-{test}", std::process::id());
            let root = std::env::temp_dir().join(name);
            fs::create_dir_all(root.join("bin/sub")).expect("created");
            for (name, mode) in [("tool", 0o755), ("notes", 0o644)] {
                let path = root.join("bin").join(name);
                fs::write(&path, "x").expect("written");
                fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("mode set");
            }
            Self(root)
        }

        fn join(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn why(name: &Path, search: &str) -> Why {
        find(name.as_os_str(), Some(OsStr::new(search)))
            .expect_err("not runnable")
            .why
    }

    #[test]
    fn a_name_without_slash_is_looked_for_in_path() {
        let root = Directory::new("search");
        let search = format!("/no/such:{}:/usr/bin", root.join("bin").display());
        let found = find(OsStr::new("tool"), Some(OsStr::new(&search)));
        assert_eq!(found.expect("found"), root.join("bin/tool"));
        assert!(matches!(
            why(Path::new("rtx-absent"), &search),
            Why::NotInPath
        ));
        assert!(matches!(why(Path::new("sub"), &search), Why::NotInPath));
        assert!(matches!(
            why(Path::new("notes"), &search),
            Why::NotExecutable
        ));
    }

    #[test]
    fn a_name_with_slash_is_a_path() {
        let root = Directory::new("path");
        let tool = root.join("bin/tool");
        assert_eq!(find(tool.as_os_str(), None).expect("found"), tool);
        assert!(matches!(why(&root.join("bin/none"), ""), Why::Missing));
        assert!(matches!(why(&root.join("bin/tool/x"), ""), Why::Missing));
        assert!(matches!(why(&root.join("bin/sub"), ""), Why::Directory));
        assert!(matches!(
            why(&root.join("bin/notes"), ""),
            Why::NotExecutable
        ));
        assert!(matches!(why(Path::new("/dev/null"), ""), Why::NotAFile));
        assert!(matches!(why(Path::new(""), "/bin"), Why::Missing));
    }

    #[test]
    fn without_path_the_usual_directories_are_searched() {
        assert!(find(OsStr::new("sh"), None).is_ok());
    }
}
