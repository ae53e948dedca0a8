//! The system calls behind the probes, each safe to call from outside this file.
//!
//! Numbers and layouts are those of linux/userfaultfd.h and linux/fs.h of Linux 6.18; older
//! kernels answer what they do not know with an error, which is what a probe wants to see.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

/// The only page size that rtx works with, in bytes.
pub const PAGE: usize = 4096;

/// Some anonymous memory of this process, unmapped when dropped. Whole pages, none populated.
pub struct Pages {
    start: *mut libc::c_void,
    bytes: usize,
}

impl Pages {
    /// Maps `count` pages.
    pub fn map(count: usize) -> io::Result<Self> {
        let bytes = count * PAGE;
        let prot = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing else.
        let start = unsafe { libc::mmap(ptr::null_mut(), bytes, prot, flags, -1, 0) };
        match start == libc::MAP_FAILED {
            true => Err(io::Error::last_os_error()),
            false => Ok(Self { start, bytes }),
        }
    }

    /// The address of the first page.
    pub fn start(&self) -> u64 {
        self.start as u64
    }

    /// The length in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes as u64
    }

    /// Writes to the first byte of a page, which populates it.
    pub fn write(&mut self, page: usize, value: u8) {
        assert!(page < self.bytes / PAGE, "a page of the mapping");
        // SAFETY: the byte is within the mapping, which is writable and borrowed exclusively.
        unsafe { ptr::write_volatile(self.start.cast::<u8>().add(page * PAGE), value) }
    }

    /// Reads the first byte of a page. A missing page that is registered with a userfaultfd would
    /// block for ever: the probes read only what they have populated.
    pub fn read(&self, page: usize) -> u8 {
        assert!(page < self.bytes / PAGE, "a page of the mapping");
        // SAFETY: the byte is within the mapping, which is readable.
        unsafe { ptr::read_volatile(self.start.cast::<u8>().add(page * PAGE)) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours and nothing refers to it any more.
        unsafe { libc::munmap(self.start, self.bytes) };
    }
}

/// A result of a system call made with [`libc::syscall`] or an ioctl.
fn checked(result: libc::c_long) -> io::Result<libc::c_long> {
    match result {
        -1 => Err(io::Error::last_os_error()),
        value => Ok(value),
    }
}

/// Takes a new descriptor from a system call.
fn owned(result: libc::c_long) -> io::Result<OwnedFd> {
    let fd = checked(result)? as RawFd;
    // SAFETY: the kernel just made this descriptor and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// userfaultfd(2) that serves faults of the kernel too.
pub fn userfaultfd() -> io::Result<OwnedFd> {
    let flags = libc::O_CLOEXEC | libc::O_NONBLOCK;
    // SAFETY: the call takes no pointer.
    owned(unsafe { libc::syscall(libc::SYS_userfaultfd, flags) })
}

/// The same through /dev/userfaultfd.
pub fn userfaultfd_device() -> io::Result<OwnedFd> {
    /// `_IO(0xAA, 0)`
    const USERFAULTFD_IOC_NEW: u64 = 0xaa00;
    let device = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/userfaultfd")?;
    let flags = libc::O_CLOEXEC | libc::O_NONBLOCK;
    // SAFETY: the request takes the flags by value.
    let fd = unsafe { libc::ioctl(device.as_raw_fd(), USERFAULTFD_IOC_NEW as _, flags) };
    owned(fd.into())
}

/// `ioctl` with a request whose argument is an array of `N` 64-bit numbers.
///
/// # Safety
/// The request must read and write at most `N` numbers, and what they tell the kernel to change
/// must be memory for which that is sound.
unsafe fn ioctl<const N: usize>(fd: &OwnedFd, request: u64, arg: &mut [u64; N]) -> io::Result<()> {
    // SAFETY: the array is valid for reads and writes of N numbers; the rest is the caller's word.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), request as _, arg.as_mut_ptr()) };
    checked(result.into()).map(|_| ())
}

/// UFFDIO_API: asks for features and returns all that there are.
pub fn uffd_api(fd: &OwnedFd, features: u64) -> io::Result<u64> {
    const UFFD_API: u64 = 0xaa;
    let mut api = [UFFD_API, features, 0];
    // SAFETY: struct uffdio_api has 3 numbers; the request changes the descriptor only.
    unsafe { ioctl(fd, 0xc018_aa3f, &mut api) }?;
    Ok(api[1])
}

/// UFFDIO_REGISTER of all pages, for missing pages and write protection.
pub fn uffd_register(fd: &OwnedFd, pages: &Pages) -> io::Result<()> {
    const MISSING_AND_WP: u64 = 1 | 2;
    let mut register = [pages.start(), pages.bytes(), MISSING_AND_WP, 0];
    // SAFETY: struct uffdio_register has 4 numbers; the memory's content does not change.
    unsafe { ioctl(fd, 0xc020_aa00, &mut register) }
}

/// UFFDIO_COPY of one page, write-protected.
pub fn uffd_copy_protected(
    fd: &OwnedFd,
    to: &mut Pages,
    page: usize,
    from: &Pages,
) -> io::Result<()> {
    const MODE_WP: u64 = 2;
    assert!(page < to.bytes / PAGE, "a page of the mapping");
    let target = to.start() + (page * PAGE) as u64;
    let mut copy = [target, from.start(), PAGE as u64, MODE_WP, 0];
    // SAFETY: struct uffdio_copy has 5 numbers; it writes a page that is borrowed exclusively.
    unsafe { ioctl(fd, 0xc028_aa03, &mut copy) }
}

/// UFFDIO_WRITEPROTECT of all pages, on or off.
pub fn uffd_protect(fd: &OwnedFd, pages: &Pages, on: bool) -> io::Result<()> {
    let mut protect = [pages.start(), pages.bytes(), u64::from(on)];
    // SAFETY: struct uffdio_writeprotect has 3 numbers; the memory's content does not change.
    unsafe { ioctl(fd, 0xc018_aa06, &mut protect) }
}

/// UFFDIO_MOVE of the first page.
pub fn uffd_move(fd: &OwnedFd, to: &mut Pages, from: &mut Pages) -> io::Result<()> {
    let mut request = [to.start(), from.start(), PAGE as u64, 0, 0];
    // SAFETY: struct uffdio_move has 5 numbers; both pages are borrowed exclusively.
    unsafe { ioctl(fd, 0xc028_aa05, &mut request) }
}

/// PROCMAP_QUERY on /proc/self/maps: whether the kernel answers for an address.
pub fn procmap_query(maps: &OwnedFd, address: u64) -> io::Result<()> {
    // size, query_flags, query_addr, then what is answered; no name or build id is asked for.
    let mut query = [0u64; 13];
    query[0] = size_of_val(&query) as u64;
    query[2] = address;
    // SAFETY: struct procmap_query has 104 bytes, which it tells; the request changes no memory.
    unsafe { ioctl(maps, 0xc068_6611, &mut query) }
}

/// pidfd_open(2).
pub fn pidfd_open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: the call takes no pointer.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })
}

