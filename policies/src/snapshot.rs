//! What a policy sees: home, the boards and the threads at one moment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::NodeLoad;

/// The job at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Snapshot {
    /// Milliseconds since the job began; never runs backwards.
    pub time_ms: u64,
    /// Whether figures were measured for it: which threads run, processor times, loads. If not, a thread
    /// was just created or came home, all threads at home seem to run, and times are 0.
    pub measured: bool,
    /// The machine on which the program was started.
    pub home: NodeLoad,
    /// The boards of the job, in the order in which they were configured, dead ones included.
    pub boards: Vec<BoardLoad>,
    /// The live threads of the program, by tid.
    pub threads: Vec<ThreadView>,
    /// Page faults of threads on boards so far for pages that had been there before, and that somebody else had taken.
    pub taken: u64,
    /// Bytes of memory that the program has in use, at home or on boards only; 0: not told.
    pub memory: u64,
    /// What the user has asked for since the snapshot before.
    pub requests: Vec<Request>,
}

/// A board.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BoardLoad {
    /// Identifies the board within the job.
    pub id: u8,
    /// The name under which the board presented itself.
    pub name: String,
    /// How many threads of this job the board takes; 0: no limit.
    pub slots: u32,
    /// Threads of this job on the board, those on their way there included.
    pub threads: u32,
    /// Whether the board answers. A dead board takes no threads.
    pub alive: bool,
    /// Whether it is to be emptied: it takes no threads, and those on it should leave.
    pub draining: bool,
    /// Whether it takes no threads for now; those on it may stay. Set by an earlier policy of a chain.
    pub closed: bool,
    /// What the user has written on it.
    pub labels: BTreeMap<String, String>,
    /// How long a message to it and its answer take, in microseconds.
    pub round_trip_us: Option<u64>,
    /// How long a page takes that one of its threads needs, in microseconds; measured. Else it is taken to be a round trip
    /// and [`PAGE_US`](crate::PAGE_US).
    pub fault_us: Option<u64>,
    /// How busy it is, and what it has left.
    #[serde(flatten)]
    pub node: NodeLoad,
}

impl BoardLoad {
    /// Whether it may be given threads, as far as its state goes.
    pub fn is_open(&self) -> bool {
        self.alive && !self.draining && !self.closed
    }

    /// How many more threads the board takes; `u32::MAX` if it sets no limit, 0 if it is not open.
    pub fn free_slots(&self) -> u32 {
        match (self.is_open(), self.slots) {
            (false, _) => 0,
            (true, 0) => u32::MAX,
            (true, slots) => slots.saturating_sub(self.threads),
        }
    }

    /// Counts one more thread on it, as if that were there already.
    pub fn add_thread(&mut self) {
        self.threads = self.threads.saturating_add(1);
        self.node.runnable = self.node.runnable.saturating_add(1);
    }
}

/// One thread of the program.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ThreadView {
    /// The kernel's thread id at home, which stays the same wherever the thread runs.
    pub tid: i32,
    /// Its name, as the program has set it; that of the program if it has not.
    pub name: String,
    /// Whether this is the thread in which the program began.
    pub is_main: bool,
    /// Where the thread runs.
    pub place: Place,
    /// Whether the thread wants a core.
    pub state: ThreadState,
    /// Processor time used so far on all nodes, in nanoseconds.
    pub cpu_ns: u64,
    /// Time spent waiting for a core so far on all nodes, in nanoseconds.
    pub run_delay_ns: u64,
    /// How often it has given up its core at home by itself so far, to wait for something other than a page.
    pub sleeps: u64,
    /// How often it has waited at home so far for a page that a board had taken.
    pub page_waits: u64,
    /// How often another was given its core at home so far.
    pub preemptions: u64,
    /// Page faults that needed the network so far.
    pub faults: u64,
    /// Home calls so far.
    pub home_calls: u64,
    /// Those of them that wait for or wake other threads.
    pub syncs: u64,
    /// When the thread was created, in milliseconds since the job began.
    pub born_ms: u64,
    /// Whether the thread is being offloaded or recalled right now.
    pub moving: bool,
    /// Whether the thread must stay at home for now, for instance while it completes a call there.
    pub pinned: bool,
}

/// Where a thread runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// On the machine on which the program was started.
    #[default]
    Home,
    /// On the board with this [id](BoardLoad::id).
    Board(u8),
}

/// Whether a thread wants a core.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThreadState {
    /// It runs or could run.
    #[default]
    Running,
    /// It waits in a system call.
    Blocked,
}

/// A move that the user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The thread; `None`: all but the main one.
    pub tid: Option<i32>,
    /// Where it is to run from now on.
    pub to: Place,
}

impl Snapshot {
    /// The board with this id.
    pub fn board(&self, id: u8) -> Option<&BoardLoad> {
        self.boards.iter().find(|b| b.id == id)
    }
}

impl ThreadView {
    /// Whether a policy may offload this thread now: a child thread at home, neither on its way
    /// nor pinned.
    pub fn may_leave(&self) -> bool {
        !self.is_main && self.place == Place::Home && !self.moving && !self.pinned
    }

    /// The board on which the thread runs and from which it may be recalled now.
    pub fn may_return(&self) -> Option<u8> {
        match self.place {
            Place::Board(id) if !self.moving => Some(id),
            _ => None,
        }
    }
}
