//! What `congestion` does in situations worked out by hand.

use super::*;
use crate::testing::{board, moves, thread, to};
use crate::{Action, BoardLoad, NodeLoad, Place, Pressure, ThreadState, ThreadView, by_name};

/// A job that is looked at every 100 ms: home of so many cores, two boards of four.
struct Job {
    now: Snapshot,
    policy: Box<dyn Policy>,
    /// What its threads get of an even share of home's cores.
    favour: f64,
}

impl Job {
    fn new(spec: &str, cores: u32, threads: i32) -> Self {
        let mut now = Snapshot {
            time_ms: 60_000,
            measured: true,
            boards: vec![board(1), board(2)],
            threads: (1..=threads).map(thread).collect(),
            home: NodeLoad {
                cores,
                ..NodeLoad::default()
            },
            ..Snapshot::default()
        };
        now.threads[0].state = ThreadState::Blocked;
        let policy = by_name(spec).expect("known");
        Self {
            now,
            policy,
            favour: 1.0,
        }
    }

    /// The next look; threads at home share its cores with `others`, those on boards run and have so many
    /// faults.
    fn look(&mut self, others: u32, faults: u64) -> Vec<(i32, Action)> {
        let now = &mut self.now;
        now.time_ms += 100;
        let runs = |t: &&mut ThreadView| t.state == ThreadState::Running;
        let at_home = now
            .threads
            .iter()
            .filter(|t| t.state == ThreadState::Running);
        let at_home = at_home.filter(|t| t.place == Place::Home).count() as u32;
        now.home.runnable = at_home + others;
        let share = f64::from(now.home.cores) / f64::from(now.home.runnable.max(now.home.cores));
        let there = [1, 2].map(|id| {
            let on_it = now.threads.iter().filter(|t| t.place == Place::Board(id));
            let cores = now.board(id).map_or(1, |b| b.node.cores);
            (f64::from(cores) / on_it.count().max(1) as f64).min(1.0)
        });
        for thread in now.threads.iter_mut().filter(runs) {
            let share = match thread.place {
                Place::Home => share * self.favour,
                Place::Board(id) => there[usize::from(id) - 1],
            };
            let waits = if thread.place == Place::Home {
                0.0
            } else {
                faults as f64 * 300e-6 / 0.1
            };
            thread.cpu_ns += (1e8 * share * (1.0 - waits)) as u64;
            thread.run_delay_ns += (1e8 * (1.0 - share)) as u64;
            thread.faults += if thread.place == Place::Home {
                0
            } else {
                faults
            };
        }
        for board in &mut now.boards {
            let on_it = now
                .threads
                .iter()
                .filter(|t| t.place == Place::Board(board.id));
            board.threads = on_it.count() as u32;
            board.node.runnable = board.threads;
        }
        let decisions = self.policy.decide(&self.now);
        for decision in &decisions {
            let thread = self.now.threads.iter_mut().find(|t| t.tid == decision.tid);
            thread.expect("a live one").place = match decision.action {
                Action::Offload { board } => Place::Board(board),
                Action::Recall => Place::Home,
                Action::AtSync(_) => continue,
            };
        }
        moves(&decisions)
    }

    fn looks(&mut self, count: usize, others: u32, faults: u64) -> Vec<(i32, Action)> {
        (0..count).flat_map(|_| self.look(others, faults)).collect()
    }
}

#[test]
fn an_excess_must_last_two_looks_and_rates_be_known() {
    let mut job = Job::new("congestion", 4, 5);
    assert_eq!(job.look(2, 0), []);
    assert_eq!(
        job.look(2, 0),
        [(2, to(1)), (3, to(2))],
        "all have run as long; the boards in turn"
    );
}

#[test]
fn reasons_tell_what_is_weighed() {
    let mut job = Job::new("congestion", 4, 7);
    job.now.threads[3].cpu_ns += 1;
    job.look(0, 0);
    job.now.time_ms += 100;
    let mut now = job.now.clone();
    for thread in &mut now.threads[1..] {
        thread.cpu_ns += 66_000_000;
        thread.run_delay_ns += 34_000_000;
    }
    let decisions = job.policy.decide(&now);
    assert_eq!(decisions[0].tid, 4, "it has run longest");
    assert_eq!(
        decisions[0].reason,
        "gets 66 % of a core at home (6.0 runnable on 4), 90 % expected on b1 (0 runnable on 4)"
    );
}

