//! The coherence core in a model checker: every interleaving of a few reads and writes on home and two boards, with
//! every order of messages that FIFO streams allow. In smaller configurations also pins, munmap, MADV_DONTNEED,
//! mremap, prefetch, holds that end at any time, and the loss of a board. Checked in every state: a single writer or
//! many readers, no stale copy, nobody waits for ever. Run with `--release`: only then every state is explored. And the checker must find mistakes made on purpose.

mod coherence_world;

use std::time::{Duration, Instant};

use coherence_world::threads::Thread;
use coherence_world::{Bug, World};
use rtx_runtime::coherence::{Access, Page, Tuning};
use stateright::{Checker, HasDiscoveries, Model, Property};

/// Something that may happen once, at any time.
#[derive(Clone, Copy, PartialEq, Hash, Debug)]
enum Event {
    Pin(Page),
    Forget(Page),
    Discard(Page),
    Remap(Page, Page),
    Lose(usize),
}

#[derive(Clone, PartialEq, Debug)]
enum Step {
    /// The next message to / from a board arrives.
    Down(usize),
    Up(usize),
    /// The holds of a node end.
    Due(usize),
    Begin(usize, Page, Access),
    Retry(usize),
    Unpin(Page),
    Event(usize),
}

#[derive(Clone, PartialEq, Hash, Debug)]
struct State {
    world: World,
    events: Vec<Event>,
}

/// What is explored: `ops` instructions on each node, on `pages`.
#[derive(Clone)]
struct Config {
    pages: Vec<Page>,
    ops: [u32; 3],
    accesses: Vec<Access>,
    window: u32,
    holds: bool,
    events: Vec<Event>,
    bug: Option<Bug>,
}

/// A configuration that takes longer was not checked in full, and fails.
const LIMIT: Duration = Duration::from_secs(100);
const SOME_STATES: usize = 30_000;
const COHERENT: &str = "single writer or many readers, none stale";
const LIVE: &str = "nobody waits for ever";
const BOTH: [Access; 2] = [Access::Read, Access::Write];

impl Config {
    fn new(pages: u64, ops: [u32; 3]) -> Self {
        let pages = (0..pages).collect();
        Config {
            pages,
            ops,
            accesses: BOTH.to_vec(),
            window: 1,
            holds: false,
            events: Vec::new(),
            bug: None,
        }
    }

    fn events(mut self, events: &[Event]) -> Self {
        self.events = events.to_vec();
        self
    }
}

impl Model for Config {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        // Time stands still: a hold lasts until the step Due.
        let hold = u64::from(self.holds);
        let tuning = Tuning {
            min_hold: hold,
            max_hold: hold,
            first_fetch: 0,
            max_factor: 1,
            chain: 2,
            max_window: 1,
            ..Tuning::default()
        };
        let mut world = World::new(3, tuning);
        world.window = Some(self.window);
        world.bug = self.bug;
        world.threads = (0..3)
            .map(|node| Thread::new(node, self.ops[node]))
            .collect();
        vec![State {
            world,
            events: self.events.clone(),
        }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        let world = &state.world;
        for (id, node) in world
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| !node.dead)
        {
            steps.extend((!node.down.0.is_empty()).then_some(Step::Down(id)));
            steps.extend((!node.up.0.is_empty()).then_some(Step::Up(id)));
            steps.extend(node.table.next_due().map(|_| Step::Due(id)));
        }
        for (id, thread) in world
            .threads
            .iter()
            .enumerate()
            .filter(|(_, thread)| thread.runnable())
        {
            if thread.op.is_some() {
                steps.push(Step::Retry(id));
                continue;
            }
            let begin = |page: &Page| {
                self.accesses
                    .iter()
                    .map(move |access| (*page, *access))
                    .collect::<Vec<_>>()
            };
            steps.extend(
                self.pages
                    .iter()
                    .flat_map(begin)
                    .map(|(page, access)| Step::Begin(id, page, access)),
            );
        }
        let pinned = world.pins_held.iter().filter(|(_, pins)| **pins > 0);
        steps.extend(pinned.map(|(page, _)| Step::Unpin(*page)));
        steps.extend((0..state.events.len()).map(Step::Event));
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut state = last.clone();
        let world = &mut state.world;
        match step {
            Step::Down(node) => world.deliver_down(node),
            Step::Up(node) => world.deliver_up(node),
            Step::Due(node) => world.due(node, u64::MAX),
            Step::Retry(thread) => world.attempt(thread),
            Step::Begin(thread, page, access) => {
                world.threads[thread].left -= 1;
                world.threads[thread].op = Some(vec![(page, access)]);
                world.attempt(thread);
            }
            Step::Unpin(page) => world.unpin(page),
            Step::Event(index) => match state.events.remove(index) {
                Event::Pin(page) => world.pin(page),
                Event::Forget(page) => world.forget(page, 1),
                Event::Discard(page) => world.discard(page, 1),
                Event::Remap(from, to) => world.remap(from, to, 1),
                Event::Lose(board) => drop(world.lose(board)),
            },
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(COHERENT, |config: &Config, state: &State| {
                state
                    .world
                    .check(&config.pages)
                    .inspect_err(|error| eprintln!("{error}"))
                    .is_ok()
            }),
            Property::always(LIVE, |config: &Config, state: &State| {
                state
                    .world
                    .check_quiet(&config.pages)
                    .inspect_err(|error| eprintln!("{error}"))
                    .is_ok()
            }),
            Property::sometimes("all finish", |_: &Config, state: &State| {
                state.world.threads.iter().all(Thread::done) && state.world.is_quiet()
            }),
        ]
    }
}

