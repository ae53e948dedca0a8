//! What a policy sees: home, the boards and the threads at one moment.

use serde::{Deserialize, Serialize};

/// The job at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Milliseconds since the job began; never runs backwards.
    pub time_ms: u64,
    /// The machine on which the program was started.
    pub home: NodeLoad,
    /// The boards of the job, in the order in which they were configured, dead ones included.
    pub boards: Vec<BoardLoad>,
    /// The live threads of the program.
    pub threads: Vec<ThreadView>,
}

/// How busy home is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeLoad {
    /// Cores the program may use at home.
    pub cores: u32,
    /// Threads that want a core at home now, of this program and of all others.
    pub runnable: u32,
    /// Load average of the last minute, in runnable threads.
    pub load: f64,
}

/// How busy a board is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BoardLoad {
    /// Identifies the board within the job.
    pub id: u8,
    /// The name under which the board presented itself.
    pub name: String,
    /// How many threads of this job the board takes; 0: no limit.
    pub slots: u32,
    /// Threads of this job on the board, those on their way there included.
    pub threads: u32,
    /// Threads that want a core on the board now, as its agent reports them.
    pub runnable: u32,
    /// Cores the board lends.
    pub cores: u32,
    /// Whether the board answers. A dead board takes no threads.
    pub alive: bool,
}

impl BoardLoad {
    /// How many more threads the board takes; `u32::MAX` if it sets no limit, 0 if it is dead.
    pub fn free_slots(&self) -> u32 {
        match (self.alive, self.slots) {
            (false, _) => 0,
            (true, 0) => u32::MAX,
            (true, slots) => slots.saturating_sub(self.threads),
        }
    }
}

/// One thread of the program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThreadView {
    /// The kernel's thread id at home, which stays the same wherever the thread runs.
    pub tid: i32,
    /// Whether this is the thread in which the program began.
    pub is_main: bool,
    /// Where the thread runs.
    pub place: Place,
    /// Whether the thread wants a core.
    pub state: ThreadState,
    /// Processor time used so far on all nodes, in nanoseconds.
    pub cpu_ns: u64,
    /// Time spent waiting for a core so far, in nanoseconds.
    pub run_delay_ns: u64,
    /// Page faults that needed the network so far.
    pub faults: u64,
    /// Home calls so far.
    pub home_calls: u64,
    /// When the thread was created, in milliseconds since the job began.
    pub born_ms: u64,
    /// Whether the thread is being offloaded or recalled right now.
    pub moving: bool,
    /// Whether the thread must stay at home for now, for instance while it completes a call there.
    pub pinned: bool,
}

/// Where a thread runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// On the machine on which the program was started.
    Home,
    /// On the board with this [id](BoardLoad::id).
    Board(u8),
}

/// Whether a thread wants a core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThreadState {
    /// It runs or could run.
    Running,
    /// It waits in a system call.
    Blocked,
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
