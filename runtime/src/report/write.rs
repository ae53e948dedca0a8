//! Writing a report into a file, as a whole or not at all.
//!
//! A regular file appears by rename, so that nobody ever reads half a report and a failure leaves
//! an older report as it was. Anything else (a pipe, `/dev/stderr`, a symbolic link) is written in
//! place: renaming over it would replace it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::schema::Report;

/// A report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The path cannot be a file.
    #[error("cannot write the report {path:?}: it does not name a file")]
    NotAFile {
        /// What was asked for.
        path: PathBuf,
    },
    /// The file, or the temporary file beside it, could not be written.
    #[error("cannot write the report {path:?}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Report {
    /// The report as it is written: indented JSON and a newline.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self)
            .expect("a report has string keys only and no type that can fail");
        text.push('\n');
        text
    }

    /// Writes the report into a file.
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        let text = self.to_json();
        let write = || match target(path)? {
            Target::InPlace => open_in_place(path)?.write_all(text.as_bytes()),
            Target::Rename { temporary } => {
                let written = create_new(&temporary)
                    .and_then(|mut file| file.write_all(text.as_bytes()))
                    .and_then(|()| fs::rename(&temporary, path));
                if written.is_err() {
                    // The first error is the one to tell; a left-over file harms nobody.
                    let _ = fs::remove_file(&temporary);
                }
                written
            }
        };
        named(path, write())
    }
}

/// Finds out whether a report could be written there, before a job of hours depends on it.
/// Leaves nothing behind and an existing file as it is.
pub fn check(path: &Path) -> Result<(), ReportError> {
    let check = || match target(path)? {
        // Opening a pipe would wait for its reader, and truncate nothing.
        Target::InPlace => Ok(()),
        Target::Rename { temporary } => {
            create_new(&temporary)?;
            fs::remove_file(&temporary)
        }
    };
    named(path, check())
}

/// How a path is written.
enum Target {
    InPlace,
    Rename { temporary: PathBuf },
}

fn target(path: &Path) -> io::Result<Target> {
    let Some(name) = path.file_name() else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    match fs::symlink_metadata(path) {
        Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(there) if !there.is_file() => Ok(Target::InPlace),
        _ => {
            let mut temporary = OsString::from(".");
            temporary.push(name);
            temporary.push(format!(".{}.tmp", std::process::id()));
            Ok(Target::Rename {
                temporary: path.with_file_name(temporary),
            })
        }
    }
}

fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Opens what is no regular file. What stands in `/dev` may lead to a file with other content
/// (`/dev/stderr` redirected), which is kept.
fn open_in_place(path: &Path) -> io::Result<File> {
    let keep = path.starts_with("/dev");
    OpenOptions::new()
        .write(true)
        .create(true)
        .append(keep)
        .truncate(!keep)
        .open(path)
}

fn named(path: &Path, result: io::Result<()>) -> Result<(), ReportError> {
    result.map_err(|source| {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::InvalidInput => ReportError::NotAFile { path },
            _ => ReportError::Write { path, source },
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::schema::sample;
    use super::*;

    /// An empty directory of the test's own, removed at the end.
    struct Directory(PathBuf);

    impl Directory {
        fn new(test: &str) -> Self {
            let name = format!("rtx-report-{}-{test}", std::process::id());
            let path = std::env::temp_dir().join(name);
            fs::create_dir(&path).expect("temporary directory");
            Self(path)
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

    #[test]
    fn a_report_replaces_an_older_one_and_leaves_nothing_else() {
        let directory = Directory::new("replace");
        let path = directory.join("r.json");
        fs::write(&path, "old").expect("written");
        check(&path).expect("writable");
        assert_eq!(fs::read_to_string(&path).expect("kept"), "old");
        sample().write(&path).expect("written");
        let text = fs::read_to_string(&path).expect("readable");
        assert_eq!(
            serde_json::from_str::<Report>(&text).expect("json"),
            sample()
        );
        assert!(text.ends_with("}\n"));
        assert_eq!(fs::read_dir(&directory.0).expect("listed").count(), 1);
    }

    #[test]
    fn errors_name_the_file() {
        let directory = Directory::new("missing");
        let path = directory.join("no/such/r.json");
        for result in [check(&path), sample().write(&path)] {
            let error = result.expect_err("no such directory");
            let expected = format!("cannot write the report {path:?}");
            assert_eq!(error.to_string(), expected);
            assert!(matches!(error, ReportError::Write { .. }));
        }
    }

    #[test]
    fn a_directory_is_refused() {
        let directory = Directory::new("directory");
        let path = directory.join("");
        assert!(check(&path).is_err());
        assert!(sample().write(&path).is_err());
        assert!(matches!(
            check(Path::new("/")),
            Err(ReportError::NotAFile { .. })
        ));
    }

    #[test]
    fn a_symbolic_link_stays_one() {
        let directory = Directory::new("link");
        let link = directory.join("link.json");
        std::os::unix::fs::symlink(directory.join("real.json"), &link).expect("linked");
        check(&link).expect("writable");
        sample().write(&link).expect("written");
        assert!(link.symlink_metadata().expect("there").is_symlink());
        assert!(directory.join("real.json").is_file());
    }
}
