//! Reads and writes another process's memory (process_vm_readv(2)), many ranges a call.
//!
//! A read of a page that userfaultfd watches and that is missing **blocks** until somebody serves
//! the fault: a thread that serves faults reads only pages it knows to be present.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv, process_vm_writev};
use nix::unistd::Pid;

/// Ranges that one system call takes (IOV_MAX).
const RANGES_A_CALL: usize = 1024;

#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// `at` is not mapped, or not with the access that is needed.
    #[error("process {pid} has no such memory at {at:#x}")]
    Fault { pid: Pid, at: u64 },
    #[error("process {pid} is gone")]
    Gone { pid: Pid },
    #[error("cannot access the memory of process {pid} at {at:#x}")]
    Failed {
        pid: Pid,
        at: u64,
        source: io::Error,
    },
}

/// Reads `ranges` (address, length in bytes), one after the other, into `out`, whose length must be
/// their sum.
pub fn read(pid: Pid, ranges: &[(u64, usize)], out: &mut [u8]) -> Result<(), RemoteError> {
    let total: usize = ranges.iter().map(|range| range.1).sum();
    assert_eq!(total, out.len(), "the buffer must fit the ranges exactly");
    transfer(pid, ranges, |remote, done| {
        process_vm_readv(pid, &mut [IoSliceMut::new(&mut out[done..])], remote)
    })
}

/// Fills `out` from `addr`.
pub fn read_into(pid: Pid, addr: u64, out: &mut [u8]) -> Result<(), RemoteError> {
    read(pid, &[(addr, out.len())], out)
}

/// The 64-bit word at `addr`.
pub fn read_word(pid: Pid, addr: u64) -> Result<u64, RemoteError> {
    let mut word = [0; 8];
    read_into(pid, addr, &mut word)?;
    Ok(u64::from_ne_bytes(word))
}

/// Writes `data` at `addr`. The pages must be writable to the process itself.
pub fn write(pid: Pid, addr: u64, data: &[u8]) -> Result<(), RemoteError> {
    transfer(pid, &[(addr, data.len())], |remote, done| {
        process_vm_writev(pid, &[IoSlice::new(&data[done..])], remote)
    })
}

/// Calls `step(remote ranges, bytes done so far)` until all is moved. The kernel stops short at the
/// first bad page and names the error only when asked to begin there.
fn transfer(
    pid: Pid,
    ranges: &[(u64, usize)],
    mut step: impl FnMut(&[RemoteIoVec], usize) -> nix::Result<usize>,
) -> Result<(), RemoteError> {
    let (mut done, mut next, mut within) = (0, 0, 0);
    let mut remote = Vec::with_capacity(ranges.len().min(RANGES_A_CALL));
    loop {
        while next < ranges.len() && within == ranges[next].1 {
            (next, within) = (next + 1, 0);
        }
        if next == ranges.len() {
            return Ok(());
        }
        remote.clear();
        remote.extend(
            ranges[next..]
                .iter()
                .take(RANGES_A_CALL)
                .enumerate()
                .map(|(i, range)| {
                    let skip = if i == 0 { within } else { 0 };
                    RemoteIoVec {
                        base: range.0 as usize + skip,
                        len: range.1 - skip,
                    }
                }),
        );
        let at = ranges[next].0 + within as u64;
        let mut moved = match step(&remote, done) {
            Ok(0) | Err(Errno::EFAULT) => return Err(RemoteError::Fault { pid, at }),
            Ok(moved) => moved,
            Err(Errno::EINTR) => continue,
            Err(Errno::ESRCH) => return Err(RemoteError::Gone { pid }),
            Err(errno) => {
                return Err(RemoteError::Failed {
                    pid,
                    at,
                    source: errno.into(),
                });
            }
        };
        done += moved;
        while moved > 0 {
            let left = ranges[next].1 - within;
            if moved < left {
                within += moved;
                break;
            }
            moved -= left;
            (next, within) = (next + 1, 0);
        }
    }
}

/// Reads of another process's memory that never wait: where nothing is (a page that userfaultfd
/// watches and that is missing) they fail with [`RemoteError::Fault`] (/proc/PID/mem).
pub struct Memory {
    pid: Pid,
    file: std::fs::File,
}

impl Memory {
    /// Opens the memory of `pid`.
    pub fn open(pid: Pid) -> Result<Self, RemoteError> {
        let failed = |source| RemoteError::Failed { pid, at: 0, source };
        let file = std::fs::File::open(format!("/proc/{pid}/mem")).map_err(failed)?;
        Ok(Self { pid, file })
    }

    /// Takes over a descriptor of the memory of `pid` that somebody with the right to do so has opened.
    pub fn from_fd(pid: Pid, fd: OwnedFd) -> Self {
        let file = fd.into();
        Self { pid, file }
    }

    /// The process whose memory it is.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// The 64-bit word at `addr`.
    pub fn word(&self, addr: u64) -> Result<u64, RemoteError> {
        let mut word = [0; 8];
        self.read(&[(addr, 8)], &mut word)?;
        Ok(u64::from_ne_bytes(word))
    }

    /// Reads `ranges` (address, length in bytes), one after the other, into `out`, whose length
    /// must be their sum.
    pub fn read(&self, ranges: &[(u64, usize)], out: &mut [u8]) -> Result<(), RemoteError> {
        use std::os::unix::fs::FileExt;
        let pid = self.pid;
        let mut rest = out;
        for &(at, len) in ranges {
            let (here, after) = rest.split_at_mut(len);
            rest = after;
            self.file
                .read_exact_at(here, at)
                .map_err(|source| match source.raw_os_error() {
                    Some(libc::EIO | libc::EFAULT) => RemoteError::Fault { pid, at },
                    // End of file: the memory is gone with the process.
                    None => RemoteError::Gone { pid },
                    _ => RemoteError::Failed { pid, at, source },
                })?;
        }
        assert!(rest.is_empty(), "the buffer must fit the ranges exactly");
        Ok(())
    }
}

impl AsFd for Memory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Writes `data` at `addr` even where the process itself may only read, as a debugger does
/// (/proc/PID/mem).
pub fn write_any(pid: Pid, addr: u64, data: &[u8]) -> Result<(), RemoteError> {
    use std::os::unix::fs::FileExt;
    let gone = |source: io::Error| match source.raw_os_error() {
        Some(libc::ENOENT | libc::ESRCH) => RemoteError::Gone { pid },
        Some(libc::EIO | libc::EFAULT) => RemoteError::Fault { pid, at: addr },
        _ => RemoteError::Failed {
            pid,
            at: addr,
            source,
        },
    };
    let memory = std::fs::OpenOptions::new()
        .write(true)
        .open(format!("/proc/{pid}/mem"))
        .map_err(gone)?;
    memory.write_all_at(data, addr).map_err(gone)
}