#[test]
fn who_stays_at_home_stays_for_a_reason() {
    let why = |spec: &str, others: u32, change: fn(&mut Snapshot)| {
        let mut job = Job::new(spec, 1, 5);
        change(&mut job.now);
        job.looks(3, others, 0);
        let stays = [1, 2].map(|tid| job.policy.why_here(tid).unwrap_or_default());
        assert_eq!(stays[0], "it is the program's first thread");
        stays[1].clone()
    };
    let busy = |_: &mut Snapshot| {};
    assert_eq!(
        why("congestion", 0, |now| now.home.cores = 4),
        "home was not crowded for long enough (4 runnable on 4)"
    );
    assert_eq!(
        why("congestion:margin=99", 0, busy),
        "it got 25 % of a core at home, and 90 % expected on b1 would not have paid for the move"
    );
    assert_eq!(
        why("congestion", 0, |now| now.boards.clear()),
        "no board had room"
    );
    let asleep = |now: &mut Snapshot| now.threads[1].state = ThreadState::Blocked;
    assert_eq!(
        why("congestion", 4, asleep),
        "it waited for something else than a core"
    );
    let pinned = |now: &mut Snapshot| now.threads[1].pinned = true;
    assert_eq!(
        why("congestion", 4, pinned),
        "it had just been home for a call, or was on its way"
    );
    let mut job = Job::new("congestion", 1, 5);
    job.looks(3, 0, 0);
    let away = job.now.threads.iter().find(|t| t.place != Place::Home);
    assert_eq!(job.policy.why_here(away.expect("one left").tid), None);
}

#[test]
fn few_leave_until_it_is_known_how_they_fare() {
    let mut job = Job::new("congestion:probe=1", 4, 9);
    assert_eq!(job.looks(3, 0, 1).len(), 1);
    let others = job.looks(5, 0, 1);
    assert!(others.len() >= 3, "it hardly talks: {others:?}");
    let mut job = Job::new("congestion:probe=1", 4, 9);
    let leave = |job: &mut Job, calls: u64| {
        for thread in job
            .now
            .threads
            .iter_mut()
            .filter(|t| t.place != Place::Home)
        {
            thread.home_calls += calls;
            // Meanwhile it computes nothing.
            thread.cpu_ns = thread.cpu_ns.saturating_sub(90_000_000);
        }
        let moves = job.look(0, 1);
        moves
            .iter()
            .filter(|(_, action)| *action != Action::Recall)
            .count()
    };
    assert_eq!(
        (0..5).map(|_| leave(&mut job, 400)).sum::<usize>(),
        1,
        "what it talks lasts"
    );
}

#[test]
fn all_leave_that_home_leaves_too_little_to_lose() {
    let mut job = Job::new("congestion:probe=1", 1, 9);
    let leave = job.looks(2, 0, 1);
    assert_eq!(leave.len(), 5, "an eighth of a core each");
    // To the last three it then leaves a third.
    let mut job = Job::new("congestion:probe=1", 1, 9);
    assert_eq!(
        job.looks(2, 4, 1).len(),
        8,
        "who stays has others beside it"
    );
}

#[test]
fn who_leaves_makes_room_for_who_stays() {
    // One core, four threads, one other job: a fifth of the core each.
    let mut job = Job::new("congestion:probe=9", 1, 5);
    job.now.boards.truncate(1);
    job.now.boards[0].node.cores = 1;
    let leave = job.looks(2, 1, 0);
    assert_eq!(leave.len(), 2, "a third is left for each: {leave:?}");
}

#[test]
fn who_comes_home_from_a_crowded_board_makes_room_for_who_stays_there() {
    // Home is crowded until all four have left for a board of one core.
    let mut job = Job::new("congestion:probe=9,idle=600s,trial=600s", 1, 5);
    job.now.boards.truncate(1);
    job.now.boards[0].node.cores = 1;
    assert_eq!(job.looks(2, 12, 0).len(), 4);
    let back = job.looks(30, 1, 0);
    assert_eq!(back.len(), 1, "a third of a core for each: {back:?}");
}

#[test]
fn all_come_home_if_the_program_gets_less_done_and_stay_there_longer_each_time() {
    let mut job = Job::new("congestion:backoff=2s,trial=1s", 1, 3);
    // Both have a third of the core.
    job.looks(3, 1, 0);
    let away = |job: &Job| {
        let threads = job.now.threads.iter();
        threads.filter(|t| t.place != Place::Home).count()
    };
    assert_eq!(away(&job), 2);
    // Away they wait for each other all the time, in no call that is counted.
    let mut homeward = Vec::new();
    for _ in 0..1_000 {
        let before = away(&job);
        let waits = before > 0;
        for thread in &mut job.now.threads[1..] {
            thread.state = match waits {
                true => ThreadState::Blocked,
                false => ThreadState::Running,
            };
        }
        job.now.threads[1].syncs += 1;
        job.look(1, 0);
        if before > 0 && away(&job) == 0 {
            homeward.push(job.now.time_ms);
        }
    }
    assert!(homeward.len() >= 3, "{homeward:?}");
    let pauses: Vec<u64> = homeward.windows(2).map(|w| w[1] - w[0]).collect();
    assert!(
        pauses[0] >= 3_000 && pauses[1] >= pauses[0] + 1_500,
        "{pauses:?}"
    );
}

