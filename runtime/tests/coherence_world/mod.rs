//! A job of one home and some boards around the pure coherence core, for the model checker and the simulator.
//!
//! The world plays the parts that are I/O live: the streams (FIFO, one each way for each board), the memory of each
//! node, and threads that read and write it. It knows by **objects** what every copy must contain: an object is one
//! life of a page's content, from its mapping (or its last MADV_DONTNEED) to the next; mremap gives an object another
//! page. A node goes on to the new object of a page when the Remove or Discard reaches it.

#![allow(dead_code, reason = "each test crate uses a part")]

pub mod actions;
pub mod check;
pub mod mapping;
pub mod rng;
pub mod threads;

use std::collections::{BTreeMap, VecDeque};
use std::hash::{Hash, Hasher};

use rng::Rng;
use rtx_runtime::coherence::{Access, Directory, NodeId, NodeTable, Page, TakeMode, Taken, Tuning};
use threads::Thread;

/// Page content: how many writes of its object made it; 0 is the zero page.
pub type Version = u32;
/// One life of a page's content.
pub type Object = u64;

/// Home -> board.
#[derive(Clone, PartialEq, Hash, Debug)]
pub enum Down {
    Take {
        page: Page,
        tag: u64,
        mode: TakeMode,
        optional: bool,
    },
    Grant {
        page: Page,
        access: Access,
        data: Option<Version>,
        prefetched: bool,
        contended: bool,
    },
    /// munmap or MADV_DONTNEED of pages from `first`, which from then on hold `objects`.
    Gone {
        first: Page,
        objects: Vec<Object>,
        mapping_too: bool,
    },
}

/// Board -> home.
#[derive(Clone, PartialEq, Hash, Debug)]
pub enum Up {
    Request {
        page: Page,
        access: Access,
        window: u32,
    },
    Taken {
        tag: u64,
        taken: Taken<Version>,
    },
}

/// A FIFO stream: messages and when they arrive.
#[derive(Clone, PartialEq, Hash, Debug)]
pub struct Stream<M>(pub VecDeque<(u64, M)>);

/// Mistakes that a check must find.
#[derive(Clone, Copy, PartialEq, Hash, Debug)]
pub enum Bug {
    /// Grants do not wait for the answers to Drops.
    GrantBeforeAcks,
    /// Taking a page to share it leaves it writable.
    ShareKeepsWritable,
    /// A Discard reaches only home.
    DiscardNotSent,
}

/// One node as the world sees it.
#[derive(Clone, PartialEq, Hash, Debug)]
pub struct Node {
    pub table: NodeTable,
    pub memory: BTreeMap<Page, Version>,
    /// Objects of pages that had a Remove or Discard; others have their page's number.
    pub objects: BTreeMap<Page, Object>,
    pub down: Stream<Down>,
    pub up: Stream<Up>,
    pub dead: bool,
}

/// The whole job.
#[derive(Clone, PartialEq, Debug)]
pub struct World {
    pub directory: Directory<Version>,
    pub nodes: Vec<Node>,
    pub threads: Vec<Thread>,
    /// What each object contains, by the latest write.
    pub latest: BTreeMap<Object, Version>,
    pub next_object: Object,
    /// Pins asked for and complete, by page.
    pub pins_waiting: BTreeMap<Page, u32>,
    pub pins_held: BTreeMap<Page, u32>,
    pub now: u64,
    /// Delays of messages; without it they arrive at any later time (the model checker chooses).
    pub rng: Option<Rng>,
    pub delay: (u64, u64),
    /// Overrides the windows of the tables.
    pub window: Option<u32>,
    pub bug: Option<Bug>,
    /// The first thing seen that must not happen.
    pub fault: Option<String>,
}

impl World {
    pub fn new(nodes: u8, tuning: Tuning) -> Self {
        let node = |id| Node {
            table: NodeTable::new(NodeId(id), tuning),
            memory: BTreeMap::new(),
            objects: BTreeMap::new(),
            down: Stream(VecDeque::new()),
            up: Stream(VecDeque::new()),
            dead: false,
        };
        World {
            directory: Directory::new(),
            nodes: (0..nodes).map(node).collect(),
            threads: Vec::new(),
            latest: BTreeMap::new(),
            next_object: 1 << 32,
            pins_waiting: BTreeMap::new(),
            pins_held: BTreeMap::new(),
            now: 0,
            rng: None,
            delay: (0, 0),
            window: None,
            bug: None,
            fault: None,
        }
    }

