//! The PROCMAP_QUERY ioctl of /proc/PID/maps (Linux 6.11, include/uapi/linux/fs.h): one mapping,
//! without formatting and parsing the whole list.

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

use super::maps::{Kind, Prot, Vma};

/// PATH_MAX, and room for " (deleted)".
const NAME_BYTES: usize = 4096 + 16;

const VMA_READABLE: u64 = 0x01;
const VMA_WRITABLE: u64 = 0x02;
const VMA_EXECUTABLE: u64 = 0x04;
const VMA_SHARED: u64 = 0x08;
const COVERING_OR_NEXT_VMA: u64 = 0x10;

#[repr(C)]
#[derive(Default)]
struct Query {
    size: u64,
    query_flags: u64,
    query_addr: u64,
    vma_start: u64,
    vma_end: u64,
    vma_flags: u64,
    vma_page_size: u64,
    vma_offset: u64,
    inode: u64,
    dev_major: u32,
    dev_minor: u32,
    vma_name_size: u32,
    build_id_size: u32,
    vma_name_addr: u64,
    build_id_addr: u64,
}

const PROCMAP_QUERY: u64 = nix::request_code_readwrite!(b'f', 17, size_of::<Query>()) as u64;
const _: () = assert!(PROCMAP_QUERY as u32 == 0xc068_6611);

/// The mapping at `addr`, else the first above it. ENOTTY: this kernel lacks the ioctl.
pub(super) fn covering_or_next(maps: BorrowedFd<'_>, addr: u64) -> Result<Option<Vma>, Errno> {
    let mut name = [0u8; NAME_BYTES];
    let mut query = Query {
        size: size_of::<Query>() as u64,
        query_flags: COVERING_OR_NEXT_VMA,
        query_addr: addr,
        vma_name_size: NAME_BYTES as u32,
        vma_name_addr: name.as_mut_ptr() as u64,
        ..Query::default()
    };
    // SAFETY: `query` is the structure that this ioctl reads and writes, and names a buffer that is
    // writable for the size given.
    let result = unsafe { libc::ioctl(maps.as_raw_fd(), PROCMAP_QUERY as _, &mut query) };
    match Errno::result(result) {
        Ok(_) => {}
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(errno),
    }
    // The size counts the terminating NUL; 0 stands for no name.
    let name = &name[..(query.vma_name_size as usize)
        .saturating_sub(1)
        .min(NAME_BYTES)];
    Ok(Some(Vma {
        start: query.vma_start,
        end: query.vma_end,
        prot: Prot {
            r: query.vma_flags & VMA_READABLE != 0,
            w: query.vma_flags & VMA_WRITABLE != 0,
            x: query.vma_flags & VMA_EXECUTABLE != 0,
        },
        shared: query.vma_flags & VMA_SHARED != 0,
        offset: query.vma_offset,
        dev: (query.dev_major, query.dev_minor),
        inode: query.inode,
        kind: Kind::from_name(name),
    }))
}