#[test]
fn threads_that_do_not_starve_or_may_not_leave_stay() {
    let mut job = Job::new("congestion", 4, 5);
    assert_eq!(job.looks(20, 0, 0), [], "a core for each");
    let mut job = Job::new("congestion", 1, 5);
    job.now.threads[1].state = ThreadState::Blocked;
    job.now.threads[2].pinned = true;
    job.now.threads[3].moving = true;
    assert_eq!(job.looks(2, 0, 0), [(5, to(1))]);
}

#[test]
fn a_kernel_that_sees_no_pressure_overrules_the_run_queue() {
    let mut job = Job::new("congestion", 4, 5);
    let calm = Pressure {
        avg10: 0.0,
        total_us: 5,
    };
    job.now.home.pressure = Some(calm);
    assert_eq!(job.looks(10, 2, 0), []);
}

/// Looks until the first thread leaves; all were just created, and share home with so many others.
fn looks_until_one_leaves(job: &mut Job, others: u32) -> Option<usize> {
    for thread in &mut job.now.threads {
        thread.born_ms = job.now.time_ms;
    }
    (0..400).position(|_| !job.look(others, 1).is_empty())
}

#[test]
fn young_threads_stay_if_nothing_tells_that_they_go_on() {
    let leaves = |spec: &str| looks_until_one_leaves(&mut Job::new(spec, 1, 4), 0);
    let soon = leaves("congestion").expect("it leaves");
    let late = leaves("congestion:young=0ms,warm=2000").expect("it leaves in the end");
    assert!(soon <= 2 && late >= 5, "{soon} {late}");
}

#[test]
fn threads_are_expected_to_do_what_those_did_that_have_ended() {
    // Looks until one leaves, after others have done so much.
    let after = |work_ms: u64| {
        let mut job = Job::new("congestion:warm=2000", 1, 4);
        for _ in 0..3 {
            job.now.threads.push(thread(20));
            job.now.threads.iter_mut().for_each(|t| t.pinned = true);
            job.look(0, 0);
            job.now.threads.last_mut().expect("pushed").cpu_ns = work_ms * 1_000_000;
            job.look(0, 0);
            job.now.threads.pop();
        }
        job.look(0, 0);
        job.now.threads = (30..33).map(thread).collect();
        looks_until_one_leaves(&mut job, 0).expect("it leaves in the end")
    };
    let (little, much) = (after(1), after(10_000));
    assert!(much <= 2 && little >= 5, "{little} {much}");
}

#[test]
fn young_threads_of_a_program_with_much_memory_stay_longer() {
    let stays = |memory: u64| {
        let mut job = Job::new("congestion", 1, 5);
        job.now.memory = memory;
        looks_until_one_leaves(&mut job, 0)
    };
    let little = stays(1 << 20).expect("they leave");
    // 256 MiB take home half a second with all of its cores to itself.
    let much = stays(1 << 30).expect("they leave");
    assert!(little < 5 && much > 15, "{little} {much}");
    assert!(stays(1 << 40).is_some(), "not all of it will be worked on");
}

#[test]
fn young_threads_that_get_less_than_an_even_share_are_not_taken_to_go_on_for_so_much_longer() {
    // Twelve sessions beside that of the program, which four of its threads share.
    let leaves = |memory: u64| {
        let mut job = Job::new("congestion", 1, 5);
        job.favour = 0.3;
        job.now.memory = memory;
        looks_until_one_leaves(&mut job, 12)
    };
    let little = leaves(64 << 20).expect("they leave");
    let much = leaves(768 << 20).expect("they leave in the end");
    assert!(little < 5 && much > 40, "{little} {much}");
}

#[test]
fn a_young_thread_has_shown_what_it_is_when_it_had_a_core_for_a_slice() {
    // 2.6 and 2.4 ms from the first to the third look.
    let leaves = |favour: f64| {
        let mut job = Job::new("congestion", 1, 5);
        job.favour = favour;
        looks_until_one_leaves(&mut job, 12)
    };
    assert_eq!((leaves(0.208), leaves(0.192)), (Some(2), Some(3)));
}

