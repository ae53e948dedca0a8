//! Faults, pages and events of a real userfaultfd over another process.

mod memory_subject;

use memory_subject::{PAGES, Subject, Touch, map};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rtx_runtime::memory::PAGE;
use rtx_runtime::memory::helper::Call;
use rtx_runtime::memory::pagemap::Pagemap;
use rtx_runtime::memory::remote;
use rtx_runtime::memory::uffd::{self, CopyError, Event, ProtectError};

const FEATURES: u64 = uffd::FEATURE_PAGEFAULT_FLAG_WP
    | uffd::FEATURE_EVENT_REMAP
    | uffd::FEATURE_EVENT_UNMAP
    | uffd::FEATURE_THREAD_ID;

fn page_of(value: u64) -> Vec<u8> {
    value.to_ne_bytes().repeat(PAGE as usize / 8)
}

#[test]
fn a_missing_page_is_served() {
    let s = Subject::start(FEATURES);
    s.touch(s.page(3), Touch::Read);
    let Event::Fault {
        addr,
        write,
        wp,
        thread,
    } = s.event()
    else {
        panic!("no fault")
    };
    assert_eq!((addr, write, wp), (s.page(3), false, false));
    assert_ne!(thread, 0);
    assert!(s.is_touching());
    s.uffd.copy(s.page(3), &page_of(7), false).unwrap();
    assert_eq!(s.touched(), 7);
}

#[test]
fn a_shared_page_reads_and_faults_on_write() {
    let s = Subject::start(FEATURES);
    s.uffd.copy(s.page(0), &page_of(5), true).unwrap();
    s.touch(s.page(0), Touch::Read);
    assert_eq!(s.touched(), 5);
    s.touch(s.page(0), Touch::Increment);
    assert_eq!(s.fault(), (s.page(0), true, true));
    s.uffd.write_protect(s.page(0), PAGE, false).unwrap();
    assert_eq!(s.touched(), 6);
}

#[test]
fn zeros_are_installed_plain_and_protected() {
    let s = Subject::start(FEATURES);
    s.uffd.zeropage(s.page(0), 4 * PAGE, false).unwrap();
    s.touch(s.page(2), Touch::Increment);
    assert_eq!(s.touched(), 1);
    s.uffd.zeropage(s.page(10), 40 * PAGE, true).unwrap();
    s.touch(s.page(49), Touch::Increment);
    assert_eq!(s.fault(), (s.page(49), true, true));
    s.uffd.write_protect(s.page(49), PAGE, false).unwrap();
    assert_eq!(s.touched(), 1);
}

#[test]
fn a_take_is_protect_read_drop() {
    let mut s = Subject::start(FEATURES);
    s.uffd.zeropage(s.page(0), PAGE, false).unwrap();
    s.touch(s.page(0), Touch::Write(41));
    assert_eq!(s.touched(), 41);

    s.uffd.write_protect(s.page(0), PAGE, true).unwrap();
    s.touch(s.page(0), Touch::Increment);
    assert_eq!(s.fault(), (s.page(0), true, true));
    let mut taken = vec![0; PAGE as usize];
    remote::read_into(s.pid, s.page(0), &mut taken).unwrap();
    assert_eq!(taken[..8], 41u64.to_ne_bytes());
    s.helper.drop_pages(&[(s.page(0), PAGE)]).unwrap();

    // The writer waits for a protection that is gone: it sleeps until woken, then misses the page.
    assert!(s.is_touching() && s.no_event());
    s.uffd.wake(s.page(0), PAGE).unwrap();
    assert_eq!(s.fault(), (s.page(0), true, false));
    s.uffd.copy(s.page(0), &taken, false).unwrap();
    assert_eq!(s.touched(), 42);
}

#[test]
fn a_present_page_stops_a_copy_and_is_named() {
    let s = Subject::start(FEATURES);
    s.uffd.copy(s.page(2), &page_of(9), false).unwrap();
    let at = s.page(2);
    match s.uffd.copy(s.page(0), &page_of(1).repeat(4), false) {
        Err(CopyError::Exists { at: stopped }) => assert_eq!(stopped, at),
        other => panic!("{other:?}"),
    }
    s.uffd.copy(s.page(3), &page_of(1), false).unwrap();
    let mut first = [0; 8];
    for (page, expected) in [(0, 1u64), (1, 1), (2, 9), (3, 1)] {
        remote::read_into(s.pid, s.page(page), &mut first).unwrap();
        assert_eq!(u64::from_ne_bytes(first), expected);
    }
}

