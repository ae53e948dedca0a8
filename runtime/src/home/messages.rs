//! What the supervisor (the tracer thread) and the pager (the thread that serves pages and boards)
//! tell each other. Each has one queue; order in a queue is kept.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Sender;
use std::time::Duration;

use bytes::Bytes;

use crate::guest::arch::Registers;
use crate::guest::ptrace::Tid;
use crate::guest::stub::Stub;
use crate::home::intercept::{Forwarded, Interception};
use crate::home::job::BoardFacts;
use crate::home::operator::{Asked, Reply, Status};
use crate::home::prices::Faults;
use crate::home::unwinder::Whose;
use crate::memory::helper::Helper;
use crate::memory::uffd::Uffd;
use crate::report::RecallCause;
use crate::trace::{Backtrace, Snapshot};
use crate::wire::message::{Amend, Load, PendingCall};

/// A board of this job, numbered from 1 (0 is home): its node in the directory.
pub type BoardId = u8;

/// The guest's memory, ready to be shared.
pub struct SharedMemory {
    /// A process that has this memory: the helper.
    pub memory: Tid,
    /// Its stub.
    pub stub: Stub,
    /// The addresses that are rtx's own: the stub, and what follows it.
    pub reserved: Range<u64>,
    /// Its userfaultfd.
    pub uffd: Uffd,
    /// Its helper.
    pub helper: Helper,
    /// Its calls that change memory unseen.
    pub interception: Interception,
    /// The supervisor has asked all threads to stop and waits for that. A thread whose call waits for
    /// an answer stops only with one.
    pub freezing: Arc<AtomicBool>,
    /// The number of the userfaultfd in the helper, if the kernel can move pages.
    pub uffd_there: Option<u64>,
    /// The guest has files open for direct I/O.
    pub direct: bool,
}

/// To the pager.
pub enum ToPager {
    /// The guest is set up for sharing.
    Share(Box<SharedMemory>),
    /// A thread goes to a board.
    Start {
        board: BoardId,
        tid: Tid,
        begin: Begin,
        /// The home call in which it waits.
        call: Option<PendingCall>,
    },
    /// A thread is wanted back; its context answers. `at_point`: once it is at an equivalence point.
    Recall {
        board: BoardId,
        tid: Tid,
        at_point: bool,
    },
    /// A home call returned.
    Reply {
        board: BoardId,
        tid: Tid,
        seq: u32,
        result: i64,
    },
    /// Let an intercepted call return this (-errno, the kernel's internal ones included).
    Answer { call: Forwarded, result: i64 },
    /// Let an intercepted call be made.
    LetThrough { call: Forwarded },
    /// Ask a board what its threads have used; answered by `Usage`.
    AskUsage { board: BoardId, token: u64 },
    /// [start, end) is rtx's own: boards get nothing of it.
    Reserve { start: u64, end: u64 },
    /// The memory map changed in [start, end): look it up again.
    Remapped { start: u64, end: u64 },
    /// Bring the pages of these addresses home, writable, and keep them; answered by `Pinned`.
    Pin { token: u64, addresses: Vec<u64> },
    /// Let them go.
    Unpin { token: u64 },
    /// Bring every page home that is not there; answered by `Fetched`.
    FetchAll { token: u64 },
    /// Bring every page home and let boards have none until `Scatter`; answered by `Fetched`.
    Gather { token: u64 },
    /// Let boards have pages again.
    Scatter { token: u64 },
    /// Give a just forked child what home lacked; answered by `Filled`.
    FillChild { child: Tid },
    /// The conversion asked for is done (or was impossible).
    Converted { addr: u64 },
    /// Reach one more board, here or at an address; answered by `Reached`.
    Reach { token: u64, address: String },
    /// Have the pages of a board come home, to which no thread goes any more, and let it go; answered by
    /// `Left`.
    Release { board: BoardId },
    /// Stop or continue all offloaded threads (job control).
    Freeze(bool),
    /// Look at [`SharedMemory::freezing`].
    Freezing,
    /// Tell your state, and have the boards tell theirs.
    Describe,
    /// Tell an operator this, and the pages over which nodes fight.
    Look {
        status: Box<Status>,
        reply: Sender<Reply>,
    },
    /// The guest runs another program now, or stays home with everything it has: boards and sharing
    /// end.
    Unshare,
    /// The guest is gone or let go: say goodbye to the boards and end.
    Finish,
}

/// How a thread begins on a board.
pub enum Begin {
    /// With these registers, wherever they are.
    Here {
        registers: Box<Registers>,
        extended: Vec<u8>,
    },
    /// By taking up its continuation, the header of which is at `header`.
    AtPoint { thread_pointer: u64, header: u64 },
    /// With registers that another board of the same ISA sent, changed so.
    Again { state: Foreign, amend: Amend },
}

