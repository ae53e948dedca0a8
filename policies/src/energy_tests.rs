//! What `energy` does in situations worked out by hand.

use super::*;
use crate::testing::{board, moves, thread, to};
use crate::{Action, NodeLoad, by_name};

/// Home (60 to 180 W, 4 cores) with one busy thread, and a board of 4 cores; as it is at look `n`.
fn look(n: u64, board_w: (f64, f64), speed: f64, place: Place) -> Snapshot {
    let mut child = thread(2);
    child.cpu_ns = n * 100_000_000;
    child.place = place;
    child.born_ms = 0;
    let mut board = board(1);
    board.node.speed = Some(speed);
    board.threads = u32::from(place != Place::Home);
    board.node.power = power(board_w);
    Snapshot {
        time_ms: 10_000 + n * 100,
        measured: true,
        home: NodeLoad {
            cores: 4,
            runnable: 1,
            power: power((60.0, 180.0)),
            ..NodeLoad::default()
        },
        boards: vec![board],
        threads: vec![thread(1), child],
        ..Snapshot::default()
    }
}

fn power((idle_w, busy_w): (f64, f64)) -> Option<Power> {
    (busy_w > 0.0).then_some(Power {
        idle_w,
        busy_w,
        joules: None,
    })
}

fn after_looks(spec: &str, board_w: (f64, f64), speed: f64) -> Vec<(i32, Action)> {
    let mut policy = by_name(spec).expect("known");
    let looks = (0..4).map(|n| look(n, board_w, speed, Place::Home));
    let all: Vec<_> = looks.flat_map(|now| policy.decide(&now)).collect();
    moves(&all)
}

#[test]
fn an_efficient_board_is_preferred_and_a_hungry_one_is_not() {
    assert_eq!(after_looks("energy", (3.0, 9.0), 0.7), [(2, to(1))]);
    assert_eq!(after_looks("energy", (60.0, 180.0), 0.7), []);
    assert_eq!(after_looks("energy", (100.0, 400.0), 1.0), []);
}

#[test]
fn the_slower_a_thread_would_be_the_more_it_must_save() {
    // Half the energy at home's speed, and at a third of it.
    let joules = |speed: f64| (1.0, 1.0 + 15.0 * 4.0 * speed);
    assert_eq!(
        after_looks("energy:horizon=3600s", joules(1.0), 1.0),
        [(2, to(1))]
    );
    let spec = |saving: u32| format!("energy:horizon=3600s,slowdown=9,saving={saving}%");
    assert_eq!(after_looks(&spec(10), joules(0.33), 0.33), [(2, to(1))]);
    assert_eq!(after_looks(&spec(20), joules(0.33), 0.33), []);
}

#[test]
fn the_bound_on_slowdown_is_kept() {
    assert_eq!(after_looks("energy:slowdown=2", (3.0, 9.0), 0.4), []);
    assert_eq!(after_looks("energy:slowdown=3", (3.0, 9.0), 0.4).len(), 1);
}

#[test]
fn idle_watts_count_if_they_are_the_programs_own() {
    assert_eq!(after_looks("energy:idle=own", (100.0, 110.0), 0.7), []);
    assert_eq!(
        after_looks("energy:idle=shared", (100.0, 110.0), 0.7).len(),
        1
    );
}

#[test]
fn machines_that_tell_nothing_are_left_out_unless_the_user_tells() {
    assert_eq!(after_looks("energy", (0.0, 0.0), 0.7), []);
    assert_eq!(after_looks("energy:watts=b1@3-9", (0.0, 0.0), 0.7).len(), 1);
    let mut policy = by_name("energy").expect("known");
    let mut now = look(0, (3.0, 9.0), 1.0, Place::Home);
    now.home.power = None;
    policy.decide(&now);
    assert!(
        policy
            .complaint()
            .is_some_and(|c| c.contains("does not know what home takes"))
    );
    assert_eq!(policy.complaint(), None);
}

