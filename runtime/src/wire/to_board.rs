//! What home tells a board. Page numbers are address / [`crate::memory::PAGE`]; ranges are addresses,
//! half open, whole pages; threads go by their tid at home.

use bytes::Bytes;

use super::frame::OutFrame;
use super::pages::{PageData, PageKind, deal};

/// The board now holds these pages, which follow each other.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Grant {
    #[prost(uint64, tag = "1")]
    pub first_page: u64,
    /// It may write them, being the only one that holds them.
    #[prost(bool, tag = "2")]
    pub write: bool,
    /// Nobody asked for them: they came along with a window.
    #[prost(bool, tag = "3")]
    pub prefetched: bool,
    /// They waited behind another request or a hold: the time says nothing about the network.
    #[prost(bool, tag = "4")]
    pub contended: bool,
    /// One [`PageKind`] for each page; their bytes follow the header, in order.
    #[prost(bytes = "bytes", tag = "5")]
    pub kinds: Bytes,
}

impl Grant {
    /// The grant of `pages` from `first_page` on, with their content.
    pub fn frame(
        first_page: u64,
        write: bool,
        prefetched: bool,
        contended: bool,
        pages: impl IntoIterator<Item = PageData>,
    ) -> OutFrame {
        let mut kinds = Vec::new();
        let mut bytes = Vec::new();
        for page in pages {
            kinds.push(page.kind() as u8);
            if let PageData::Bytes(page) = page {
                bytes.push(page);
            }
        }
        let kinds = kinds.into();
        OutFrame::new(
            Grant {
                first_page,
                write,
                prefetched,
                contended,
                kinds,
            },
            bytes,
        )
    }

    /// Each page with its content; `pages` is [`super::frame::Frame::pages`].
    pub fn contents(&self, pages: Bytes) -> impl Iterator<Item = (u64, PageData)> + use<> {
        let kinds = self.kinds.clone().into_iter();
        let kinds = kinds.map(|kind| PageKind::try_from(i32::from(kind)).unwrap_or(PageKind::None));
        (self.first_page..).zip(deal(kinds, pages))
    }
}

/// The board gives up copies of pages; it answers with Taken, one item each, in any order.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Take {
    #[prost(message, repeated, tag = "1")]
    pub items: Vec<TakeItem>,
}

#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct TakeItem {
    #[prost(uint64, tag = "1")]
    pub page: u64,
    /// Names the answer.
    #[prost(uint64, tag = "2")]
    pub tag: u64,
    #[prost(enumeration = "TakeMode", tag = "3")]
    pub mode: i32,
    /// For a prefetch: the board may refuse.
    #[prost(bool, tag = "4")]
    pub optional: bool,
}

/// What the board does with its copy. Always in this order: write-protect, read, drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum TakeMode {
    /// Write-protects, reads, sends the content; keeps it read-only.
    Share = 0,
    /// Write-protects, reads, drops, sends the content.
    Give = 1,
    /// Drops; sends nothing.
    Drop = 2,
}

/// A mapping for the replica, in place of whatever it has there.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Map {
    #[prost(uint64, tag = "1")]
    pub start: u64,
    #[prost(uint64, tag = "2")]
    pub end: u64,
    /// PROT_READ 1, PROT_WRITE 2, PROT_EXEC 4.
    #[prost(uint32, tag = "3")]
    pub prot: u32,
    #[prost(enumeration = "MapKind", tag = "4")]
    pub kind: i32,
}

/// Where a mapping's content comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum MapKind {
    /// Shared memory: its pages are requested and granted.
    Tracked = 0,
    /// Content that never changes (code, read-only data): its pages are requested once.
    Fixed = 1,
    /// Home's vDSO, in whose place the board puts stubs.
    Vdso = 2,
    /// The board's own (code, constants and data of a program of rtx-cc, from the file for its ISA): its
    /// pages are requested once, may be written there, and are never taken.
    Own = 3,
}

/// Nothing is mapped at home at this address: the thread gets its SIGSEGV.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct NoMap {
    #[prost(uint64, tag = "1")]
    pub addr: u64,
    #[prost(uint32, tag = "2")]
    pub thread: u32,
}

/// The mapping this thread asked for is there now: it tries again.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Mapped {
    #[prost(uint32, tag = "1")]
    pub thread: u32,
    #[prost(uint64, tag = "2")]
    pub addr: u64,
}

/// Home has unmapped a range: nothing of it may be seen on the board from now on.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Unmap {
    #[prost(uint64, tag = "1")]
    pub start: u64,
    #[prost(uint64, tag = "2")]
    pub end: u64,
}

/// Home has changed the access to a range.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Protect {
    #[prost(uint64, tag = "1")]
    pub start: u64,
    #[prost(uint64, tag = "2")]
    pub end: u64,
    /// PROT_READ 1, PROT_WRITE 2, PROT_EXEC 4.
    #[prost(uint32, tag = "3")]
    pub prot: u32,
}