#[test]
fn nobody_stays_for_ever_for_what_the_program_has_in_memory() {
    // A bit more than one for each core.
    let mut job = Job::new("congestion", 2, 4);
    job.now.memory = 1 << 40;
    for thread in &mut job.now.threads {
        thread.born_ms = 60_000;
    }
    assert_eq!(job.looks(100, 0, 1), [], "they are young");
    assert_ne!(job.looks(300, 0, 1), []);
}

#[test]
fn boards_that_are_full_dead_slow_or_crowded_take_nothing() {
    for spoil in [
        |b: &mut BoardLoad| b.alive = false,
        |b: &mut BoardLoad| b.draining = true,
        |b: &mut BoardLoad| b.closed = true,
        |b: &mut BoardLoad| b.node.speed = Some(0.5),
        |b: &mut BoardLoad| b.node.cores = 0,
        |b: &mut BoardLoad| b.round_trip_us = Some(30_000),
    ] as [fn(&mut BoardLoad); 6]
    {
        let mut job = Job::new("congestion", 4, 5);
        job.now.boards.iter_mut().for_each(spoil);
        assert_eq!(job.looks(10, 2, 0), [], "{:?}", job.now.boards[0]);
    }
}

#[test]
fn a_thread_that_talks_comes_back_and_stays_longer_each_time() {
    let mut job = Job::new("congestion:backoff=2s", 4, 5);
    // These are not all first pages.
    job.now.memory = 1 << 20;
    assert_eq!(job.looks(2, 2, 250).len(), 2);
    let back = job.looks(20, 2, 250);
    assert_eq!(back.len(), 2, "{back:?}");
    assert!(back.iter().all(|(_, action)| *action == Action::Recall));
    assert_eq!(
        job.looks(300, 2, 250),
        [],
        "home is better than what it saw"
    );
}

#[test]
fn who_came_home_before_it_had_its_pages_tries_again_but_more_and_more_rarely() {
    let mut job = Job::new("congestion:backoff=2s", 4, 5);
    job.now.memory = 1 << 40;
    let mut recalls = Vec::new();
    for _ in 0..6_000 {
        let back = |action: &Action| *action == Action::Recall;
        let moves = job.look(2, 250);
        let number = moves.iter().filter(|(_, action)| back(action)).count();
        recalls.extend(vec![job.now.time_ms; number]);
    }
    let within = |from: u64, to: u64| {
        let when = recalls.iter().map(|ms| ms - 60_000);
        when.filter(|ms| (from..to).contains(ms)).count()
    };
    let (early, late) = (within(0, 300_000), within(300_000, 600_000));
    assert!(early >= 2 && late * 2 <= early, "{recalls:?}");
}

#[test]
fn who_talks_comes_back_also_while_others_leave_all_the_time() {
    let mut job = Job::new("congestion", 1, 3);
    job.now.memory = 1 << 20;
    assert_ne!(job.looks(2, 2, 0), []);
    let talker = job.now.threads.iter().find(|t| t.place != Place::Home);
    let talker = talker.expect("one has left").tid;
    let mut back = false;
    for n in 0..60 {
        // Each look sees a newborn that starves, and one of those that have left ends.
        let mut born = thread(100 + n);
        born.born_ms = job.now.time_ms;
        job.now.threads.push(born);
        job.now.threads.retain(|t| t.tid < 100 || t.tid > 96 + n);
        for thread in job.now.threads.iter_mut().filter(|t| t.tid == talker) {
            // It waits for pages that others take.
            thread.faults += 300;
            thread.cpu_ns -= thread.cpu_ns.min(90_000_000);
        }
        job.now.taken += 300;
        let moves = job.look(1, 0);
        back |= moves.contains(&(talker, Action::Recall));
    }
    assert!(back, "others leaving is no reason to stay");
}

#[test]
fn what_a_thread_showed_in_its_first_moments_keeps_nobody_home_for_long() {
    let mut job = Job::new("congestion", 1, 3);
    job.now.memory = 1 << 40;
    assert_ne!(job.looks(2, 8, 0), []);
    // Home calls while it fetches; its board is emptied before it has what it works on.
    for thread in job
        .now
        .threads
        .iter_mut()
        .filter(|t| t.place != Place::Home)
    {
        thread.home_calls += 10_000;
    }
    job.look(8, 0);
    job.now.boards.iter_mut().for_each(|b| b.draining = true);
    job.looks(3, 8, 0);
    assert!(job.now.threads.iter().all(|t| t.place == Place::Home));
    job.now.boards.iter_mut().for_each(|b| b.draining = false);
    assert_ne!(job.looks(60, 8, 0), []);
}

