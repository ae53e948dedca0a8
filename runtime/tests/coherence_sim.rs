//! The coherence core in a seeded simulator: random programs, delays, windows, pins and mapping changes on 2 to 6
//! nodes. `RTX_SIM_SEED=n cargo test -p rtx-runtime --test coherence_sim` replays one seed.

mod coherence_world;

use coherence_world::rng::Rng;
use coherence_world::threads::Thread;
use coherence_world::{Bug, World};
use rtx_runtime::coherence::{Access, Leave, NodeId, Page, Tuning};

const US: u64 = 1_000;
const MS: u64 = 1_000_000;

/// One random run.
struct Sim {
    world: World,
    rng: Rng,
    pages: Vec<Page>,
    steps: u64,
    /// Per mille of thread steps with a change of this kind.
    pins: u64,
    changes: u64,
    losses: u64,
    /// Per mille of thread steps with which a board begins to leave.
    leaves: u64,
    leaving: Option<Leave>,
    left: u64,
    two_page: u64,
}

impl Sim {
    fn new(seed: u64) -> Self {
        let mut rng = Rng(seed);
        let nodes = 2 + rng.below(5) as u8;
        let count = [1, 2, 4, 8, 24][rng.below(5) as usize];
        let mut tuning = Tuning::default();
        match rng.below(5) {
            0 => tuning.max_hold = 0,
            1 => tuning.max_window = 1,
            // Streams soon ask for a window ahead.
            2 => tuning.max_window = 4,
            _ => tuning.first_fetch = (10 * US) << rng.below(8),
        }
        tuning.min_hold = tuning.min_hold.min(tuning.max_hold);
        let mut world = World::new(nodes, tuning);
        let least = US << rng.below(11);
        world.delay = (least, least * rng.below(4));
        world.rng = Some(Rng(rng.next()));
        for _ in 0..1 + rng.below(3) {
            for node in 0..usize::from(nodes) {
                world
                    .threads
                    .push(Thread::new(node, 20 + rng.below(100) as u32));
            }
        }
        let some = |rng: &mut Rng, most| if rng.chance(50) { rng.below(most) } else { 0 };
        let (pins, changes) = (some(&mut rng, 40), some(&mut rng, 60));
        let (losses, two_page) = (some(&mut rng, 3), some(&mut rng, 400));
        let leaves = some(&mut rng, 10);
        // The first page lies across a region's border.
        let pages = (63..63 + count).collect();
        Sim {
            world,
            rng,
            pages,
            steps: 0,
            pins,
            changes,
            losses,
            leaves,
            leaving: None,
            left: 0,
            two_page,
        }
    }

    fn page(&mut self) -> Page {
        self.pages[self.rng.below(self.pages.len() as u64) as usize]
    }

    fn access(&mut self) -> Access {
        if self.rng.chance(40) {
            Access::Write
        } else {
            Access::Read
        }
    }

    /// Pages from a random one on.
    fn range(&mut self) -> (Page, u64) {
        let first = self.page();
        let rest = self.pages.last().unwrap() + 1 - first;
        (first, 1 + self.rng.below(rest))
    }

    /// A mapping change, a pin, an unpin or a loss, now and then.
    fn disturb(&mut self) {
        let held: Vec<Page> = self
            .world
            .pins_held
            .iter()
            .filter(|(_, n)| **n > 0)
            .map(|(page, _)| *page)
            .collect();
        if !held.is_empty() && self.rng.chance(20) {
            let page = held[self.rng.below(held.len() as u64) as usize];
            self.world.unpin(page);
        }
        let dice = self.rng.below(1000);
        if dice < self.pins {
            let page = self.page();
            self.world.pin(page);
        } else if dice < self.pins + self.changes {
            let (first, count) = self.range();
            match self.rng.below(3) {
                0 => self.world.forget(first, count),
                1 => self.world.discard(first, count),
                _ => {
                    let (to, _) = self.range();
                    let last = self.pages.last().unwrap() + 1;
                    let count = count
                        .min(to.abs_diff(first))
                        .min(last - to)
                        .min(last - first);
                    if count > 0 {
                        self.world.remap(first, to, count);
                    }
                }
            }
        } else if dice < self.pins + self.changes + self.losses && self.world.boards().len() > 1 {
            let boards = self.world.boards();
            let board = boards[self.rng.below(boards.len() as u64) as usize];
            self.world.lose(board);
        } else if dice < self.pins + self.changes + self.losses + self.leaves
            && self.leaving.is_none()
            && self.world.boards().len() > 1
        {
            let boards = self.world.boards();
            let board = boards[self.rng.below(boards.len() as u64) as usize];
            self.leaving = Some(Leave::new(NodeId(board as u8)));
            // Its threads make an end with what they do.
            let there = self.world.threads.iter_mut().filter(|t| t.node == board);
            there.for_each(|thread| thread.left = 0);
        }
    }

