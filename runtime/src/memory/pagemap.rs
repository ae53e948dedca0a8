//! Page table bits of another process, from /proc/PID/pagemap
//! (Documentation/admin-guide/mm/pagemap.rst), many pages by one read.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use nix::unistd::Pid;

use super::PAGE;

/// What the kernel knows about one page.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct PageBits(u64);

impl PageBits {
    /// In memory.
    pub fn present(self) -> bool {
        self.0 >> 63 & 1 == 1
    }

    /// In swap.
    pub fn swapped(self) -> bool {
        self.0 >> 62 & 1 == 1
    }

    /// In memory or in swap: the page has content of its own, and userfaultfd has no MISSING fault
    /// for it.
    pub fn populated(self) -> bool {
        self.0 >> 62 != 0
    }

    /// Write-protected by userfaultfd.
    pub fn wp(self) -> bool {
        self.0 >> 57 & 1 == 1
    }

    /// A file's page, or shared anonymous memory.
    pub fn file(self) -> bool {
        self.0 >> 61 & 1 == 1
    }
}

impl std::fmt::Debug for PageBits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PageBits")
            .field("present", &self.present())
            .field("swapped", &self.swapped())
            .field("wp", &self.wp())
            .field("file", &self.file())
            .finish()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum PagemapError {
    #[error("cannot open /proc/{pid}/pagemap")]
    Open { pid: Pid, source: io::Error },
    #[error("cannot read the page table bits of process {pid} at {addr:#x}")]
    Read {
        pid: Pid,
        addr: u64,
        source: io::Error,
    },
    /// The process has exited (or the address is beyond its address space).
    #[error("process {pid} has no page table at {addr:#x}")]
    Gone { pid: Pid, addr: u64 },
}

/// The open page table bits of one process; it goes on to refer to that process's memory only.
pub struct Pagemap {
    pid: Pid,
    file: File,
}

impl Pagemap {
    pub fn open(pid: Pid) -> Result<Self, PagemapError> {
        let file = File::open(format!("/proc/{pid}/pagemap"))
            .map_err(|source| PagemapError::Open { pid, source })?;
        Ok(Self { pid, file })
    }

    /// The bits of `npages` pages from the page of `addr` on.
    pub fn bits(&self, addr: u64, npages: usize) -> Result<Vec<PageBits>, PagemapError> {
        let mut raw = vec![0; npages * 8];
        let read_error = |source: io::Error| match source.kind() {
            io::ErrorKind::UnexpectedEof => PagemapError::Gone {
                pid: self.pid,
                addr,
            },
            _ => PagemapError::Read {
                pid: self.pid,
                addr,
                source,
            },
        };
        self.file
            .read_exact_at(&mut raw, addr / PAGE * 8)
            .map_err(read_error)?;
        let words = raw
            .chunks_exact(8)
            .map(|word| word.try_into().expect("chunks of 8"));
        Ok(words
            .map(|word| PageBits(u64::from_ne_bytes(word)))
            .collect())
    }

    /// Which of the pages are in memory or in swap.
    pub fn populated(&self, addr: u64, npages: usize) -> Result<Vec<bool>, PagemapError> {
        Ok(self
            .bits(addr, npages)?
            .into_iter()
            .map(PageBits::populated)
            .collect())
    }
}
