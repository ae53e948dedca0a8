//! The program a replica starts as: an ELF file, made in memory, that holds nothing but the stub.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::guest::arch;
use crate::guest::stub::{PAGE_SIZE, SIZE, Stub};

const HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;

/// Writes the image to a memfd and returns it with a path that execve(2) takes.
pub fn write(stub: Stub) -> std::io::Result<(OwnedFd, String)> {
    let fd = memfd_create(c"rtx-replica", MFdFlags::MFD_CLOEXEC)?;
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    File::from(fd.try_clone()?).write_all(&image(stub))?;
    Ok((fd, path))
}

/// The bytes: a header page, then the code page; the data pages have no bytes in the file.
fn image(stub: Stub) -> Vec<u8> {
    let mut elf = vec![0u8; 2 * PAGE_SIZE as usize];
    elf[..16].copy_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    put16(&mut elf, 16, 2); // ET_EXEC
    put16(&mut elf, 18, arch::ELF_MACHINE);
    put32(&mut elf, 20, 1);
    put64(&mut elf, 24, stub.park());
    put64(&mut elf, 32, HEADER as u64);
    put16(&mut elf, 52, HEADER as u16);
    put16(&mut elf, 54, PROGRAM_HEADER as u16);
    put16(&mut elf, 56, 2);
    let (read_execute, read_write) = (5, 6);
    segment(&mut elf, 0, read_execute, stub.0, PAGE_SIZE, PAGE_SIZE);
    segment(
        &mut elf,
        1,
        read_write,
        stub.0 + PAGE_SIZE,
        0,
        SIZE - PAGE_SIZE,
    );
    let code = arch::stub_code();
    let at = PAGE_SIZE as usize;
    elf[at..at + code.len()].copy_from_slice(code);
    elf
}

fn segment(elf: &mut [u8], index: usize, flags: u32, addr: u64, in_file: u64, in_memory: u64) {
    let at = HEADER + index * PROGRAM_HEADER;
    put32(elf, at, 1); // PT_LOAD
    put32(elf, at + 4, flags);
    put64(elf, at + 8, PAGE_SIZE); // the code page; a segment without bytes ignores it
    put64(elf, at + 16, addr);
    put64(elf, at + 24, addr);
    put64(elf, at + 32, in_file);
    put64(elf, at + 40, in_memory);
    put64(elf, at + 48, PAGE_SIZE);
}

fn put16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
}

fn put32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn put64(bytes: &mut [u8], at: usize, value: u64) {
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::{Object, ObjectSegment};

    #[test]
    fn the_image_is_an_elf_file_with_the_stub_at_its_place() {
        let stub = Stub(0x2_0000);
        let image = image(stub);
        let file = object::File::parse(&*image).unwrap();
        assert_eq!(file.entry(), stub.park());
        let segments: Vec<_> = file.segments().map(|s| (s.address(), s.size())).collect();
        assert_eq!(
            segments,
            [(stub.0, PAGE_SIZE), (stub.0 + PAGE_SIZE, 4 * PAGE_SIZE)]
        );
    }
}