    /// A board that leaves does a step. Nothing may be lost with it.
    fn leave(&mut self) -> Result<(), String> {
        let Some(mut leave) = self.leaving.take() else {
            return Ok(());
        };
        let board = usize::from(leave.node().0);
        if self.world.nodes[board].dead {
            return Ok(());
        }
        let works = |thread: &Thread| thread.node == board && !thread.done();
        let gone = !self.world.threads.iter().any(works) && self.world.leave(&mut leave);
        if !gone {
            self.leaving = Some(leave);
            return Ok(());
        }
        self.left += 1;
        match self.world.lose(board).modified[..] {
            [] => Ok(()),
            ref pages => Err(format!("board {board} left with pages {pages:?}")),
        }
    }

    fn run_thread(&mut self, index: usize) {
        self.disturb();
        if index >= self.world.threads.len() || self.world.threads[index].waits.is_some() {
            return;
        }
        if self.world.threads[index].op.is_none() {
            if self.world.threads[index].left == 0 {
                return;
            }
            let (mut page, access) = (self.page(), self.access());
            if self.rng.chance(40) {
                // Scans, so that windows open.
                page = self.pages[self.world.threads[index].left as usize % self.pages.len()];
            }
            let mut op = vec![(page, access)];
            if self.rng.below(1000) < self.two_page {
                op.push((self.page(), self.access()));
            }
            self.world.threads[index].op = Some(op);
            self.world.threads[index].left -= 1;
            if self.rng.chance(10) {
                self.world.rests(index);
            }
        }
        self.world.attempt(index);
        self.world.threads[index].at = self.world.now + self.rng.below(20 * US);
    }

    /// Does one thing that can happen now, or lets time pass until something can. False when all is done.
    fn step(&mut self) -> bool {
        let now = self.world.now;
        let mut ready: Vec<(u8, usize)> = Vec::new();
        let mut next = u64::MAX;
        let mut look = |at: Option<u64>, what| match at {
            Some(at) if at <= now => ready.push(what),
            Some(at) => next = next.min(at),
            None => {}
        };
        for (id, node) in self
            .world
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| !node.dead)
        {
            look(node.down.0.front().map(|m| m.0), (0, id));
            look(node.up.0.front().map(|m| m.0), (1, id));
            look(node.table.next_due(), (2, id));
        }
        for (id, thread) in self.world.threads.iter().enumerate() {
            look(thread.runnable().then_some(thread.at), (3, id));
        }
        if ready.is_empty() && next == u64::MAX {
            let held: Vec<Page> = self
                .world
                .pins_held
                .iter()
                .filter(|(_, n)| **n > 0)
                .map(|(p, _)| *p)
                .collect();
            held.iter().for_each(|page| self.world.unpin(*page));
            return !held.is_empty();
        }
        if ready.is_empty() {
            self.world.now = next;
            return true;
        }
        self.steps += 1;
        match ready[self.rng.below(ready.len() as u64) as usize] {
            (0, id) => self.world.deliver_down(id),
            (1, id) => self.world.deliver_up(id),
            (2, id) => self.world.due(id, now),
            (_, id) => self.run_thread(id),
        }
        true
    }

    fn run(&mut self) -> Result<(), String> {
        while self.step() {
            self.leave()?;
            self.world.check(&self.pages)?;
            if self.steps > 2_000_000 {
                return Err("no end in sight: threads make no progress".into());
            }
        }
        self.world.check_quiet(&self.pages)?;
        match self.world.threads.iter().find(|thread| !thread.done()) {
            Some(thread) => Err(format!("never finished: {thread:?}")),
            None => Ok(()),
        }
    }
}