/// Two idle boards, and a thread on the first that gets 0.3 of a core and needs so many pages a second.
fn on_the_first(n: u64, faults: u64, fault_us: u64) -> Snapshot {
    let mut now = look(n, (3.0, 9.0), 1.0, Place::Board(1));
    let mut other = board(2);
    other.node.power = power((3.0, 9.0));
    other.node.speed = Some(1.0);
    now.boards.push(other);
    for board in &mut now.boards {
        board.node.cores = 1;
        board.node.runnable = board.threads;
        board.fault_us = Some(fault_us);
    }
    let child = &mut now.threads[1];
    child.cpu_ns = n * 30_000_000;
    // What it waits for pages it does not wait for a core.
    child.run_delay_ns = n * if faults > 0 { 10_000_000 } else { 60_000_000 };
    child.faults = n * faults / 10;
    // Home has no core for it.
    now.home.cores = 1;
    now.home.runnable = 3;
    now
}

#[test]
fn what_keeps_a_thread_back_on_its_board_is_not_hoped_away_on_another_one() {
    let mut policy = by_name("energy:slowdown=9").expect("known");
    let looks = (0..20).map(|n| on_the_first(n, 0, 100));
    let all: Vec<_> = looks.flat_map(|now| policy.decide(&now)).collect();
    assert_eq!(moves(&all), []);
}

#[test]
fn a_board_that_is_known_to_be_crowded_is_left_for_an_empty_one() {
    let mut policy = by_name("energy:slowdown=9,idle=own").expect("known");
    let looks = (0..20).map(|n| {
        let mut now = on_the_first(n, 0, 100);
        now.boards[0].node.runnable = 3;
        now
    });
    let all: Vec<_> = looks.flat_map(|now| policy.decide(&now)).collect();
    assert_eq!(moves(&all).first(), Some(&(2, Action::Recall)));
}

#[test]
fn waiting_for_a_slow_link_takes_no_energy_at_home() {
    for (faults, fault_us, stays) in [(600, 1_000, true), (6_000, 100, false)] {
        let mut policy = by_name("energy:slowdown=20,patience=0s").expect("known");
        let looks = (0..20).map(|n| on_the_first(n, faults, fault_us));
        let all: Vec<_> = looks.flat_map(|now| policy.decide(&now)).collect();
        assert_eq!(moves(&all).is_empty(), stays, "{fault_us} us: {all:?}");
    }
}

#[test]
fn the_dearer_pages_are_the_less_keeps_a_thread_from_coming_home() {
    let mut policy = by_name("energy:patience=0s").expect("known");
    let looks = (0..40).map(|n| {
        // Three percent of a core there; home is idle.
        let mut now = on_the_first(n, 8, 200_000);
        let child = &mut now.threads[1];
        (child.cpu_ns, child.run_delay_ns) = (n * 3_000_000, 0);
        now.home.runnable = 0;
        now
    });
    let all: Vec<_> = looks.flat_map(|now| policy.decide(&now)).collect();
    assert_eq!(moves(&all).first(), Some(&(2, Action::Recall)));
}

#[test]
fn who_is_too_slow_anywhere_does_not_burn_ten_times_as_much_to_be_a_little_faster() {
    let first = |percent: u64| {
        let mut policy = by_name("energy").expect("known");
        let looks = (0..20).map(|n| {
            let mut now = on_the_first(n, 0, 100);
            now.boards.truncate(1);
            let child = &mut now.threads[1];
            child.cpu_ns = n * percent * 1_000_000;
            child.run_delay_ns = n * (100 - percent) * 1_000_000;
            // A third of home's core would be left to it.
            now.home.runnable = 2;
            now
        });
        let all: Vec<_> = looks.flat_map(|now| policy.decide(&now)).collect();
        moves(&all).first().copied()
    };
    assert_eq!(first(25), None);
    assert_eq!(first(1), Some((2, Action::Recall)));
}