/// A range lost its content at home (MADV_DONTNEED): the board's copies are void.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Discard {
    #[prost(uint64, tag = "1")]
    pub start: u64,
    #[prost(uint64, tag = "2")]
    pub end: u64,
}

/// A thread comes to the board.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Start {
    #[prost(uint32, tag = "1")]
    pub thread: u32,
    /// The general registers, in the kernel's layout of the ISA.
    #[prost(bytes = "bytes", tag = "2")]
    pub regs: Bytes,
    /// The extended state (x86-64: XSAVE area, standard format), likewise.
    #[prost(bytes = "bytes", tag = "3")]
    pub extended: Bytes,
    /// The home call in which the thread waits: it starts when the reply comes.
    #[prost(message, optional, tag = "4")]
    pub pending_call: Option<PendingCall>,
    /// In place of registers: it takes up its continuation.
    #[prost(message, optional, tag = "5")]
    pub resume: Option<Resume>,
    /// What to change in registers that home cannot read, being of another ISA.
    #[prost(message, optional, tag = "6")]
    pub amend: Option<Amend>,
}

/// How a thread takes up its continuation (docs/continuations.md, "Coming back").
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Resume {
    #[prost(uint64, tag = "1")]
    pub pc: u64,
    #[prost(uint64, tag = "2")]
    pub thread_pointer: u64,
    /// The first argument: the address of the header.
    #[prost(uint64, tag = "3")]
    pub argument: u64,
}

/// Changes to a thread's registers, by the board whose ISA they are of.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Amend {
    /// The call in which it was stopped has returned this.
    #[prost(sint64, optional, tag = "1")]
    pub result: Option<i64>,
    /// It makes the call in which it was stopped again.
    #[prost(bool, tag = "2")]
    pub again: bool,
    /// For a new thread, made by one with these registers.
    #[prost(message, optional, tag = "3")]
    pub born: Option<Born>,
    /// It goes on here instead, out of the call that it may be in.
    #[prost(message, optional, tag = "4")]
    pub jump: Option<Jump>,
}

/// A function that never returns, and its arguments.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Jump {
    #[prost(uint64, tag = "1")]
    pub function: u64,
    #[prost(uint64, tag = "2")]
    pub first: u64,
    #[prost(uint64, tag = "3")]
    pub second: u64,
}

/// What a new thread has of its own.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Born {
    #[prost(uint64, tag = "1")]
    pub sp: u64,
    /// `None`: its maker's.
    #[prost(uint64, optional, tag = "2")]
    pub thread_pointer: Option<u64>,
}

/// A home call that is under way.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct PendingCall {
    #[prost(uint32, tag = "1")]
    pub seq: u32,
    #[prost(int64, tag = "2")]
    pub nr: i64,
}

/// Home wants a thread back; the board answers with its Context.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Recall {
    #[prost(uint32, tag = "1")]
    pub thread: u32,
    /// Not where it is now, but at its next equivalence point, in its continuation.
    #[prost(bool, tag = "2")]
    pub at_point: bool,
}

/// A home call has returned.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct CallReply {
    #[prost(uint32, tag = "1")]
    pub thread: u32,
    /// That of the Call.
    #[prost(uint32, tag = "2")]
    pub seq: u32,
    /// As in the register: -errno for a failure.
    #[prost(sint64, tag = "3")]
    pub result: i64,
}

/// All threads of the job stop (job control) until Thaw.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Freeze {}

/// The threads go on.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Thaw {}

/// The job is over: the replica ends.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Bye {
    #[prost(string, tag = "1")]
    pub reason: String,
}

/// What have the threads of the job used here so far? Answered by Usage.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct AskUsage {
    /// Names the answer.
    #[prost(uint64, tag = "1")]
    pub token: u64,
}

/// Make a barrier on every processor that runs the job's threads here (membarrier(2)). Answered by
/// BarrierMade.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Barrier {
    /// Names the answer.
    #[prost(uint64, tag = "1")]
    pub token: u64,
    /// For changed code too.
    #[prost(bool, tag = "2")]
    pub code: bool,
}

/// Make the replica, with its stub at this address.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Prepare {
    #[prost(uint64, tag = "1")]
    pub stub_address: u64,
    /// Complain ([`super::message::State`]) of a page that does not come for so long; 0: never.
    #[prost(uint64, tag = "2")]
    pub stuck_after_ms: u64,
    /// For a program of rtx-cc.
    #[prost(message, optional, tag = "3")]
    pub points: Option<Points>,
}

/// Where threads are asked to leave (docs/continuations.md, "Asking a thread to leave").
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Points {
    /// Address of `__rtx_indicator` in the board's file.
    #[prost(uint64, tag = "1")]
    pub indicator: u64,
    /// Address of `__rtx_requests` there.
    #[prost(uint64, tag = "2")]
    pub requests: u64,
    /// The threads are of another ISA than home: what only home can do with a thread is done without its
    /// registers.
    #[prost(bool, tag = "3")]
    pub foreign: bool,
}

/// Tell your state; State answers.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Describe {}