    pub fn object(&self, node: usize, page: Page) -> Object {
        self.nodes[node].objects.get(&page).copied().unwrap_or(page)
    }

    /// Boards that live.
    pub fn boards(&self) -> Vec<usize> {
        (1..self.nodes.len())
            .filter(|n| !self.nodes[*n].dead)
            .collect()
    }

    pub fn arrival(&mut self) -> u64 {
        let (least, spread) = self.delay;
        self.now
            + self
                .rng
                .as_mut()
                .map_or(0, |rng| least + rng.below(spread + 1))
    }

    pub fn send_down(&mut self, node: usize, message: Down) {
        let at = self.arrival();
        if !self.nodes[node].dead {
            self.nodes[node].down.push(at, message);
        }
    }

    /// What is in a node's memory; home's pages start as zeroes.
    pub fn content(&mut self, node: usize, page: Page) -> Version {
        match self.nodes[node].memory.get(&page) {
            Some(version) => *version,
            None if node == 0 => 0,
            None => {
                self.fault.get_or_insert(format!(
                    "node {node} has no page {page} though its table says so"
                ));
                0
            }
        }
    }

    /// The next message to a board arrives.
    pub fn deliver_down(&mut self, node: usize) {
        let (_, message) = self.nodes[node]
            .down
            .0
            .pop_front()
            .expect("a message waits");
        let mut actions = Vec::new();
        let now = self.now;
        let table = &mut self.nodes[node].table;
        match message {
            Down::Take {
                page,
                tag,
                mode,
                optional,
            } => table.take(now, page, tag, mode, optional, &mut actions),
            Down::Grant {
                page,
                access,
                data,
                prefetched,
                contended,
            } => {
                table.granted(now, page, access, data, prefetched, contended, &mut actions);
            }
            Down::Gone {
                first,
                objects,
                mapping_too,
            } => {
                let count = objects.len() as u64;
                match mapping_too {
                    true => table.remove(first, count, &mut actions),
                    false => table.discard(first, count, &mut actions),
                }
                self.settle(node, actions);
                return self.change_objects(node, first, &objects);
            }
        }
        self.settle(node, actions);
    }

    /// The next message of a board arrives at home.
    pub fn deliver_up(&mut self, node: usize) {
        let (_, message) = self.nodes[node].up.0.pop_front().expect("a message waits");
        let mut actions = Vec::new();
        match message {
            Up::Request {
                page,
                access,
                window,
            } => {
                self.directory
                    .request(NodeId(node as u8), page, access, window, &mut actions);
            }
            Up::Taken { tag, taken } => self.answer(NodeId(node as u8), tag, taken, &mut actions),
        }
        self.carry_out(actions);
    }

    /// Holds that end by `at` end.
    pub fn due(&mut self, node: usize, at: u64) {
        let mut actions = Vec::new();
        self.nodes[node].table.due(at, &mut actions);
        self.settle(node, actions);
    }
}

/// Equal behaviour, equal hash (for the model checker): a tag is what waits for it, time is left out.
impl Hash for World {
    fn hash<H: Hasher>(&self, h: &mut H) {
        let awaited = |tag: u64| self.directory.awaits(tag);
        self.directory.hash(h);
        for node in &self.nodes {
            (&node.table, &node.memory, &node.objects, node.dead).hash(h);
            (node.down.0.len(), node.up.0.len()).hash(h);
            for (_, message) in &node.down.0 {
                match message {
                    Down::Take {
                        page,
                        tag,
                        mode,
                        optional,
                    } => (page, awaited(*tag), mode, optional).hash(h),
                    other => other.hash(h),
                }
            }
            for (_, message) in &node.up.0 {
                match message {
                    Up::Taken { tag, taken } => (awaited(*tag), taken).hash(h),
                    other => other.hash(h),
                }
            }
        }
        (&self.threads, &self.latest, &self.fault).hash(h);
        let some = |(_, pins): &(&Page, &u32)| **pins > 0;
        self.pins_waiting
            .iter()
            .filter(some)
            .collect::<Vec<_>>()
            .hash(h);
        self.pins_held
            .iter()
            .filter(some)
            .collect::<Vec<_>>()
            .hash(h);
    }
}

impl<M> Stream<M> {
    pub fn push(&mut self, at: u64, message: M) {
        let last = self.0.back().map_or(0, |(at, _)| *at);
        self.0.push_back((at.max(last), message));
    }
}
