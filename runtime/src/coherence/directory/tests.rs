use super::*;
use crate::coherence::action::TakeMode;
use crate::coherence::types::NodeSet;

type Dir = Directory<u32>;
type Actions = Vec<DirAction<u32>>;
const HOME: NodeId = NodeId::HOME;
const A: NodeId = NodeId(1);
const B: NodeId = NodeId(2);
use Access::{Read, Write};

fn did(f: impl FnOnce(&mut Actions)) -> Actions {
    let mut out = Vec::new();
    f(&mut out);
    out
}

fn takes(actions: &Actions) -> Vec<(u8, Page, u64, TakeMode)> {
    let take = |action: &DirAction<u32>| match *action {
        DirAction::Take {
            node,
            page,
            tag,
            mode,
            ..
        } => Some((node.0, page, tag, mode)),
        _ => None,
    };
    actions.iter().filter_map(take).collect()
}

fn grants(actions: &Actions) -> Vec<(u8, Page, Access, Option<u32>)> {
    let grant = |action: &DirAction<u32>| match *action {
        DirAction::Grant {
            node,
            page,
            access,
            data,
            ..
        } => Some((node.0, page, access, data)),
        _ => None,
    };
    actions.iter().filter_map(grant).collect()
}

fn data(value: u32) -> Taken<u32> {
    Taken {
        data: Some(value),
        refused: false,
        deferred: false,
    }
}

fn no_data(refused: bool) -> Taken<u32> {
    Taken {
        data: None,
        refused,
        deferred: false,
    }
}

/// Requests `page`, and answers each take with `value` as its mode asks.
fn fetch(dir: &mut Dir, node: NodeId, page: Page, access: Access, value: u32) -> Actions {
    let mut all = did(|out| dir.request(node, page, access, 1, out));
    for (from, _, tag, mode) in takes(&all) {
        let answer = if mode == TakeMode::Drop {
            no_data(false)
        } else {
            data(value)
        };
        dir.taken(NodeId(from), tag, answer, &mut all).unwrap();
    }
    all
}

#[test]
fn a_read_shares_a_write_moves_an_upgrade_drops() {
    let mut dir = Dir::new();
    assert_eq!(
        grants(&fetch(&mut dir, A, 5, Read, 7)),
        [(1, 5, Read, Some(7))]
    );
    assert_eq!(dir.state(5), Holding::Shared(NodeSet::one(HOME).with(A)));
    fetch(&mut dir, B, 5, Read, 7);
    let upgrade = fetch(&mut dir, A, 5, Write, 0);
    assert_eq!(takes(&upgrade).len(), 2);
    assert_eq!(grants(&upgrade), [(1, 5, Write, None)]);
    assert_eq!(
        grants(&fetch(&mut dir, B, 5, Write, 8)),
        [(2, 5, Write, Some(8))]
    );
    assert_eq!(dir.holder(5), Some(B));
    let counters = dir.counters();
    assert_eq!(
        (
            counters.read,
            counters.write,
            counters.upgrade,
            counters.invalidated
        ),
        (2, 1, 1, 3)
    );
}

#[test]
fn a_grant_waits_for_every_answer_and_the_queue_for_the_grant() {
    let mut dir = Dir::new();
    fetch(&mut dir, A, 1, Read, 3);
    let asked = did(|out| dir.request(B, 1, Write, 1, out));
    let [home, a] = takes(&asked)[..] else {
        panic!("{asked:?}")
    };
    assert_eq!((home.3, a.3), (TakeMode::Give, TakeMode::Drop));
    assert!(did(|out| dir.request(A, 1, Write, 1, out)).is_empty());
    assert!(
        did(|out| dir.request(A, 1, Write, 1, out)).is_empty(),
        "asked twice, queued once"
    );
    assert!(did(|out| dir.taken(HOME, home.2, data(3), out).unwrap()).is_empty());
    let done = did(|out| dir.taken(A, a.2, no_data(false), out).unwrap());
    assert_eq!(grants(&done), [(2, 1, Write, Some(3))]);
    assert_eq!(
        takes(&done).len(),
        1,
        "A is next, and its copy is gone: with data"
    );
}

