//! Mappings and memory of another process, as the kernel tells them.

mod memory_subject;

use memory_subject::{Subject, map};
use nix::unistd::Pid;
use rtx_runtime::memory::PAGE;
use rtx_runtime::memory::maps::{Kind, Maps, Prot, read_maps};
use rtx_runtime::memory::remote::{self, RemoteError};
use rtx_runtime::memory::vm_flags::vm_flags;

#[test]
fn a_query_finds_what_the_list_has() {
    let s = Subject::start(0);
    let maps = Maps::open(s.pid).unwrap();
    let all = read_maps(s.pid).unwrap();
    for vma in all.iter().filter(|vma| vma.kind != Kind::Vsyscall) {
        assert_eq!(maps.query(vma.start).unwrap().as_ref(), Some(vma));
        assert_eq!(maps.query(vma.end - 1).unwrap().as_ref(), Some(vma));
    }
    assert_eq!(maps.query(0).unwrap(), None);
    assert_eq!(maps.query_or_next(0).unwrap().as_ref(), all.first());
    assert!(all.iter().any(|vma| vma.kind == Kind::Vdso));
    assert!(all.iter().any(|vma| vma.kind == Kind::Stack && vma.prot.w));
    assert!(all.iter().any(|vma| vma.is_private_file() && vma.prot.x));
}

#[test]
fn the_watched_area_is_found_with_its_flags() {
    let mut s = Subject::start(0);
    let vma = Maps::open(s.pid)
        .unwrap()
        .query(s.page(7))
        .unwrap()
        .unwrap();
    assert_eq!(
        vma.prot,
        Prot {
            r: true,
            w: true,
            x: false
        }
    );
    assert_eq!(vma.kind, Kind::Anon);
    let flags = vm_flags(s.pid, s.page(7)).unwrap().unwrap();
    assert!(flags.userfaultfd() && !flags.hugetlb() && !flags.io() && !flags.locked());
    // mlock populates; nobody here would serve its fault.
    s.uffd.copy(s.page(7), &[0; PAGE as usize], false).unwrap();
    s.helper.call(libc::SYS_mlock, &[s.page(7), PAGE]).unwrap();
    assert!(vm_flags(s.pid, s.page(7)).unwrap().unwrap().locked());
    assert_eq!(vm_flags(s.pid, 0).unwrap(), None);
}

#[test]
fn shared_anonymous_memory_is_told_from_files() {
    let mut s = Subject::start(0);
    let prot = libc::PROT_READ as u64;
    let flags = (libc::MAP_SHARED | libc::MAP_ANONYMOUS) as u64;
    let addr = s
        .helper
        .call(libc::SYS_mmap, &[0, PAGE, prot, flags, u64::MAX, 0])
        .unwrap() as u64;
    let vma = Maps::open(s.pid).unwrap().query(addr).unwrap().unwrap();
    assert!(
        vma.shared && matches!(vma.kind, Kind::SharedAnon(_)),
        "{vma:?}"
    );
}

#[test]
fn scattered_memory_moves_in_one_go() {
    let mut s = Subject::start(0);
    let base = map(&mut s.helper, 1600);
    let data: Vec<u8> = (0..1600 * PAGE)
        .map(|i| (i / PAGE * 7 + i % 251) as u8)
        .collect();
    remote::write(s.pid, base, &data).unwrap();
    // More ranges than one system call takes, of uneven lengths, empty ones among them.
    let ranges: Vec<_> = (0..1500u64)
        .map(|i| (base + i * PAGE + i, (i % 97) as usize))
        .collect();
    let mut out = vec![0; ranges.iter().map(|range| range.1).sum()];
    remote::read(s.pid, &ranges, &mut out).unwrap();
    let expected: Vec<u8> = ranges
        .iter()
        .flat_map(|(addr, len)| &data[(addr - base) as usize..][..*len])
        .copied()
        .collect();
    assert!(out == expected);
}

#[test]
fn a_bad_address_is_named() {
    let mut s = Subject::start(0);
    let base = map(&mut s.helper, 4);
    s.helper
        .call(libc::SYS_munmap, &[base + 2 * PAGE, PAGE])
        .unwrap();
    let mut out = vec![0; 4 * PAGE as usize];
    let error = remote::read_into(s.pid, base, &mut out).unwrap_err();
    assert!(
        matches!(error, RemoteError::Fault { at, .. } if at == base + 2 * PAGE),
        "{error}"
    );
    let gone = remote::read_into(Pid::from_raw(0x3f_ffff), base, &mut out).unwrap_err();
    assert!(matches!(gone, RemoteError::Gone { .. }), "{gone}");
}