#[test]
fn for_the_bound_a_thread_comes_home_only_where_it_gets_on_clearly_better() {
    // Home would give it half of its core, which is what the bound asks for.
    let comes = |speed: f64| {
        let mut policy = by_name("energy:slowdown=2").expect("known");
        let looks = (0..60).map(|n| {
            let mut now = look(n, (3.0, 9.0), speed, Place::Board(1));
            now.home.cores = 1;
            now
        });
        let all: Vec<_> = looks.flat_map(|now| policy.decide(&now)).collect();
        moves(&all)
    };
    assert_eq!(comes(0.45), []);
    assert_eq!(comes(0.35).first(), Some(&(2, Action::Recall)));
}

#[test]
fn a_board_that_is_little_better_does_not_hide_one_that_is_clearly_better() {
    let mut policy = by_name("energy:slowdown=2").expect("known");
    let looks = (0..60).map(|n| {
        let mut now = look(n, (3.0, 9.0), 0.45, Place::Board(1));
        // Home is crowded. A second of work takes the least where the bound is just kept.
        now.home.runnable = 40;
        for (id, speed, watts) in [(2, 0.51, (3.0, 9.9)), (3, 1.0, (3.0, 18.0))] {
            let mut other = board(id);
            (other.node.speed, other.node.power) = (Some(speed), power(watts));
            now.boards.push(other);
        }
        now
    });
    let all: Vec<_> = looks.flat_map(|now| policy.decide(&now)).collect();
    // Between boards it goes by way of home.
    assert_eq!(moves(&all).first(), Some(&(2, Action::Recall)));
    assert!(all[0].reason.contains("on b3"), "{}", all[0].reason);
}

#[test]
fn who_stays_at_home_stays_for_a_reason() {
    let mut policy = by_name("energy").expect("known");
    for n in 0..4 {
        policy.decide(&look(n, (60.0, 180.0), 0.7, Place::Home));
    }
    let why = policy.why_here(2).expect("told");
    assert!(
        why.starts_with("going there would not have paid: a second of work takes 30.0 J on home"),
        "{why}"
    );
    assert_eq!(
        policy.why_here(1).as_deref(),
        Some("it is the program's first thread")
    );
}

/// A thread on the first of two boards that has waited for pages nearly all the time, for as many of the looks.
fn waits(n: u64, looks: u64) -> Snapshot {
    let mut now = on_the_first(n, 0, 10_000);
    let child = &mut now.threads[1];
    child.faults = looks * 10;
    child.cpu_ns = looks * 2_000_000;
    child.run_delay_ns = looks * 1_000_000;
    now
}

#[test]
fn who_would_have_to_fetch_all_again_on_another_board_goes_home_where_it_is_crowded() {
    let mut policy = by_name("energy:slowdown=2,patience=20s").expect("known");
    for n in 0..100 {
        assert_eq!(moves(&policy.decide(&waits(n, n))), [], "{n}");
    }
    // From then on it has its pages, and the board's core; in the end a tenth of it.
    let computes = |n: u64| {
        let mut now = waits(n, 100);
        let crowded = n.saturating_sub(120);
        now.boards[0].node.runnable = if crowded > 0 { 9 } else { 1 };
        now.home.runnable = if crowded > 0 { 0 } else { 3 };
        let child = &mut now.threads[1];
        child.cpu_ns += (n - 100 - crowded) * 100_000_000 + crowded * 10_000_000;
        child.run_delay_ns += crowded * 90_000_000;
        now
    };
    for n in 101..121 {
        assert_eq!(moves(&policy.decide(&computes(n))), [], "{n}");
    }
    let all: Vec<_> = (121..140)
        .flat_map(|n| policy.decide(&computes(n)))
        .collect();
    assert_eq!(moves(&all).first(), Some(&(2, Action::Recall)));
}

#[test]
fn who_still_fetches_what_it_works_on_is_given_time() {
    let returns = |spec: &str| {
        let mut policy = by_name(spec).expect("known");
        (0..300).position(|n| !moves(&policy.decide(&waits(n, n))).is_empty())
    };
    let at_once = returns("energy:slowdown=20,patience=0s").expect("it talks too much");
    // Half its life is longer than the patience.
    let later = returns("energy:slowdown=20,patience=2s").expect("in the end");
    let much_later = returns("energy:slowdown=20,patience=20s").expect("in the end");
    let each_after_the_other = at_once + 50 < later && later + 50 < much_later;
    assert!(each_after_the_other, "{at_once} {later} {much_later}");
}