#[test]
fn answers_against_the_protocol_change_nothing() {
    let mut dir = Dir::new();
    fetch(&mut dir, A, 1, Write, 3);
    let tag = takes(&did(|out| dir.request(B, 1, Read, 1, out)))[0].2;
    let before = dir.clone();
    let mut none = Vec::new();
    let wrong = dir.taken(B, tag, data(1), &mut none);
    assert_eq!(
        wrong,
        Err(Violation::WrongNode {
            asked: A,
            answered: B
        })
    );
    assert_eq!(
        dir.taken(A, tag, no_data(false), &mut none),
        Err(Violation::NoData { page: 1 })
    );
    assert_eq!(
        dir.taken(A, tag, no_data(true), &mut none),
        Err(Violation::Refused { page: 1 })
    );
    assert_eq!(dir.taken(A, tag + 1000, data(1), &mut none), Ok(()));
    assert!(none.is_empty() && dir == before);
}

#[test]
fn a_window_takes_only_pages_at_rest_and_a_refusal_ends_it() {
    let mut dir = Dir::new();
    fetch(&mut dir, B, 2, Write, 1);
    let asked = did(|out| dir.request(A, 0, Read, 4, out));
    let pages: Vec<Page> = takes(&asked).iter().map(|take| take.1).collect();
    assert_eq!(pages, [0, 1, 3], "page 2 is B's");
    assert!(did(|out| dir.request(A, 1, Read, 1, out)).is_empty());
    let after = did(|out| {
        dir.taken(HOME, takes(&asked)[1].2, no_data(true), out)
            .unwrap()
    });
    assert_eq!(
        takes(&after).len(),
        1,
        "refused, then the request behind it is served"
    );
    let given = did(|out| dir.taken(HOME, takes(&asked)[2].2, data(9), out).unwrap());
    assert!(matches!(
        given[..],
        [DirAction::Grant {
            page: 3,
            prefetched: true,
            ..
        }]
    ));
    assert!(takes(&did(|out| dir.request(HOME, 1 << 20, Read, 4, out))).is_empty());
}

#[test]
fn a_window_upgrades_pages_that_only_home_reads_too() {
    let mut dir = Dir::new();
    (0..4).for_each(|page| drop(fetch(&mut dir, A, page, Read, 1)));
    fetch(&mut dir, B, 2, Read, 1);
    let asked = did(|out| dir.request(A, 0, Write, 4, out));
    let dropped: Vec<_> = takes(&asked).iter().map(|t| (t.0, t.1, t.3)).collect();
    let one = |page| (0, page, TakeMode::Drop);
    assert_eq!(dropped, [one(0), one(1), one(3)], "B reads page 2 too");
    for take in takes(&asked) {
        let granted = did(|out| dir.taken(HOME, take.2, no_data(false), out).unwrap());
        assert_eq!(grants(&granted), [(A.0, take.1, Write, None)]);
    }
}

#[test]
fn a_pinned_page_is_granted_to_nobody_and_pins_count() {
    let mut dir = Dir::new();
    fetch(&mut dir, A, 1, Write, 3);
    let asked = did(|out| dir.pin(1, out));
    assert!(did(|out| dir.request(B, 1, Read, 1, out)).is_empty());
    assert!(did(|out| dir.pin(1, out)).is_empty());
    let done = did(|out| dir.taken(A, takes(&asked)[0].2, data(4), out).unwrap());
    assert_eq!(grants(&done), [(0, 1, Write, Some(4))]);
    assert_eq!(
        done.iter()
            .filter(|a| **a == DirAction::Pinned { page: 1 })
            .count(),
        2,
        "a pin never waits for a pin"
    );
    assert!(did(|out| dir.unpin(1, out)).is_empty());
    assert_eq!(takes(&did(|out| dir.unpin(1, out))).len(), 1);
    assert_eq!(
        did(|out| dir.pin(77, out)),
        [DirAction::Pinned { page: 77 }]
    );
    assert_eq!(
        did(|out| dir.forget(77, 1, out)),
        [DirAction::PinDropped { page: 77 }]
    );
    assert!(did(|out| dir.unpin(77, out)).is_empty());
}

