//! How fast threads get on, worked out by hand.

use super::*;
use crate::spec::info;
use crate::testing::thread;
use crate::{NodeLoad, ThreadView};

/// After looks at a home of one core, where in each 100 ms the threads 2, 3, ... used so many milliseconds.
fn after(looks: usize, used_ms: &[u64]) -> (Weigh, Snapshot) {
    let parameters = info("congestion").expect("known").parameters;
    let mut weigh = Weigh::new(&Values::defaults(parameters));
    let mut threads: Vec<ThreadView> = (2..).take(used_ms.len()).map(thread).collect();
    // The kernel tells.
    threads.iter_mut().for_each(|t| t.run_delay_ns = 1);
    let mut seen = Snapshot::default();
    for look in 0..=looks as u64 {
        seen = Snapshot {
            time_ms: 1_000 + 100 * look,
            measured: true,
            home: NodeLoad {
                cores: 1,
                runnable: 4,
                ..NodeLoad::default()
            },
            threads: threads.clone(),
            ..Snapshot::default()
        };
        weigh.update(&seen);
        for (thread, ms) in threads.iter_mut().zip(used_ms) {
            thread.cpu_ns += ms * 1_000_000;
            thread.run_delay_ns += (100 - ms) * 1_000_000;
        }
    }
    (weigh, seen)
}

#[test]
fn threads_that_get_about_as_much_get_what_all_of_them_do() {
    let (weigh, seen) = after(10, &[16, 24]);
    let speeds = [2, 3].map(|tid| (weigh.speed_at_home(tid, &seen) * 100.0).round());
    assert_eq!(speeds, [20.0, 20.0]);
}

#[test]
fn a_thread_that_gets_much_less_than_the_others_is_weighed_by_that() {
    let (weigh, seen) = after(10, &[2, 38]);
    assert_eq!((weigh.speed_at_home(2, &seen) * 100.0).round(), 2.0);
}

#[test]
fn threads_with_cores_of_their_own_say_nothing_of_those_that_share_one() {
    let (weigh, seen) = after(10, &[100, 100, 25, 25]);
    let speeds = [2, 4].map(|tid| (weigh.speed_at_home(tid, &seen) * 100.0).round());
    assert_eq!(speeds, [100.0, 25.0]);
    // Nor do those that hardly wait.
    let (weigh, seen) = after(10, &[93, 30, 30]);
    assert_eq!((weigh.speed_at_home(2, &seen) * 100.0).round(), 93.0);
}

#[test]
fn who_has_just_come_home_will_want_a_core_there() {
    let (mut weigh, mut seen) = after(10, &[20, 20]);
    let before = weigh.speed_back_home(0, &seen);
    let mut back = thread(9);
    back.place = Place::Board(1);
    seen.threads.push(back);
    seen.time_ms += 100;
    weigh.update(&seen);
    assert_eq!(weigh.speed_back_home(0, &seen), before);
    seen.threads[2].place = Place::Home;
    seen.threads[2].state = ThreadState::Blocked;
    seen.time_ms += 100;
    weigh.update(&seen);
    let speed = |weigh: &Weigh, seen: &Snapshot| weigh.speed_back_home(0, seen);
    assert_eq!((before, speed(&weigh, &seen)), (1.0 / 5.0, 1.0 / 6.0));
    seen.time_ms += 1_000;
    assert_eq!(speed(&weigh, &seen), before, "it wants none");
}

#[test]
fn a_board_is_crowded_for_who_would_get_on_worse_there_without_talking() {
    let away = |at_best, talk, lasting| Away {
        at_best,
        talk,
        lasting,
    };
    assert!(away(0.25, 0.1, 0.0).is_crowded(0.33));
    assert!(away(0.25, 0.6, 0.1).is_crowded(0.33), "it still fetches");
    assert!(!away(0.5, 0.6, 0.1).is_crowded(0.33), "only that");
    assert!(!away(0.25, 0.6, 0.5).is_crowded(0.33), "it talks");
}