#[test]
fn threads_keep_off_a_board_to_which_another_one_fetches_if_there_is_another_board() {
    // The second thread works on what it has fetched from the 60th look on; others want the second board's core.
    let goes_to = |others: u32, begin: u64| {
        let mut policy = by_name("energy:slowdown=20,patience=20s").expect("known");
        let decisions = (0..begin + 20).flat_map(|n| {
            // It waits for sixty pages of a millisecond in each of them.
            let mut now = on_the_first(n.min(60), 600, 1_000);
            now.time_ms = 10_000 + n * 100;
            now.threads[1].cpu_ns += n.saturating_sub(60) * 100_000_000;
            let mut third = thread(3);
            third.cpu_ns = n.saturating_sub(begin) * 100_000_000;
            now.threads.push(third);
            now.boards[0].node.power = power((3.0, 6.0));
            now.boards[1].node.runnable = others;
            policy.decide(&now)
        });
        let all: Vec<_> = decisions.collect();
        moves(&all).first().copied()
    };
    assert_eq!(goes_to(1, 20), Some((3, to(2))));
    assert_eq!(
        goes_to(40, 20),
        Some((3, to(1))),
        "the other one is too slow"
    );
    assert_eq!(goes_to(1, 70), Some((3, to(2))), "it may go on to fetch");
    assert_eq!(
        goes_to(1, 130),
        Some((3, to(1))),
        "it has all that it needs"
    );
}

#[test]
fn a_thread_that_talked_too_much_is_held_at_home_for_a_while() {
    let mut policy = by_name("energy:slowdown=20,backoff=2s,patience=0s").expect("known");
    let looks = (0..10).map(|n| on_the_first(n, 6_000, 100));
    let all: Vec<_> = looks.flat_map(|now| policy.decide(&now)).collect();
    assert_eq!(moves(&all).first(), Some(&(2, Action::Recall)));
    let at_home = |n: u64| look(n, (3.0, 9.0), 1.0, Place::Home);
    let held = (10..20).flat_map(|n| policy.decide(&at_home(n))).count();
    assert_eq!(held, 0, "a second is less than the backoff");
    let later = (20..40).flat_map(|n| policy.decide(&at_home(n))).count();
    assert!(later > 0, "then it is tried again");
}

#[test]
fn who_came_home_from_fetching_much_over_a_slow_link_goes_again_only_if_it_lives_for_long() {
    // Of two programs, one with 1 TiB of memory.
    let tries = |memory: u64| {
        let mut policy = by_name("energy:slowdown=20,backoff=2s").expect("known");
        let mut place = Place::Home;
        let (mut offloads, mut faults, mut cpu_ns) = (0, 0, 0);
        for n in 0..400 {
            let mut now = look(n, (3.0, 9.0), 1.0, place);
            let away = place != Place::Home;
            // A page takes 10 ms, and it waits for them nearly all the time.
            faults += if away { 10 } else { 0 };
            cpu_ns += if away { 2_000_000 } else { 100_000_000 };
            (now.threads[1].faults, now.threads[1].cpu_ns) = (faults, cpu_ns);
            (now.boards[0].fault_us, now.memory) = (Some(10_000), memory);
            for decision in policy.decide(&now) {
                place = match decision.action {
                    Action::Offload { board } => Place::Board(board),
                    _ => Place::Home,
                };
                offloads += u32::from(place != Place::Home);
            }
        }
        offloads
    };
    let (little, much) = (tries(64 << 20), tries(1 << 40));
    assert!(much >= 1 && much < little, "{much} {little}");
}

#[test]
fn watts_are_two_numbers_the_second_not_less() {
    for wrong in ["60", "60-", "180-60", "a-b", "-1-5", "0-0", "inf-inf"] {
        assert_eq!(parse_watts(wrong), None, "{wrong}");
    }
    assert_eq!(parse_watts("2.5-10").map(|p| p.core_w(3)), Some(2.5));
}
