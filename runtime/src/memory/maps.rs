//! The mappings of another process: all of them from /proc/PID/maps, or the one at an address by
//! the PROCMAP_QUERY ioctl, with the text as the way out on kernels before 6.11.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::ops::Range;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::unistd::Pid;

use super::maps_query;
pub use super::maps_text::ParseError;

/// Access that a mapping gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Prot {
    pub r: bool,
    pub w: bool,
    pub x: bool,
}

impl Prot {
    /// As PROT_READ, PROT_WRITE and PROT_EXEC of mmap(2).
    pub fn bits(self) -> u32 {
        u32::from(self.r) | u32::from(self.w) << 1 | u32::from(self.x) << 2
    }

    /// From the bits of mmap(2); others are ignored.
    pub fn from_bits(bits: u32) -> Self {
        Self {
            r: bits & 1 != 0,
            w: bits & 2 != 0,
            x: bits & 4 != 0,
        }
    }

    pub fn none(self) -> bool {
        self == Self::default()
    }
}

/// What is mapped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Private anonymous memory without a name.
    Anon,
    /// Private anonymous memory with a name (PR_SET_VMA_ANON_NAME).
    NamedAnon(String),
    /// The brk heap.
    Heap,
    /// The first thread's stack.
    Stack,
    Vdso,
    /// The vDSO's data, all its variants ([vvar], [vvar_vclock]).
    Vvar,
    Vsyscall,
    /// Shared anonymous memory: MAP_SHARED|MAP_ANONYMOUS or System V, with the kernel's name for it.
    SharedAnon(PathBuf),
    /// A file (a memfd too), as the kernel names it: " (deleted)" at the end if it has no name left.
    File(PathBuf),
    /// Another name in brackets, such as [uprobes].
    Special(String),
}

impl Kind {
    /// Private anonymous memory of whatever name: what userfaultfd can watch for us.
    pub fn is_anon(&self) -> bool {
        matches!(
            self,
            Kind::Anon | Kind::NamedAnon(_) | Kind::Heap | Kind::Stack
        )
    }

    /// Made by the kernel, not by the program: vDSO and its like.
    pub fn is_kernel(&self) -> bool {
        matches!(
            self,
            Kind::Vdso | Kind::Vvar | Kind::Vsyscall | Kind::Special(_)
        )
    }

    pub fn file(&self) -> Option<&Path> {
        match self {
            Kind::File(path) => Some(path),
            _ => None,
        }
    }
}

/// One mapping (virtual memory area).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vma {
    pub start: u64,
    pub end: u64,
    pub prot: Prot,
    pub shared: bool,
    /// Of `start` in the file, in bytes.
    pub offset: u64,
    /// Major and minor number.
    pub dev: (u32, u32),
    pub inode: u64,
    pub kind: Kind,
}

impl Vma {
    pub fn range(&self) -> Range<u64> {
        self.start..self.end
    }

    pub fn len(&self) -> u64 {
        self.end - self.start
    }

    pub fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// A private mapping of a file: its pages are the file's until they are written.
    pub fn is_private_file(&self) -> bool {
        !self.shared && matches!(self.kind, Kind::File(_))
    }
}

#[derive(Debug, thiserror::Error)]
pub enum MapsError {
    #[error("cannot read /proc/{pid}/{file}")]
    Read {
        pid: Pid,
        file: &'static str,
        source: io::Error,
    },
    #[error("line {line} of /proc/{pid}/maps is not understood")]
    Parse {
        pid: Pid,
        line: usize,
        source: ParseError,
    },
    #[error("cannot query the mapping of process {pid} at {addr:#x}")]
    Query {
        pid: Pid,
        addr: u64,
        source: io::Error,
    },
}

/// All mappings, in order of address. A consistent picture only while the process is frozen.
pub fn read_maps(pid: Pid) -> Result<Vec<Vma>, MapsError> {
    Maps::open(pid)?.all()
}

/// The open list of mappings of one process.
pub struct Maps {
    pid: Pid,
    file: Mutex<File>,
    /// Whether this kernel has PROCMAP_QUERY, as far as is known.
    can_query: AtomicBool,
}

impl Maps {
    pub fn open(pid: Pid) -> Result<Self, MapsError> {
        let file = File::open(format!("/proc/{pid}/maps")).map_err(|source| MapsError::Read {
            pid,
            file: "maps",
            source,
        })?;
        Ok(Self {
            pid,
            file: Mutex::new(file),
            can_query: AtomicBool::new(true),
        })
    }

    /// All mappings, by reading the text afresh.
    pub fn all(&self) -> Result<Vec<Vma>, MapsError> {
        let pid = self.pid;
        let mut text = Vec::new();
        let mut file = self
            .file
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        file.rewind()
            .and_then(|()| file.read_to_end(&mut text))
            .map_err(|source| MapsError::Read {
                pid,
                file: "maps",
                source,
            })?;
        text.split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .enumerate()
            .map(|(i, line)| {
                Vma::parse(line).map_err(|source| MapsError::Parse {
                    pid,
                    line: i + 1,
                    source,
                })
            })
            .collect()
    }

    /// The mapping at `addr`.
    pub fn query(&self, addr: u64) -> Result<Option<Vma>, MapsError> {
        Ok(self.query_or_next(addr)?.filter(|vma| vma.start <= addr))
    }

    /// The mapping at `addr`, else the first above it.
    pub fn query_or_next(&self, addr: u64) -> Result<Option<Vma>, MapsError> {
        if self.can_query.load(Ordering::Relaxed) {
            let file = self
                .file
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            match maps_query::covering_or_next(file.as_fd(), addr) {
                Ok(vma) => return Ok(vma),
                Err(Errno::ENOTTY) => self.can_query.store(false, Ordering::Relaxed),
                Err(errno) => {
                    return Err(MapsError::Query {
                        pid: self.pid,
                        addr,
                        source: errno.into(),
                    });
                }
            }
        }
        Ok(self.all()?.into_iter().find(|vma| addr < vma.end))
    }
}
