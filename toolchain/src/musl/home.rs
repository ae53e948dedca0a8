//! Where the built C library is.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::pass::Isa;

/// The built C library and what goes with it.
#[derive(Debug, Clone)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// The library that fits this rtx-cc: below `RTX_CC_HOME`, or the user's cache directory.
    pub fn of_this_version() -> Home {
        let base = std::env::var_os("RTX_CC_HOME")
            .map(PathBuf::from)
            .unwrap_or_else(|| {
                let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
                let home = || {
                    PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/tmp".into()))
                        .join(".cache")
                };
                cache.unwrap_or_else(home).join("rtx-cc")
            });
        Home {
            root: base.join(format!("musl-{}", fingerprint())),
        }
    }

    /// The directory of everything.
    pub fn root(&self) -> &PathBuf {
        &self.root
    }

    /// The headers, one set for both instruction sets.
    pub fn include(&self) -> PathBuf {
        self.root.join("include")
    }

    /// The few headers that describe processor formats, for the second front end's own bodies.
    pub fn own_include(&self, isa: Isa) -> PathBuf {
        self.root.join(isa.name()).join("include")
    }

    /// The libraries and objects of an instruction set.
    pub fn lib(&self, isa: Isa) -> PathBuf {
        self.root.join(isa.name()).join("lib")
    }

    /// The part of libc that has equivalence points: an archive of rtx-cc's objects.
    pub fn instrumented(&self) -> PathBuf {
        self.runtime_root().join("librtx-points.a")
    }

    /// The files of musl's source that programs get with equivalence points, and their headers.
    pub(super) fn source(&self) -> PathBuf {
        self.root.join("source/src")
    }

    /// The objects of the runtime for an instruction set.
    pub fn runtime(&self, isa: Isa) -> PathBuf {
        self.runtime_root().join(isa.name())
    }

    /// The runtime and the archive: they change more often than the library.
    pub(super) fn runtime_root(&self) -> PathBuf {
        self.root.join(format!("runtime-{}", runtime_fingerprint()))
    }

    /// Written last: the library is complete.
    pub(super) fn library_stamp(&self) -> PathBuf {
        self.root.join("complete")
    }

    /// Written last: the runtime is complete.
    pub(super) fn runtime_stamp(&self) -> PathBuf {
        self.runtime_root().join("complete")
    }

    /// Locked by who builds it. It stays.
    pub(super) fn lock(&self) -> PathBuf {
        self.root.with_extension("lock")
    }

    /// Whether all is there.
    pub fn is_complete(&self) -> bool {
        self.library_stamp().exists() && self.runtime_stamp().exists()
    }
}

/// Changes when anything changes that goes into the library.
fn fingerprint() -> String {
    let ours = super::edits::TEXTS.into_iter();
    digest(ours.chain([
        include_str!("edits.rs"),
        include_str!("compile.rs"),
        include_str!("../driver/tools.rs"),
        include_str!("../pass/brackets.rs"),
        include_str!("../pass/divisions.rs"),
        include_str!("../pass/names.rs"),
        include_str!("../pass/thread_words.rs"),
    ]))
}

/// Changes when anything changes that goes into the runtime.
fn runtime_fingerprint() -> String {
    let runtime = super::build::RUNTIME.into_iter().map(|(_, text)| text);
    digest(runtime.chain([
        include_str!("build.rs"),
        include_str!("../pass/homeward.rs"),
        include_str!("../pass/pins.rs"),
        include_str!("../driver/compile.rs"),
    ]))
}

fn digest(texts: impl Iterator<Item = &'static str>) -> String {
    let mut hash = Sha256::new();
    hash.update(env!("CARGO_PKG_VERSION"));
    texts.for_each(|text| hash.update(text));
    hash.finalize()[..6]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
