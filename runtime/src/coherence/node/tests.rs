use super::*;

type Actions = Vec<NodeAction<u32>>;
use Access::{Read, Write};
const MS: u64 = 1_000_000;

fn board() -> NodeTable {
    NodeTable::new(NodeId(1), Tuning::default())
}

fn did(f: impl FnOnce(&mut Actions)) -> Actions {
    let mut out = Vec::new();
    f(&mut out);
    out
}

/// A board whose thread 1 got page 5 for writing at time 0.
fn with_page_5() -> NodeTable {
    let mut table = board();
    did(|out| table.fault(0, 5, Write, 1, out));
    did(|out| table.granted(0, 5, Write, Some(9), false, true, out));
    table
}

#[test]
fn one_request_a_page_however_many_threads_wait() {
    let mut table = board();
    let asked = did(|out| table.fault(0, 5, Read, 1, out));
    assert_eq!(
        asked,
        [NodeAction::Request {
            page: 5,
            access: Read,
            window: 1
        }]
    );
    assert!(did(|out| table.fault(0, 5, Write, 2, out)).is_empty());
    let got = did(|out| table.granted(MS, 5, Read, Some(9), false, false, out));
    assert_eq!(
        got,
        [NodeAction::Install {
            page: 5,
            data: 9,
            writable: false
        }]
    );
    let upgrade = did(|out| table.fault(MS, 5, Write, 2, out));
    assert_eq!(
        upgrade,
        [NodeAction::Request {
            page: 5,
            access: Write,
            window: 1
        }]
    );
    let up = did(|out| table.granted(MS, 5, Write, None, false, false, out));
    assert_eq!(up, [NodeAction::Promote { page: 5 }]);
    assert_eq!(
        did(|out| table.fault(MS, 5, Read, 1, out)),
        [NodeAction::Resolve {
            page: 5,
            writable: true
        }]
    );
    assert_eq!(
        did(|out| table.granted(MS, 5, Read, None, false, false, out)).len(),
        1,
        "not asked for: accepted"
    );
}

#[test]
fn a_prefetched_read_does_not_answer_a_write() {
    let mut table = board();
    did(|out| table.fault(0, 5, Write, 1, out));
    did(|out| table.granted(0, 5, Read, Some(9), true, false, out));
    assert_eq!(table.outstanding(5), Some(Write));
    assert_eq!(table.state(5), PageState::Shared);
    assert!(did(|out| table.fault(0, 5, Write, 1, out)).is_empty());
}

#[test]
fn a_held_page_is_surrendered_when_the_hold_ends() {
    let mut table = with_page_5();
    assert_eq!(
        did(|out| table.take(1, 5, 70, TakeMode::Share, true, out)),
        [NodeAction::Refuse { page: 5, tag: 70 }]
    );
    assert!(did(|out| table.take(1, 5, 71, TakeMode::Share, false, out)).is_empty());
    assert!(did(|out| table.take(1, 5, 72, TakeMode::Drop, false, out)).is_empty());
    let due = table.next_due().unwrap();
    assert_eq!(due, 3 * MS);
    assert!(did(|out| table.due(due - 1, out)).is_empty());
    let given = did(|out| table.due(due, out));
    assert!(matches!(
        given[0],
        NodeAction::Surrender {
            tag: 71,
            mode: TakeMode::Share,
            writable: true,
            ..
        }
    ));
    assert!(matches!(
        given[1],
        NodeAction::Surrender {
            tag: 72,
            mode: TakeMode::Drop,
            writable: false,
            ..
        }
    ));
    assert_eq!(
        (table.state(5), table.next_due()),
        (PageState::Invalid, None)
    );
}

#[test]
fn a_prefetched_page_is_not_held() {
    let mut table = board();
    did(|out| table.granted(0, 5, Write, Some(9), true, false, out));
    assert!(matches!(
        did(|out| table.take(0, 5, 1, TakeMode::Give, true, out))[..],
        [NodeAction::Surrender { .. }]
    ));
}

#[test]
fn a_take_that_failed_is_tried_again() {
    let mut table = NodeTable::new(NodeId::HOME, Tuning::default());
    did(|out| table.take(0, 5, 1, TakeMode::Give, false, out));
    table.postpone(5, 1, TakeMode::Give, true, 2 * MS);
    assert_eq!(
        (table.state(5), table.next_due()),
        (PageState::Modified, Some(2 * MS))
    );
    assert_eq!(did(|out| table.due(2 * MS, out)).len(), 1);
    assert_eq!(table.state(5), PageState::Invalid);
}

#[test]
fn takes_of_a_page_that_moves_before_they_are_carried_out_are_refused() {
    let mut table = NodeTable::new(NodeId::HOME, Tuning::default());
    did(|out| table.take(0, 5, 1, TakeMode::Share, false, out));
    did(|out| table.take(0, 5, 2, TakeMode::Drop, false, out));
    // As they come, the last first.
    table.postpone(5, 2, TakeMode::Drop, false, 0);
    table.postpone(5, 1, TakeMode::Share, true, 0);
    assert_eq!(
        did(|out| table.remap(0, 100, 10, out)),
        [1, 2].map(|tag| NodeAction::Refuse { page: 5, tag })
    );
    assert_eq!(table.state(105), PageState::Modified);
    assert_eq!(table.next_due(), None);
}

#[test]
fn a_board_surrenders_before_it_removes_and_home_refuses() {
    let mut table = with_page_5();
    did(|out| table.take(1, 5, 70, TakeMode::Give, false, out));
    did(|out| table.fault(1, 6, Read, 1, out));
    let removed = did(|out| table.remove(0, 10, out));
    assert!(matches!(removed[0], NodeAction::Surrender { tag: 70, .. }));
    assert_eq!(removed[1..], [NodeAction::Wake { page: 6 }]);

    let mut home = NodeTable::new(NodeId::HOME, Tuning::default());
    did(|out| home.take(0, 5, 1, TakeMode::Give, false, out));
    did(|out| home.fault(0, 5, Write, 1, out));
    did(|out| home.granted(0, 5, Write, Some(3), false, true, out));
    did(|out| home.take(1, 5, 2, TakeMode::Share, false, out));
    assert_eq!(
        did(|out| home.remap(0, 100, 10, out)),
        [NodeAction::Refuse { page: 5, tag: 2 }]
    );
    assert_eq!(
        (home.state(105), home.next_due()),
        (PageState::Modified, None)
    );
}

#[test]
fn a_discard_keeps_requests() {
    let mut table = board();
    did(|out| table.fault(0, 5, Read, 1, out));
    assert!(did(|out| table.discard(0, 10, out)).is_empty());
    assert_eq!(table.outstanding(5), Some(Read));
}

#[test]
#[should_panic(expected = "without the content")]
fn content_cannot_come_from_nowhere() {
    did(|out| board().granted(0, 5, Read, None, false, false, out));
}
