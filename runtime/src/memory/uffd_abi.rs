//! The userfaultfd calls that the `userfaultfd` crate lacks: UFFDIO_API on an existing descriptor,
//! UFFDIO_COPY with write-protection, and partial results (ioctl_userfaultfd(2),
//! include/uapi/linux/userfaultfd.h). The layout is the same on every 64-bit ISA.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

const UFFD_API: u64 = 0xaa;

/// Page faults say whether write-protection was their reason; needed for write-protect mode.
pub const FEATURE_PAGEFAULT_FLAG_WP: u64 = 1 << 0;
/// fork blocks until its event is read, and yields the child's userfaultfd.
pub const FEATURE_EVENT_FORK: u64 = 1 << 1;
/// mremap of a registered range sends an event.
pub const FEATURE_EVENT_REMAP: u64 = 1 << 2;
/// madvise(DONTNEED, REMOVE) sends an event. Fires for our own drops as well: avoid.
pub const FEATURE_EVENT_REMOVE: u64 = 1 << 3;
/// munmap of a registered range sends an event.
pub const FEATURE_EVENT_UNMAP: u64 = 1 << 6;
/// Page faults name the faulting thread (its tid in its own pid namespace).
pub const FEATURE_THREAD_ID: u64 = 1 << 8;
/// Faults report the exact address instead of the page's (Linux 5.18).
pub const FEATURE_EXACT_ADDRESS: u64 = 1 << 11;
/// Write-protection holds on pages that are not there yet (Linux 6.4).
pub const FEATURE_WP_UNPOPULATED: u64 = 1 << 13;
/// UFFDIO_MOVE exists (Linux 6.8).
pub const FEATURE_MOVE: u64 = 1 << 16;

pub(super) const COPY_MODE_DONTWAKE: u64 = 1 << 0;
pub(super) const COPY_MODE_WP: u64 = 1 << 1;
pub(super) const ZEROPAGE_MODE_DONTWAKE: u64 = 1 << 0;
pub(super) const WRITEPROTECT_MODE_WP: u64 = 1 << 0;

#[repr(C)]
struct Api {
    api: u64,
    features: u64,
    ioctls: u64,
}

#[repr(C)]
struct Copy {
    dst: u64,
    src: u64,
    len: u64,
    mode: u64,
    copied: i64,
}

#[repr(C)]
struct Zeropage {
    start: u64,
    len: u64,
    mode: u64,
    zeroed: i64,
}

#[repr(C)]
struct Writeprotect {
    start: u64,
    len: u64,
    mode: u64,
}

// libc's type of a request number differs between C libraries; the number itself does not.
const UFFDIO_API: u64 = nix::request_code_readwrite!(0xaa, 0x3f, size_of::<Api>()) as u64;
const UFFDIO_COPY: u64 = nix::request_code_readwrite!(0xaa, 0x03, size_of::<Copy>()) as u64;
const UFFDIO_ZEROPAGE: u64 = nix::request_code_readwrite!(0xaa, 0x04, size_of::<Zeropage>()) as u64;
const UFFDIO_WRITEPROTECT: u64 =
    nix::request_code_readwrite!(0xaa, 0x06, size_of::<Writeprotect>()) as u64;
/// `_IO(0xAA, 0x00)`, the request of /dev/userfaultfd.
const USERFAULTFD_IOC_NEW: u64 = 0xaa00;

const _: () = assert!(UFFDIO_API as u32 == 0xc018_aa3f);
const _: () = assert!(UFFDIO_COPY as u32 == 0xc028_aa03);
const _: () = assert!(UFFDIO_ZEROPAGE as u32 == 0xc020_aa04);
const _: () = assert!(UFFDIO_WRITEPROTECT as u32 == 0xc018_aa06);

/// Bytes done, and the error (if any) that stopped the call there.
pub(super) struct Partial {
    pub done: u64,
    pub error: Option<io::Error>,
}