#[test]
fn what_the_first_have_to_fetch_keeps_nobody_home() {
    let mut job = Job::new("congestion", 2, 6);
    assert_eq!(job.looks(2, 1, 0), [(2, to(1)), (3, to(2))]);
    // They still fetch, and nobody takes pages from them.
    let others = job.looks(10, 1, 200);
    assert!(
        others.iter().all(|(_, action)| *action != Action::Recall),
        "{others:?}"
    );
    assert!(!others.is_empty());
}

#[test]
fn idle_cores_call_threads_home_after_a_while() {
    let mut job = Job::new("congestion", 4, 5);
    assert_eq!(job.looks(2, 2, 5).len(), 2);
    assert_eq!(job.looks(20, 2, 5), [], "congested as before, and content");
    assert_eq!(job.looks(9, 0, 5), [], "perhaps for a moment only");
    let back = job.looks(4, 0, 5);
    assert_eq!(back, [(2, Action::Recall), (3, Action::Recall)]);
}

#[test]
fn fast_boards_keep_their_threads() {
    let mut job = Job::new("congestion", 4, 5);
    job.now.boards[0].node.speed = Some(3.0);
    assert_eq!(job.looks(2, 2, 5), [(2, to(1)), (3, to(1))]);
    assert_eq!(job.looks(50, 0, 5), []);
}

#[test]
fn a_thread_that_moved_is_left_alone_for_a_while() {
    let mut job = Job::new("congestion:settle=3s,idle=0ms", 4, 5);
    assert_eq!(job.looks(2, 2, 250).len(), 2);
    assert_eq!(job.looks(28, 2, 250), []);
    assert_eq!(job.looks(4, 2, 250).len(), 2);
}

#[test]
fn who_still_waits_for_its_first_pages_is_not_taken_to_get_no_core() {
    let mut job = Job::new("congestion", 1, 6);
    job.looks(4, 8, 0);
    let away = |t: &&mut ThreadView| t.place != Place::Home;
    assert!(job.now.threads.iter_mut().any(|t| away(&t)));
    for _ in 0..10 {
        // Each page takes long. Once it waited for a core for a moment.
        let faults = 2;
        for thread in job.now.threads.iter_mut().filter(away) {
            thread.state = ThreadState::Blocked;
            thread.run_delay_ns += 300_000;
            thread.faults += faults;
        }
        let moves = job.look(8, 0);
        assert!(
            moves.iter().all(|(_, action)| *action != Action::Recall),
            "{moves:?}"
        );
    }
}

#[test]
fn what_others_take_counts_from_when_a_thread_has_what_it_works_on() {
    // Looks on the board until the first comes home.
    let stays = |memory: u64| {
        let mut job = Job::new("congestion", 1, 6);
        job.now.memory = memory;
        let left = (0..100).find(|_| !job.look(2, 0).is_empty());
        assert!(left.is_some(), "home is crowded");
        (0..200).position(|_| {
            job.now.taken += 330;
            let moves = job.look(2, 330);
            moves.iter().any(|(_, action)| *action == Action::Recall)
        })
    };
    let little = stays(0).expect("all its pages are taken");
    let much = stays(1 << 40).expect("all its pages are taken");
    assert!(little < 15 && much > 25, "{little} {much}");
}

#[test]
fn who_keeps_waiting_for_others_stays() {
    // Of 5 threads each gets a fifth of a core. Those that sleep wait for a core as often as they are woken.
    let mut job = Job::new("congestion", 1, 6);
    for _ in 0..20 {
        for thread in &mut job.now.threads[1..4] {
            thread.sleeps += 60;
            thread.preemptions += 10;
        }
        for thread in &mut job.now.threads[4..] {
            thread.preemptions += 10;
        }
        job.look(0, 1);
    }
    let away = job.now.threads.iter().filter(|t| t.place != Place::Home);
    let away: Vec<i32> = away.map(|t| t.tid).collect();
    assert_eq!(away, [5, 6]);
}

#[test]
fn looks_that_lead_to_nothing_become_rarer() {
    let mut job = Job::new("congestion", 4, 4);
    let tick = |job: &Job| job.policy.wants_ticks().expect("it looks by itself");
    let usual = tick(&job);
    job.looks(19, 0, 0);
    assert_eq!(tick(&job), usual);
    job.looks(100, 0, 0);
    assert_eq!(tick(&job), 4 * usual);
    assert!(!job.looks(2, 9, 0).is_empty(), "home is crowded");
    assert_eq!(tick(&job), usual);
}