/// A thread's registers, of another ISA than home's: home only keeps them.
#[derive(Clone, Debug)]
pub struct Foreign {
    pub registers: Bytes,
    pub extended: Bytes,
    /// Its stack pointer.
    pub sp: u64,
    /// The call that it is about to make, in its ISA's numbers.
    pub made: Option<(i64, [u64; 6])>,
    /// `si_code` and `si_addr` of its fault.
    pub fault: (i32, u64),
}

/// A thread's registers.
pub enum Held {
    /// Of home's ISA.
    Ours {
        registers: Box<Registers>,
        extended: Vec<u8>,
    },
    /// Of another.
    Theirs(Foreign),
}

/// Why a board sent a thread's context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Home asked for it.
    Recalled,
    /// It is about to make a call that only the thread itself can make.
    Call,
    /// It faulted (this signal) in a way that home must judge: it runs the instruction again.
    Fault(i32),
    /// It has left its registers for its continuation, the header of which is there.
    Parked(u64),
}

/// A thread's context, back from a board.
pub struct Context {
    /// Why.
    pub why: Why,
    /// Its registers, as it stopped.
    pub state: Held,
    /// The home call it was waiting in, if any.
    pub call: Option<u32>,
    /// CPU time it used on the board since it was sent, in nanoseconds.
    pub cpu_ns: u64,
    /// Faults it had there.
    pub faults: u64,
    /// Calls it made there of which home has not heard, by number.
    pub calls: Vec<(i64, u64)>,
    /// Why the board sent it; `None`: home asked for it.
    pub cause: Option<RecallCause>,
}

/// What a thread has used on a board since it came there.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    pub tid: Tid,
    /// On a core, in nanoseconds.
    pub cpu_ns: u64,
    /// Waiting for a core, in nanoseconds.
    pub delay_ns: u64,
    /// Page faults that needed home.
    pub faults: u64,
}

/// To the supervisor.
pub enum ToSupervisor {
    /// An offloaded thread makes a home call.
    Call {
        tid: Tid,
        seq: u32,
        nr: i64,
        args: [u64; 6],
        /// Its stack pointer, if its ISA is not home's.
        sp: u64,
    },
    /// An offloaded thread comes back.
    Context { tid: Tid, context: Box<Context> },
    /// A thread runs on its board.
    Started { tid: Tid },
    /// A thread that has the guest's memory reads a CPU-time clock; the call waits for `Answer` or
    /// `LetThrough`.
    ReadsCpuTime { call: Forwarded },
    /// A thread that has the guest's memory sets a timer or a limit by CPU time.
    SetsCpuTimer { tid: Tid },
    /// What threads have used on a board since they came there.
    Usage {
        board: BoardId,
        token: u64,
        used: Vec<Used>,
    },
    /// How busy a board is.
    Load {
        board: BoardId,
        load: Load,
        /// The shortest round trip of late.
        round_trip: Duration,
        /// How long its threads waited for pages since it last told.
        faults: Faults,
    },
    /// The user asks for a move.
    Request(rtx_policies::Request),
    /// A board is gone; it held pages or threads if `fatal`.
    BoardLost {
        board: BoardId,
        reason: String,
        pages: usize,
    },
    /// Answers `Reach`: the board has the next number.
    Reached {
        token: u64,
        board: Result<BoardFacts, String>,
    },
    /// Answers `Release`: of so many pages it had the only copy.
    Left { board: BoardId, pages: u64 },
    /// An operator asks something.
    Asked(Asked),
    /// Answers `Pin`.
    Pinned { token: u64 },
    /// Answers `FetchAll` and `Gather`.
    Fetched { token: u64 },
    /// Answers `FillChild`.
    Filled { child: Tid },
    /// The mapping at this address must become anonymous before it can be shared.
    Convert { addr: u64 },
    /// A board of another instruction set has memory with code that the program has made.
    MadeCode,
    /// A thread is about to do this, in which boards cannot follow.
    Beyond(&'static str),
    /// A thread is about to fork; its call waits for `Answer` or `LetThrough`.
    Forks { call: Forwarded },
    /// A thread tells the kernel to write there when it ends.
    TidAddress { tid: Tid, address: u64 },
    /// The state of a part of the job, in words; `complaint`: what does not go on there, if asked by
    /// nobody.
    State {
        who: String,
        complaint: String,
        text: String,
    },
    /// A board sends what a thread's backtrace needs.
    Looked {
        board: BoardId,
        tid: Tid,
        snapshot: Snapshot,
    },
    /// A backtrace is made, or why it is not.
    Backtrace {
        whose: Whose,
        backtrace: Result<Backtrace, String>,
    },
    /// Print the state of the whole job.
    Dump,
    /// The pager cannot go on.
    PagerFailed(String),
    /// Send the guest a signal that rtx-run got from `sender` (0: unknown).
    Signal(i32),
    /// Recall everything and let the guest go.
    Detach,
}