/// Explores every state; without optimisation only the first of each configuration, which `cargo test` can afford.
fn holds(name: &str, config: Config) {
    let begun = Instant::now();
    let checker = config.checker().threads(2).timeout(LIMIT);
    if cfg!(debug_assertions) {
        let checker = checker.target_state_count(SOME_STATES).spawn_bfs().join();
        println!(
            "{name}: the first {} states, {:.1?}",
            checker.unique_state_count(),
            begun.elapsed()
        );
        checker.assert_no_discovery(COHERENT);
        checker.assert_no_discovery(LIVE);
        return;
    }
    let checker = checker.spawn_bfs().join();
    let (states, depth) = (checker.unique_state_count(), checker.max_depth());
    println!(
        "{name}: {states} states, depth {depth}, {:.1?}",
        begun.elapsed()
    );
    assert!(
        begun.elapsed() < LIMIT,
        "{name}: not every state was reached"
    );
    checker.assert_properties();
}

#[test]
fn reads_and_writes_of_two_pages() {
    holds("two pages", Config::new(2, [2, 2, 1]));
}

#[test]
fn reads_and_writes_of_one_page() {
    holds("one page", Config::new(1, [2, 3, 2]));
}

#[test]
fn prefetch_windows() {
    holds(
        "prefetch",
        Config {
            window: 2,
            ..Config::new(2, [1, 1, 2])
        },
    );
}

#[test]
fn holds_that_end_at_any_time() {
    holds(
        "holds, one page",
        Config {
            holds: true,
            ..Config::new(1, [1, 2, 2])
        },
    );
    holds(
        "holds, prefetch",
        Config {
            holds: true,
            window: 2,
            ..Config::new(2, [1, 1, 1])
        },
    );
}

#[test]
fn pins() {
    let two = [Event::Pin(0), Event::Pin(0)];
    holds("pins", Config::new(1, [1, 2, 1]).events(&two));
}

#[test]
fn removed_and_emptied_mappings() {
    holds(
        "munmap",
        Config {
            holds: true,
            ..Config::new(1, [1, 1, 1])
        }
        .events(&[Event::Forget(0)]),
    );
    holds(
        "MADV_DONTNEED",
        Config {
            holds: true,
            ..Config::new(1, [1, 1, 1])
        }
        .events(&[Event::Discard(0)]),
    );
    let all = [Event::Forget(0), Event::Discard(0), Event::Pin(0)];
    holds(
        "munmap, MADV_DONTNEED, pin",
        Config::new(1, [0, 1, 1]).events(&all),
    );
}

#[test]
fn moved_mappings() {
    let there = [Event::Remap(0, 1)];
    holds(
        "mremap",
        Config {
            holds: true,
            ..Config::new(2, [0, 1, 1])
        }
        .events(&there),
    );
    let and_back = [Event::Remap(0, 1), Event::Remap(1, 0)];
    holds("mremap twice", Config::new(2, [0, 1, 1]).events(&and_back));
    holds(
        "mremap, prefetch",
        Config {
            window: 2,
            ..Config::new(2, [1, 1, 0])
        }
        .events(&there),
    );
}

#[test]
fn a_lost_board() {
    holds(
        "loss",
        Config {
            holds: true,
            ..Config::new(1, [1, 2, 1])
        }
        .events(&[Event::Lose(1)]),
    );
    let both = [Event::Lose(1), Event::Lose(2)];
    holds(
        "loss of both, prefetch",
        Config {
            window: 2,
            ..Config::new(2, [0, 1, 1])
        }
        .events(&both),
    );
    let mixed = [Event::Lose(1), Event::Remap(0, 1), Event::Pin(1)];
    holds(
        "loss, mremap, pin",
        Config::new(2, [0, 1, 1]).events(&mixed),
    );
}

/// A checker that finds nothing proves nothing.
#[test]
fn mistakes_made_on_purpose_are_found() {
    for bug in [
        Bug::GrantBeforeAcks,
        Bug::ShareKeepsWritable,
        Bug::DiscardNotSent,
    ] {
        let config = Config::new(1, [1, 2, 2]).events(&[Event::Discard(0)]);
        let checker = Config {
            bug: Some(bug),
            ..config
        }
        .checker()
        .threads(2)
        .finish_when(HasDiscoveries::AnyFailures)
        .timeout(LIMIT)
        .spawn_bfs()
        .join();
        let path = checker.assert_any_discovery(COHERENT);
        println!("{bug:?}: found: {:?}", path.into_actions());
    }
}
