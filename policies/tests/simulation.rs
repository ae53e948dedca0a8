//! What the policies make of the worlds of the simulator, against staying home and the best placement.

use rtx_policies::by_name;
use rtx_policies::sim::{Machine, Mix, Outcome, World, mixes};

fn run(world: &World, policy: &str) -> Outcome {
    let mut policy = by_name(policy).expect("known");
    let outcome = world.run(&mut *policy);
    assert!(!outcome.stuck, "{} did not end", policy.name());
    outcome
}

/// The time of the best placement that never changes: so many threads on each board, the rest at home.
fn best_static(world: &World) -> f64 {
    let threads = world.threads.len();
    let mut best = f64::INFINITY;
    for away in 0..=threads {
        let place = |n: usize| match n {
            n if n > away => format!("{n}@home"),
            n => format!("{n}@b{}", 1 + n % world.boards.len()),
        };
        let table: Vec<String> = (1..=threads).map(place).collect();
        let spec = format!("static:placement={}", table.join("/"));
        best = best.min(run(world, &spec).seconds);
    }
    best
}

fn gain(mix: &Mix, threads: usize, others: u32) -> f64 {
    let world = mix.world(threads, others);
    run(&world, "never").seconds / run(&world, "congestion").seconds
}

#[test]
fn with_no_co_runners_congestion_loses_nothing() {
    for mix in mixes() {
        for threads in [1, 2, 4] {
            let gain = gain(mix, threads, 0);
            assert!(gain >= 0.98, "{} with {threads}: {gain:.3}", mix.name);
        }
    }
}

#[test]
fn programs_that_compute_gain_from_two_co_runners_on() {
    for mix in mixes().iter().filter(|m| m.computes()) {
        let gain = gain(mix, 4, 2);
        assert!(gain > 1.05, "{}: {gain:.3}", mix.name);
    }
}

#[test]
fn nothing_is_ever_much_worse_than_staying_home() {
    for mix in mixes() {
        for threads in [1, 4, 8] {
            for others in [0, 1, 2, 4, 8] {
                let gain = gain(mix, threads, others);
                assert!(gain >= 0.95, "{} {threads} {others}: {gain:.3}", mix.name);
            }
        }
    }
}

#[test]
fn congestion_comes_close_to_the_best_placement() {
    let mut all = Vec::new();
    for mix in mixes() {
        for others in [0, 2, 4, 8] {
            let world = mix.world(8, others);
            let best = best_static(&world);
            let ours = run(&world, "congestion").seconds;
            println!(
                "{:12} {others} co-runners: best {best:6.2} s, ours {ours:6.2} s, {:.1} %",
                mix.name,
                100.0 * best / ours
            );
            assert!(
                best / ours >= 0.85,
                "{} {others}: {:.3}",
                mix.name,
                best / ours
            );
            all.push(best / ours);
        }
    }
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    assert!(mean >= 0.95, "{mean:.3} of the best on average");
}

#[test]
fn co_runners_that_come_and_go_are_followed() {
    let mix = mixes()[0];
    let mut world = mix.world(4, 0);
    world.home.others = vec![(0, 0), (5_000, 4), (20_000, 0)];
    let ours = run(&world, "congestion");
    let never = run(&world, "never");
    assert!(never.seconds / ours.seconds > 1.1, "{ours:?}");
    let late = ours.log.iter().filter(|(ms, ..)| *ms > 25_000).count();
    assert_eq!(late, 0, "all is quiet again: {:?}", ours.log);
    assert!(ours.moves <= 16, "{:?}", ours.log);
}

#[test]
fn a_congested_board_is_left() {
    let mut world = mixes()[0].world(4, 4);
    world.boards.truncate(1);
    world.boards[0].others = vec![(0, 0), (10_000, 40)];
    let ours = run(&world, "congestion");
    let (_, _, last) = ours.log.last().expect("moves");
    assert_eq!(*last, rtx_policies::Action::Recall, "{:?}", ours.log);
    assert!(run(&world, "never").seconds / ours.seconds > 1.0);
}

#[test]
fn a_draining_board_is_left_by_all() {
    for policy in [
        "congestion",
        "balance",
        "static",
        "energy:idle=shared,slowdown=9",
    ] {
        let mut world = mixes()[0].world(8, 4);
        world.boards[0].draining_ms = Some(8_000);
        world.boards[1].watts = (1.0, 2.0);
        world.boards[0].watts = (1.0, 2.0);
        let outcome = run(&world, policy);
        let to_it = |action| action == rtx_policies::Action::Offload { board: 1 };
        assert!(
            outcome
                .log
                .iter()
                .any(|(ms, _, a)| to_it(*a) && *ms < 8_000),
            "{policy}"
        );
        assert!(
            !outcome
                .log
                .iter()
                .any(|(ms, _, a)| to_it(*a) && *ms >= 8_000),
            "{policy}"
        );
    }
}

/// A home of four cores at 60 to 180 W, and small boards of four slow cores.
fn small_boards(mix: &Mix, speed: f64, watts: (f64, f64)) -> World {
    let board = Machine {
        speed,
        watts,
        ..Machine::idle(4)
    };
    World {
        boards: vec![board.clone(), board],
        ..mix.world(4, 0)
    }
}

fn jobs_per_kilojoule(joules: f64) -> f64 {
    1000.0 / joules
}

#[test]
fn energy_does_more_jobs_per_kilojoule_within_the_bound() {
    for mix in mixes().iter().filter(|m| m.computes()) {
        let world = small_boards(mix, 0.5, (3.0, 9.0));
        let never = run(&world, "never");
        let ours = run(&world, "energy:slowdown=3");
        let gain = jobs_per_kilojoule(ours.joules) / jobs_per_kilojoule(never.joules);
        println!(
            "{:12} {:.2} times the jobs per kilojoule, {:.2} times as long",
            mix.name,
            gain,
            ours.seconds / never.seconds
        );
        assert!(gain > 3.0, "{}: {gain:.2}", mix.name);
        assert!(ours.seconds <= never.seconds * 3.0, "{}", mix.name);
    }
}

#[test]
fn energy_keeps_home_what_would_be_too_slow_or_take_more() {
    let mix = &mixes()[0];
    let too_slow = small_boards(mix, 0.2, (3.0, 9.0));
    assert_eq!(run(&too_slow, "energy:slowdown=3").moves, 0);
    let hungry = small_boards(mix, 0.5, (100.0, 400.0));
    assert_eq!(run(&hungry, "energy:slowdown=3").moves, 0);
    // Home's idle watts would be burnt for twice as long: all in all that is more.
    let own = small_boards(mix, 0.5, (30.0, 60.0));
    let never = run(&own, "never");
    let ours = run(&own, "energy:slowdown=3,idle=own");
    assert!(
        ours.all_joules <= never.all_joules * 1.02,
        "{} {}",
        ours.all_joules,
        never.all_joules
    );
    assert_eq!(ours.moves, 0);
}

#[test]
fn energy_brings_back_what_talks() {
    for mix in mixes().iter().filter(|m| !m.computes()) {
        let world = small_boards(mix, 0.5, (3.0, 9.0));
        let never = run(&world, "never");
        let ours = run(&world, "energy:slowdown=3");
        assert!(
            ours.seconds <= never.seconds * 3.05,
            "{}: {:?}",
            mix.name,
            ours.log
        );
    }
}