/// UFFDIO_API: chooses `features` and returns all that the kernel supports. Works once for each
/// descriptor.
pub(super) fn api(fd: BorrowedFd<'_>, features: u64) -> io::Result<u64> {
    let mut arg = Api {
        api: UFFD_API,
        features,
        ioctls: 0,
    };
    // SAFETY: `arg` is the structure that UFFDIO_API reads and writes.
    unsafe { ioctl(fd, UFFDIO_API, &mut arg) }?;
    Ok(arg.features)
}

/// UFFDIO_COPY: fills missing pages at `dst` with `src`.
pub(super) fn copy(fd: BorrowedFd<'_>, dst: u64, src: &[u8], mode: u64) -> Partial {
    // SAFETY: a slice is readable for its length.
    unsafe { copy_from(fd, dst, src.as_ptr() as u64, src.len() as u64, mode) }
}

/// As [`copy`], from `len` bytes at address `src` of this process.
///
/// # Safety
/// They are readable, and nobody writes them meanwhile.
pub(super) unsafe fn copy_from(
    fd: BorrowedFd<'_>,
    dst: u64,
    src: u64,
    len: u64,
    mode: u64,
) -> Partial {
    let mut arg = Copy {
        dst,
        src,
        len,
        mode,
        copied: 0,
    };
    // SAFETY: `arg` is the structure that UFFDIO_COPY reads and writes, the caller vouches for the
    // source, and the destination is memory that is not there yet, so that no reference to it exists.
    let result = unsafe { ioctl(fd, UFFDIO_COPY, &mut arg) };
    partial(result, arg.copied)
}

/// UFFDIO_ZEROPAGE: fills missing pages with zeros.
pub(super) fn zeropage(fd: BorrowedFd<'_>, start: u64, len: u64, mode: u64) -> Partial {
    let mut arg = Zeropage {
        start,
        len,
        mode,
        zeroed: 0,
    };
    // SAFETY: `arg` is the structure that UFFDIO_ZEROPAGE reads and writes; as for `copy`, the
    // destination is memory that is not there yet.
    let result = unsafe { ioctl(fd, UFFDIO_ZEROPAGE, &mut arg) };
    partial(result, arg.zeroed)
}

/// UFFDIO_WRITEPROTECT: sets or clears write-protection; clearing wakes the threads that wait.
pub(super) fn writeprotect(fd: BorrowedFd<'_>, start: u64, len: u64, mode: u64) -> io::Result<()> {
    let mut arg = Writeprotect { start, len, mode };
    // SAFETY: `arg` is the structure that UFFDIO_WRITEPROTECT reads; it changes no content.
    unsafe { ioctl(fd, UFFDIO_WRITEPROTECT, &mut arg) }
}

/// Opens a userfaultfd over the **calling** process: the system call, else /dev/userfaultfd.
pub(super) fn create(flags: i32) -> io::Result<OwnedFd> {
    // SAFETY: userfaultfd takes flags only.
    let fd = unsafe { libc::syscall(libc::SYS_userfaultfd, flags) };
    if fd >= 0 {
        // SAFETY: the kernel has just made this descriptor for us; nobody else knows it.
        return Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) });
    }
    let refused = io::Error::last_os_error();
    let Ok(device) = File::options()
        .read(true)
        .write(true)
        .open("/dev/userfaultfd")
    else {
        return Err(refused);
    };
    // SAFETY: this request takes the flags by value.
    let fd = unsafe { libc::ioctl(device.as_raw_fd(), USERFAULTFD_IOC_NEW as _, flags) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: as above, a new descriptor that is ours alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// # Safety
/// `T` must be the structure that `request` reads and writes, and the call it makes must be sound.
unsafe fn ioctl<T>(fd: BorrowedFd<'_>, request: u64, arg: &mut T) -> io::Result<()> {
    // SAFETY: the caller vouches for `request` and `T`; `arg` is valid for the call.
    match unsafe { libc::ioctl(fd.as_raw_fd(), request as _, arg as *mut T) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The kernel leaves bytes done, or minus an errno, in the argument.
fn partial(result: io::Result<()>, done: i64) -> Partial {
    Partial {
        done: done.max(0) as u64,
        error: result.err(),
    }
}
