//! The scripts that come with rtx: they do what they say.

use rtx_policies::record::{Header, Look, Recording, line};
use rtx_policies::replay::{differences, replay};
use rtx_policies::sim::mixes;
use rtx_policies::testing::{board, moves, thread, to};
use rtx_policies::{Action, Decision, Place, Policy, PolicySpec, Snapshot, by_name};

fn read(path: &std::path::Path) -> Result<String, String> {
    let presets = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("presets");
    std::fs::read_to_string(presets.join(path)).map_err(|e| e.to_string())
}

fn script(name: &str) -> Box<dyn Policy> {
    let spec = PolicySpec::parse(name, &read).expect("understood");
    spec.build().expect("built")
}

/// A run of the simulator under a policy, as a recording.
fn record(spec: &str, world: &rtx_policies::sim::World) -> Recording {
    let spec = PolicySpec::parse(spec, &read).expect("understood");
    let mut policy = spec.build().expect("built");
    let mut text = line(&Header::new("0", spec, vec!["model".to_owned()]));
    world.watch(&mut *policy, |snapshot, decisions| {
        text.push_str(&line(&Look {
            snapshot: snapshot.clone(),
            decisions: decisions.to_vec(),
        }));
    });
    Recording::parse(&text).expect("a recording")
}

/// The same, of a policy that sees the world so.
fn record_as(spec: &str, world: &rtx_policies::sim::World, seen: fn(&mut Snapshot)) -> Recording {
    let spec = PolicySpec::parse(spec, &read).expect("understood");
    let inner = spec.build().expect("built");
    let text = line(&Header::new("0", spec, vec!["model".to_owned()]));
    let mut policy = Sees { inner, seen, text };
    world.watch(&mut policy, |_, _| {});
    Recording::parse(&policy.text).expect("a recording")
}

/// A policy that sees the world in another way, and what it saw and decided.
struct Sees {
    inner: Box<dyn Policy>,
    seen: fn(&mut Snapshot),
    text: String,
}

impl Policy for Sees {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn decide(&mut self, snapshot: &Snapshot) -> Vec<Decision> {
        let mut snapshot = snapshot.clone();
        (self.seen)(&mut snapshot);
        let decisions = self.inner.decide(&snapshot);
        self.text.push_str(&line(&Look {
            snapshot,
            decisions: decisions.clone(),
        }));
        decisions
    }

    fn wants_ticks(&self) -> Option<std::time::Duration> {
        self.inner.wants_ticks()
    }
}

/// Pages are dear, cheap, or nobody knows, now and then.
fn prices_change(snapshot: &mut Snapshot) {
    for board in &mut snapshot.boards {
        let turn = snapshot.time_ms / 1500 + u64::from(board.id);
        board.fault_us = [None, Some(300), Some(20_000), Some(3_000)][turn as usize % 4];
    }
}

/// Every second thread gets less than others do.
fn shares_are_uneven(snapshot: &mut Snapshot) {
    for thread in &mut snapshot.threads {
        if thread.tid % 2 == 0 {
            let less = thread.cpu_ns / 9 * 8;
            thread.cpu_ns -= less;
            thread.run_delay_ns += less;
        }
    }
}

/// A kernel that does not tell of waits for cores.
fn waits_are_untold(snapshot: &mut Snapshot) {
    let threads = snapshot.threads.iter_mut();
    threads.for_each(|thread| thread.run_delay_ns = 0);
}

/// Every second thread waits for pages now and then, at home too; the kernel tells of half of what they wait for cores.
fn pages_are_taken(snapshot: &mut Snapshot) {
    for thread in &mut snapshot.threads {
        thread.run_delay_ns /= 2;
        if thread.tid % 2 == 0 {
            thread.page_waits = snapshot.time_ms / 250;
        }
    }
}

fn actions(decisions: &[Decision]) -> Vec<(i32, Action)> {
    let mut actions = moves(decisions);
    actions.sort_by_key(|(tid, _)| *tid);
    actions
}

/// Worlds in which all parts of the rule have something to do.
fn recordings() -> Vec<Recording> {
    let mut all = Vec::new();
    for mix in mixes() {
        let mut world = mix.world(6, 0);
        world.threads.iter_mut().for_each(|w| w.seconds = 8.0);
        // Some are born later, and some of these end soon.
        for (number, born_ms) in [1_503, 1_550, 4_007, 4_012, 9_900].into_iter().enumerate() {
            let mut work = world.threads[number];
            (work.born_ms, work.step) = (born_ms, 0.0);
            work.seconds = if number % 2 == 0 { 0.1 } else { 8.0 };
            world.threads.push(work);
        }
        world.home.others = vec![(0, 1), (3_000, 4), (9_000, 0)];
        world.boards[0].others = vec![(0, 0), (6_000, 12)];
        world.boards[1].draining_ms = Some(11_000);
        all.push(record("congestion", &world));
        all.push(record_as("congestion", &world, prices_change));
        for view in [shares_are_uneven, waits_are_untold, pages_are_taken] {
            all.push(record_as("congestion", &world, view));
        }
        // Boards are far.
        world
            .boards
            .iter_mut()
            .for_each(|b| b.round_trip_us = 10_000);
        all.push(record("congestion", &world));
    }
    all
}

#[test]
fn the_congestion_script_decides_as_the_policy_does() {
    let mut moves = 0;
    for recording in recordings() {
        let mut policy = script("congestion.rhai");
        let decided = replay(&recording, &mut *policy);
        assert_eq!(policy.complaint(), None);
        for (look, decisions) in recording.looks.iter().zip(&decided) {
            assert_eq!(
                actions(&look.decisions),
                actions(decisions),
                "at {} ms",
                look.snapshot.time_ms
            );
            moves += decisions.len();
        }
    }
    assert!(moves > 30, "{moves} moves in all");
}

#[test]
fn a_recording_replays_exactly_and_another_policy_differs() {
    for recording in recordings() {
        let mut same = recording.header.policy.build().expect("built");
        assert_eq!(differences(&recording, &replay(&recording, &mut *same)), []);
    }
    let recording = &recordings()[0];
    let mut other = by_name("never").expect("known");
    assert!(!differences(recording, &replay(recording, &mut *other)).is_empty());
    let mut other = by_name("congestion:margin=60").expect("known");
    assert!(!differences(recording, &replay(recording, &mut *other)).is_empty());
}

#[test]
fn by_name_leaves_io_threads_at_home_and_goes_to_marked_boards() {
    let mut now = Snapshot {
        measured: true,
        boards: (1..=3).map(board).collect(),
        threads: (1..=5).map(thread).collect(),
        ..Snapshot::default()
    };
    now.threads[1].name = "io-reader".to_owned();
    now.threads[2].name = String::new();
    assert_eq!(
        moves(&script("by-name.rhai").decide(&now)),
        [(4, to(1)), (5, to(2))]
    );
    now.boards[2]
        .labels
        .insert("use".to_owned(), "compute".to_owned());
    assert_eq!(
        moves(&script("by-name.rhai").decide(&now)),
        [(4, to(3)), (5, to(3))]
    );
    now.threads[3].place = Place::Board(1);
    now.boards[0].draining = true;
    let decisions = script("by-name.rhai").decide(&now);
    assert_eq!(moves(&decisions), [(4, Action::Recall), (5, to(3))]);
    now.measured = false;
    assert_eq!(script("by-name.rhai").decide(&now), []);
}