#[test]
fn random_runs_are_coherent_and_finish() {
    let one = std::env::var("RTX_SIM_SEED")
        .ok()
        .map(|seed| seed.parse::<u64>().expect("a number"));
    let seeds = one.map_or(0..600, |seed| seed..seed + 1);
    let (mut steps, mut left, mut total) = (0, 0, rtx_runtime::coherence::Counters::default());
    for seed in seeds.clone() {
        let outcome = std::panic::catch_unwind(|| {
            let mut sim = Sim::new(seed);
            let outcome = sim.run();
            (
                outcome,
                [sim.steps, sim.left],
                sim.world.directory.counters(),
            )
        });
        let Ok((Ok(()), [done, gone], counters)) = outcome else {
            panic!("RTX_SIM_SEED={seed} fails: {outcome:?}");
        };
        steps += done;
        left += gone;
        total.read += counters.read;
        total.write += counters.write;
        total.upgrade += counters.upgrade;
        total.invalidated += counters.invalidated;
        total.prefetched += counters.prefetched;
    }
    println!(
        "{} seeds, {steps} steps, {left} boards left, {total:?}",
        seeds.clone().count()
    );
    assert!(left > 0 || seeds.count() == 1, "no board left");
}

/// Each of `nodes` boards runs `ops` instructions that write pages 0 and 1 at once; says how long that takes.
fn fight(nodes: u8, ops: u32, delay: u64, tuning: Tuning, limit: u64) -> Option<u64> {
    let mut world = World::new(nodes + 1, tuning);
    world.delay = (delay, 0);
    world.rng = Some(Rng(1));
    for node in 1..=usize::from(nodes) {
        world.threads.push(Thread::new(node, ops));
    }
    let (rng, pages) = (Rng(2), vec![0, 1]);
    let mut sim = Sim {
        world,
        rng,
        pages,
        steps: 0,
        pins: 0,
        changes: 0,
        losses: 0,
        leaves: 0,
        leaving: None,
        left: 0,
        two_page: 0,
    };
    while sim.world.now < limit {
        for thread in 0..usize::from(nodes) {
            let order = [
                [(0, Access::Write), (1, Access::Write)],
                [(1, Access::Write), (0, Access::Write)],
            ];
            let thread_is = &mut sim.world.threads[thread];
            if thread_is.op.is_none() && thread_is.left > 0 {
                thread_is.op = Some(order[thread % 2].to_vec());
                thread_is.left -= 1;
            }
        }
        if !sim.step() {
            assert!(sim.world.threads.iter().all(Thread::done));
            return Some(sim.world.now);
        }
        sim.world.check(&sim.pages).unwrap();
    }
    None
}

#[test]
fn an_instruction_on_two_contended_pages_makes_progress() {
    // (boards, one-way delay): a local network, a slow one, a link slower than the longest hold.
    for (nodes, delay) in [(2, 50 * US), (2, MS / 2), (2, 10 * MS), (4, MS / 2)] {
        let ops = 100;
        let trip = 4 * delay;
        let limit = trip * 400 * u64::from(ops) * u64::from(nodes);
        let took = fight(nodes, ops, delay, Tuning::default(), limit);
        let took = took.unwrap_or_else(|| panic!("livelock: {nodes} boards, delay {delay} ns"));
        println!(
            "{nodes} boards, delay {delay} ns: {} us an instruction",
            took / 1000 / u64::from(ops * u32::from(nodes))
        );
    }
}

/// A simulator that finds nothing proves nothing.
#[test]
fn mistakes_made_on_purpose_are_found() {
    for bug in [
        Bug::GrantBeforeAcks,
        Bug::ShareKeepsWritable,
        Bug::DiscardNotSent,
    ] {
        let caught = (0..100).find(|seed| {
            let outcome = std::panic::catch_unwind(|| {
                let mut sim = Sim::new(*seed);
                sim.world.bug = Some(bug);
                sim.run()
            });
            !matches!(outcome, Ok(Ok(())))
        });
        println!(
            "{bug:?}: caught by seed {:?}",
            caught.expect("one of 100 seeds catches it")
        );
    }
}