#[test]
fn unmapping_is_an_event_and_busy_until_read() {
    let mut s = Subject::start(FEATURES);
    let unmap = Call::new(libc::SYS_munmap, &[s.page(100), 10 * PAGE]);
    s.helper.submit(&[unmap]).unwrap();
    memory_subject::wait_readable(&s.uffd, std::time::Duration::from_secs(5));
    // The event is pending: nothing may be installed or protected before it is read.
    let busy = s.uffd.copy(s.page(0), &page_of(1), false);
    assert!(matches!(busy, Err(CopyError::Busy { done: 0 })), "{busy:?}");
    let busy = s.uffd.write_protect(s.page(0), PAGE, true);
    assert!(matches!(busy, Err(ProtectError::Busy)), "{busy:?}");

    let Event::Unmap { start, end } = s.event() else {
        panic!("no unmap event")
    };
    assert_eq!((start, end), (s.page(100), s.page(110)));
    let mut results = Vec::new();
    s.helper.complete(&mut results).unwrap();
    assert_eq!(results, [0]);
    s.uffd.copy(s.page(0), &page_of(1), false).unwrap();
    let gone = s.uffd.copy(s.page(99), &page_of(1).repeat(3), false);
    match gone {
        Err(CopyError::Unmapped { at }) => assert!(at == s.page(99) || at == s.page(100)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn remapping_is_an_event() {
    let mut s = Subject::start(FEATURES);
    let to = map(&mut s.helper, 4);
    let flags = (libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED) as u64;
    let remap = Call::new(
        libc::SYS_mremap,
        &[s.page(8), 4 * PAGE, 4 * PAGE, flags, to],
    );
    s.helper.submit(&[remap]).unwrap();
    let Event::Remap {
        from,
        to: target,
        len,
    } = s.event()
    else {
        panic!("no remap event")
    };
    assert_eq!((from, target, len), (s.page(8), to, 4 * PAGE));
    // The old range's removal is an event of its own.
    let Event::Unmap { start, end } = s.event() else {
        panic!("no unmap event")
    };
    assert_eq!((start, end), (s.page(8), s.page(12)));
    s.helper.complete(&mut Vec::new()).unwrap();
}

#[test]
fn a_fork_hands_over_the_childs_userfaultfd() {
    let mut s = Subject::start(FEATURES | uffd::FEATURE_EVENT_FORK);
    s.uffd.copy(s.page(0), &page_of(3), false).unwrap();
    let args = [libc::SIGCHLD as u64];
    s.helper
        .submit(&[Call::new(libc::SYS_clone, &args)])
        .unwrap();
    let Event::Fork(fd) = s.event() else {
        panic!("no fork event")
    };
    let child_uffd = uffd::Uffd::new(fd).unwrap();
    child_uffd.copy(s.page(1), &page_of(4), false).unwrap();

    // Parent and child both go on with the helper's loop and answer: one pid, one zero.
    let mut results = Vec::new();
    s.helper.complete(&mut results).unwrap();
    let mut second = [0u8; 16];
    nix::unistd::read(&s.helper, &mut second).unwrap();
    results.push(i64::from_le_bytes(second[8..].try_into().unwrap()));
    let child = Pid::from_raw(*results.iter().max().unwrap() as i32);
    assert!(results.contains(&0) && child.as_raw() > 0, "{results:?}");

    let mut both = [0; 16];
    remote::read(child, &[(s.page(0), 8), (s.page(1), 8)], &mut both).unwrap();
    assert_eq!(
        [&both[..8], &both[8..]],
        [&3u64.to_ne_bytes(), &4u64.to_ne_bytes()]
    );
    kill(child, Signal::SIGKILL).unwrap();
}

#[test]
fn page_bits_tell_present_and_protected() {
    let s = Subject::start(FEATURES);
    let pagemap = Pagemap::open(s.pid).unwrap();
    s.uffd.copy(s.page(1), &page_of(1), false).unwrap();
    s.uffd.copy(s.page(2), &page_of(1), true).unwrap();
    let bits = pagemap.bits(s.base, 4).unwrap();
    let seen: Vec<_> = bits.iter().map(|b| (b.present(), b.wp())).collect();
    assert_eq!(
        seen,
        [(false, false), (true, false), (true, true), (false, false)]
    );
    assert_eq!(
        pagemap
            .populated(s.base, PAGES as usize)
            .unwrap()
            .iter()
            .filter(|p| **p)
            .count(),
        2
    );
}

#[test]
fn unregistering_leaves_plain_memory() {
    let s = Subject::start(FEATURES);
    s.touch(s.page(5), Touch::Write(1));
    assert_eq!(s.fault(), (s.page(5), true, false));
    s.uffd.unregister(s.base, PAGES * PAGE).unwrap();
    assert_eq!(s.touched(), 1);
}

#[test]
fn a_dead_process_is_gone() {
    let s = Subject::start(FEATURES);
    kill(s.pid, Signal::SIGKILL).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    loop {
        match s.uffd.copy(s.page(0), &page_of(1), false) {
            Err(CopyError::Gone) => break,
            _ => assert!(std::time::Instant::now() < deadline, "never gone"),
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let gone = s.uffd.write_protect(s.page(0), PAGE, true);
    assert!(matches!(gone, Err(ProtectError::Gone)), "{gone:?}");
}

#[test]
fn the_kernel_supports_what_we_need() {
    assert_eq!(uffd::supported_features().unwrap() & FEATURES, FEATURES);
}

#[test]
fn no_write_is_lost_while_a_page_is_stolen_again_and_again() {
    let mut s = Subject::start(FEATURES);
    s.give_scratch();
    let page = s.page(0);
    let mut taken = page_of(0);
    const WRITES: u64 = 3000;
    let mut steals = 0;
    // Two pages, so that drops go by process_madvise; the second is never touched.
    s.uffd.copy(page, &taken, false).unwrap();
    for expected in 1..=WRITES {
        s.touch(page, Touch::Increment);
        s.uffd.write_protect(page, PAGE, true).unwrap();
        remote::read_into(s.pid, page, &mut taken).unwrap();
        s.helper
            .drop_pages(&[(page, PAGE), (s.page(9), PAGE)])
            .unwrap();
        steals += 1;
        let mut events = Vec::new();
        s.uffd.read_events(&mut events).unwrap();
        s.uffd.copy(page, &taken, false).unwrap();
        assert_eq!(s.touched(), expected, "after {steals} steals");
    }
}
