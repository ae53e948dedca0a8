//! What stands in for home's vDSO on a board: libc has cached the addresses of its functions, so
//! each is replaced there, at the same offset: by the stub's clock, or by a system call.

use bytes::Bytes;
use nix::unistd::Pid;

use crate::coherence::PAGE_SIZE;
use crate::guest::stub::Stub;
use crate::guest::vdso;
use crate::memory::maps::Vma;
use crate::memory::remote;
use crate::node::Content;

/// The guest's vDSO with its functions replaced.
pub struct Image {
    start: u64,
    bytes: Bytes,
}

impl Image {
    /// Reads the guest's vDSO and replaces its functions; `None` if it cannot be understood.
    pub fn of(pid: Pid, vma: &Vma, stub: Stub) -> Option<Image> {
        let mut bytes = vec![0u8; vma.len() as usize];
        remote::read_into(pid, vma.start, &mut bytes).ok()?;
        replace(&mut bytes, stub)?;
        Some(Image {
            start: vma.start,
            bytes: bytes.into(),
        })
    }

    /// The page at `addr`.
    pub fn page(&self, addr: u64) -> Option<Content> {
        let at = usize::try_from(addr.checked_sub(self.start)?).ok()?;
        (at + PAGE_SIZE <= self.bytes.len())
            .then(|| Content::of(self.bytes.slice(at..at + PAGE_SIZE)))
    }
}

fn replace(image: &mut [u8], stub: Stub) -> Option<()> {
    for (at, nr) in vdso::functions(image)? {
        let code = vdso::replacement(nr, stub);
        image.get_mut(at..at + code.len())?.copy_from_slice(&code);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use object::{Object, ObjectSymbol};

    use super::*;
    use crate::memory::maps::{Kind, read_maps};

    #[test]
    fn the_clock_of_this_process_becomes_the_stubs() {
        let me = Pid::this();
        let maps = read_maps(me).unwrap();
        let vma = maps
            .iter()
            .find(|v| v.kind == Kind::Vdso)
            .expect("every process has a vDSO");
        let stub = Stub(0x2_0000);
        let image = Image::of(me, vma, stub).unwrap();
        let elf = object::File::parse(&*image.bytes).unwrap();
        let clock = elf
            .dynamic_symbols()
            .find(|s| s.name().is_ok_and(|n| n.ends_with("clock_gettime")))
            .unwrap();
        let code = vdso::replacement(libc::SYS_clock_gettime, stub);
        let at = clock.address() as usize;
        assert_eq!(&image.bytes[at..at + code.len()], &code[..]);
        assert!(image.page(vma.start).is_some() && image.page(vma.end).is_none());
    }
}
