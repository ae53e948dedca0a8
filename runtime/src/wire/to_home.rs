//! What a board tells home; conventions as in [`super::to_board`].

use bytes::Bytes;

use super::frame::OutFrame;
use super::pages::{PageData, PageKind, deal};
use super::to_board::PendingCall;

/// A thread of the board waits for a page.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Request {
    #[prost(uint64, tag = "1")]
    pub page: u64,
    #[prost(bool, tag = "2")]
    pub write: bool,
    /// Pages wanted from this one on, at least 1; all but the first are prefetch.
    #[prost(uint32, tag = "3")]
    pub window: u32,
    /// A thread that waits for it; 0: none.
    #[prost(uint32, tag = "4")]
    pub thread: u32,
}

/// Answers to Take.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Taken {
    #[prost(message, repeated, tag = "1")]
    pub items: Vec<TakenItem>,
    /// They waited for the end of a hold: the time says nothing about the network.
    #[prost(bool, tag = "2")]
    pub deferred: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct TakenItem {
    /// That of the TakeItem.
    #[prost(uint64, tag = "1")]
    pub tag: u64,
    /// The bytes follow the header, in the order of the items.
    #[prost(enumeration = "PageKind", tag = "2")]
    pub kind: i32,
    /// The board kept its copy as it was.
    #[prost(bool, tag = "3")]
    pub refused: bool,
}

impl Taken {
    /// The answer for pages that were taken, by tag, with their content.
    pub fn frame(deferred: bool, pages: impl IntoIterator<Item = (u64, PageData)>) -> OutFrame {
        let mut items = Vec::new();
        let mut bytes = Vec::new();
        for (tag, page) in pages {
            items.push(TakenItem {
                tag,
                kind: page.kind() as i32,
                refused: false,
            });
            if let PageData::Bytes(page) = page {
                bytes.push(page);
            }
        }
        OutFrame::new(Taken { items, deferred }, bytes)
    }

    /// The answer "no" to an optional take.
    pub fn refusal(tag: u64) -> Self {
        let kind = PageKind::None as i32;
        Self {
            items: vec![TakenItem {
                tag,
                kind,
                refused: true,
            }],
            deferred: false,
        }
    }

    /// Each item with its content; `pages` is [`super::frame::Frame::pages`].
    pub fn contents(&self, pages: Bytes) -> impl Iterator<Item = (TakenItem, PageData)> + '_ {
        let kinds = self.items.iter().map(|item| item.kind());
        self.items.iter().copied().zip(deal(kinds, pages))
    }
}

/// A thread touched an address at which the replica has no mapping, or not with this access.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct MapRequest {
    #[prost(uint32, tag = "1")]
    pub thread: u32,
    #[prost(uint64, tag = "2")]
    pub addr: u64,
    #[prost(bool, tag = "3")]
    pub write: bool,
}

/// A thread makes a home call; it waits for the CallReply.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Call {
    #[prost(uint32, tag = "1")]
    pub thread: u32,
    /// Counts the thread's calls; the reply has the same.
    #[prost(uint32, tag = "2")]
    pub seq: u32,
    #[prost(int64, tag = "3")]
    pub nr: i64,
    /// Six.
    #[prost(uint64, repeated, tag = "4")]
    pub args: Vec<u64>,
    /// The instruction and stack pointer at the call, of a thread of another ISA than home; else 0.
    #[prost(uint64, tag = "5")]
    pub ip: u64,
    #[prost(uint64, tag = "6")]
    pub sp: u64,
}

impl Call {
    /// The arguments as registers hold them.
    pub fn arguments(&self) -> [u64; 6] {
        self.args
            .as_slice()
            .try_into()
            .expect("checked when the frame was read")
    }
}

/// A thread leaves the board: this is all of it.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Context {
    #[prost(uint32, tag = "1")]
    pub thread: u32,
    #[prost(enumeration = "Why", tag = "2")]
    pub why: i32,
    /// For [`Why::Fault`].
    #[prost(int32, tag = "3")]
    pub signal: i32,
    /// As in Start.
    #[prost(bytes = "bytes", tag = "4")]
    pub regs: Bytes,
    /// As in Start.
    #[prost(bytes = "bytes", tag = "5")]
    pub extended: Bytes,
    /// The home call in which it waited.
    #[prost(message, optional, tag = "6")]
    pub call: Option<PendingCall>,
    /// CPU time since its Start.
    #[prost(uint64, tag = "7")]
    pub cpu_ns: u64,
    /// Page faults since its Start that needed home.
    #[prost(uint64, tag = "8")]
    pub faults: u64,
    /// System calls since its Start of which home has not heard: those that ran here, and the one
    /// for which it goes home.
    #[prost(message, repeated, tag = "9")]
    pub calls: Vec<CallCount>,
    /// Its stack pointer.
    #[prost(uint64, tag = "10")]
    pub sp: u64,
    /// For [`Why::Call`] and [`Why::Parked`]: the call that it is about to make.
    #[prost(message, optional, tag = "11")]
    pub made: Option<Made>,
    /// For [`Why::Fault`]: `si_code` and `si_addr` (sigaction(2)).
    #[prost(int32, tag = "12")]
    pub code: i32,
    #[prost(uint64, tag = "13")]
    pub address: u64,
}

/// A system call as a thread makes it, in its ISA's numbers.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Made {
    #[prost(int64, tag = "1")]
    pub nr: i64,
    /// Six.
    #[prost(uint64, repeated, tag = "2")]
    pub args: Vec<u64>,
}

impl Made {
    /// The arguments as registers hold them.
    pub fn arguments(&self) -> [u64; 6] {
        self.args
            .as_slice()
            .try_into()
            .expect("checked when the frame was read")
    }
}

/// How often a system call was made.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct CallCount {
    #[prost(int64, tag = "1")]
    pub nr: i64,
    #[prost(uint64, tag = "2")]
    pub count: u64,
}

/// Why a thread leaves the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Why {
    /// Home recalled it.
    Recalled = 0,
    /// It is about to make a call that only the thread itself can make.
    Call = 1,
    /// It had a fault that home must judge, and will have it again there.
    Fault = 2,
    /// It has left its registers and stack for its continuation, as it was asked to.
    Parked = 3,
}

/// A thread runs.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Started {
    #[prost(uint32, tag = "1")]
    pub thread: u32,
}

/// The board cannot go on with the job.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Failed {
    #[prost(string, tag = "1")]
    pub message: String,
}

/// How long remote faults took, in nanoseconds each.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct FaultTimes {
    #[prost(uint64, repeated, tag = "1")]
    pub ns: Vec<u64>,
}

/// The barrier that home asked for is made.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct BarrierMade {
    /// That of the Barrier.
    #[prost(uint64, tag = "1")]
    pub token: u64,
}

/// The board's state in words, for people: asked for, or because something does not go on.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct State {
    /// What does not go on; empty: home asked.
    #[prost(string, tag = "1")]
    pub complaint: String,
    /// Lines.
    #[prost(string, tag = "2")]
    pub text: String,
}

/// A thread's registers and the inner end of its stack, for a backtrace: one of these for each thread
/// follows a State that home asked for.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Trace {
    #[prost(uint32, tag = "1")]
    pub thread: u32,
    /// As in Start.
    #[prost(bytes = "bytes", tag = "2")]
    pub regs: Bytes,
    /// Its stack pointer.
    #[prost(uint64, tag = "3")]
    pub sp: u64,
    /// The stack from there on, as far as it is on the board; at most
    /// [`crate::trace::snapshot::STACK_BYTES`].
    #[prost(bytes = "bytes", tag = "4")]
    pub stack: Bytes,
}