#[test]
fn what_was_forgotten_or_discarded_is_homes() {
    let mut dir = Dir::new();
    fetch(&mut dir, A, 1, Write, 3);
    let tag = takes(&did(|out| dir.request(B, 1, Write, 1, out)))[0].2;
    let again = did(|out| dir.discard(0, 10, out));
    assert_eq!(takes(&again)[0].0, 0, "B's request starts anew, at home");
    assert!(did(|out| dir.taken(A, tag, data(3), out).unwrap()).is_empty());
    assert!(did(|out| dir.forget(0, 10, out)).is_empty());
    assert_eq!((dir.state(1), dir.is_busy(1)), (Holding::DEFAULT, false));
}

#[test]
fn moved_pages_come_home_under_their_new_number() {
    let mut dir = Dir::new();
    fetch(&mut dir, A, 1, Write, 3);
    fetch(&mut dir, B, 2, Read, 4);
    let moved = did(|out| dir.remap(0, 100, 10, out));
    let [one, two] = takes(&moved)[..] else {
        panic!("{moved:?}")
    };
    assert_eq!((one.0, one.1, one.3), (1, 1, TakeMode::Give));
    assert_eq!((two.0, two.1, two.3), (2, 2, TakeMode::Drop));
    assert_eq!(dir.missing_at_home(0..200), [101]);
    assert!(
        did(|out| dir.request(B, 101, Read, 1, out)).is_empty(),
        "busy until it is home"
    );
    let home = did(|out| dir.taken(A, one.2, data(3), out).unwrap());
    assert_eq!(grants(&home), [(0, 101, Write, Some(3))]);
    assert_eq!(takes(&home)[0].1, 101);
    assert_eq!(
        grants(&did(|out| dir
            .taken(B, two.2, no_data(false), out)
            .unwrap())),
        [(0, 102, Write, None)]
    );
}

#[test]
fn a_lost_board_takes_only_its_own_pages_along() {
    let mut dir = Dir::new();
    fetch(&mut dir, A, 1, Write, 3);
    fetch(&mut dir, A, 2, Read, 3);
    fetch(&mut dir, B, 3, Write, 3);
    let tag = takes(&did(|out| dir.request(A, 3, Write, 1, out)))[0].2;
    did(|out| dir.request(B, 1, Write, 1, out));
    let mut out = Vec::new();
    let lost = dir.node_lost(A, &mut out);
    assert_eq!(lost.modified, [1]);
    assert_eq!(
        takes(&out)[0].0,
        0,
        "B's request for page 1 starts anew, at home"
    );
    assert_eq!(dir.state(2), Holding::Shared(NodeSet::one(HOME)));
    let rescued = did(|out| dir.taken(B, tag, data(8), out).unwrap());
    assert_eq!(
        grants(&rescued),
        [(0, 3, Write, Some(8))],
        "what was on its way to A goes home"
    );
}

#[test]
fn a_page_is_promised_while_a_board_waits_to_write_it() {
    let mut dir = Dir::new();
    fetch(&mut dir, A, 1, Write, 3);
    assert!(!dir.promised());
    let tag = takes(&did(|out| dir.request(HOME, 1, Read, 1, out)))[0].2;
    assert!(!dir.promised(), "home will have it, and keep it");
    assert!(did(|out| dir.request(B, 1, Write, 1, out)).is_empty());
    assert!(dir.promised(), "B's request waits behind home's");
    let next = did(|out| dir.taken(A, tag, data(3), out).unwrap());
    assert!(dir.promised() && dir.missing_at_home(0..10) == [1]);
    for (node, _, tag, mode) in takes(&next) {
        let content = if mode == TakeMode::Give {
            data(3)
        } else {
            no_data(false)
        };
        did(|out| dir.taken(NodeId(node), tag, content, out).unwrap());
    }
    assert_eq!((dir.promised(), dir.holder(1)), (false, Some(B)));
}