/// pidfd_getfd(2).
pub fn pidfd_getfd(pidfd: &OwnedFd, fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the call takes no pointer.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_getfd, pidfd.as_raw_fd(), fd, 0) })
}

/// process_madvise(2) with MADV_DONTNEED on this process's own pages.
pub fn process_madvise_drop(pidfd: &OwnedFd, pages: &mut Pages) -> io::Result<()> {
    let range = libc::iovec {
        iov_base: pages.start,
        iov_len: pages.bytes,
    };
    // SAFETY: one range, which is borrowed exclusively and reads as zero afterwards.
    let result = unsafe {
        libc::syscall(
            libc::SYS_process_madvise,
            pidfd.as_raw_fd(),
            &raw const range,
            1,
            libc::MADV_DONTNEED,
            0,
        )
    };
    checked(result).map(|_| ())
}

/// unshare(2). Only for children that end soon: nothing undoes it.
pub fn unshare(flags: i32) -> io::Result<()> {
    // SAFETY: the call takes no pointer.
    checked(unsafe { libc::unshare(flags) }.into()).map(|_| ())
}

/// Makes this process SCHED_FIFO with the lowest priority.
pub fn sched_fifo() -> io::Result<()> {
    // SAFETY: all bytes zero is a valid value of this plain structure on every libc.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = 1;
    // SAFETY: the structure is valid for reads.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameters) };
    checked(result.into()).map(|_| ())
}

/// The size of a stopped tracee's register set, in bytes.
pub fn register_set_size(pid: i32, set: i32) -> io::Result<usize> {
    let mut buffer = vec![0u8; 64 << 10];
    let mut range = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: the range is valid for writes of its length.
    let result = unsafe { libc::ptrace(libc::PTRACE_GETREGSET, pid, set, &raw mut range) };
    checked(result).map(|_| range.iov_len)
}

/// The words for a system call's error, in lower case and without its number.
pub fn words(error: &io::Error) -> String {
    let Some(number) = error.raw_os_error() else {
        return error.to_string();
    };
    match number {
        libc::EPERM | libc::EACCES => "permission denied".to_owned(),
        libc::ENOSYS => "this kernel does not have it".to_owned(),
        _ => nix::errno::Errno::from_raw(number).desc().to_lowercase(),
    }
}
