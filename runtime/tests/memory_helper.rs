//! The helper's protocol and its drops, against a loop that imitates it.

mod memory_subject;

use memory_subject::{Subject, map};
use rtx_runtime::memory::PAGE;
use rtx_runtime::memory::helper::{Call, HelperError};
use rtx_runtime::memory::pagemap::Pagemap;
use rtx_runtime::memory::uffd::FEATURE_PAGEFAULT_FLAG_WP;

fn populated(s: &Subject) -> usize {
    let bits = Pagemap::open(s.pid)
        .unwrap()
        .populated(s.base, memory_subject::PAGES as usize);
    bits.unwrap()
        .into_iter()
        .filter(|populated| *populated)
        .count()
}

/// Every other page, far more ranges than one batch.
fn scattered(s: &Subject) -> Vec<(u64, u64)> {
    (0..100).map(|i| (s.page(2 * i), PAGE)).collect()
}

#[test]
fn calls_run_in_order_and_keep_their_errors() {
    let mut s = Subject::start(0);
    let pid = s.helper.call(libc::SYS_getpid, &[]).unwrap();
    assert_eq!(pid, i64::from(s.pid.as_raw()));
    let calls: Vec<_> = (0..150)
        .map(|i| match i % 2 {
            0 => Call::new(libc::SYS_getpid, &[]),
            _ => Call::new(libc::SYS_close, &[9999]),
        })
        .collect();
    let results = s.helper.batch(&calls).unwrap();
    assert_eq!(results.len(), 150);
    for pair in results.chunks(2) {
        assert_eq!(pair, [pid, -i64::from(libc::EBADF)]);
    }
}

#[test]
fn drops_go_by_one_call_or_by_many() {
    for with_scratch in [false, true] {
        let mut s = Subject::start(FEATURE_PAGEFAULT_FLAG_WP);
        if with_scratch {
            s.give_scratch();
        }
        s.uffd.zeropage(s.base, 200 * PAGE, false).unwrap();
        let ranges = scattered(&s);
        s.helper.drop_pages(&ranges).unwrap();
        assert_eq!(populated(&s), 100);
    }
}

#[test]
fn locked_pages_and_holes_are_dropped_too() {
    for with_scratch in [false, true] {
        let mut s = Subject::start(FEATURE_PAGEFAULT_FLAG_WP);
        if with_scratch {
            s.give_scratch();
        }
        // Plain zeros: mlock writes its pages, and nobody here would serve a write-protect fault.
        s.uffd.zeropage(s.base, 200 * PAGE, false).unwrap();
        assert_eq!(
            s.helper
                .call(libc::SYS_mlock, &[s.page(20), 6 * PAGE])
                .unwrap(),
            0
        );
        assert_eq!(
            s.helper
                .call(libc::SYS_munmap, &[s.page(50), 8 * PAGE])
                .unwrap(),
            0
        );
        let before = populated(&s);
        let ranges = scattered(&s);
        s.helper.drop_pages(&ranges).unwrap();
        assert_eq!(before - populated(&s), 100 - 4);
    }
}

#[test]
fn an_impossible_drop_is_an_error() {
    let mut s = Subject::start(FEATURE_PAGEFAULT_FLAG_WP);
    let addr = map(&mut s.helper, 1) + 1;
    let error = s.helper.drop_pages(&[(addr, PAGE)]).unwrap_err();
    assert!(
        matches!(error, HelperError::Drop { start, .. } if start == addr),
        "{error}"
    );
}

#[test]
fn a_dead_helper_is_gone() {
    let mut s = Subject::start(0);
    let call = Call::new(libc::SYS_exit_group, &[0]);
    assert!(matches!(s.helper.batch(&[call]), Err(HelperError::Gone)));
    assert!(matches!(s.helper.batch(&[call]), Err(HelperError::Gone)));
}
