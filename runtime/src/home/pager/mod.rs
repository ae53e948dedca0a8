//! The pager: the thread at home that serves pages, to the guest's own threads and to boards.
//!
//! It owns the directory, home's node, and the sessions with all boards. Events come from five
//! sides: the guest's userfaultfd, its intercepted calls ([`unseen`]), the boards' messages, the
//! supervisor's queue, and time. Each is
//! handled to its end by [`Pager::settle`], which carries actions back and forth between the
//! directory and home's node until nothing is left, and then sends what boards must hear.
//!
//! A board asks for a page: [`boards`] -> directory -> [`serve`] -> [`send`].

mod barriers;
mod boards;
mod dump;
mod gather;
mod heat;
mod joining;
mod leave;
mod link;
mod mapping;
mod moves;
mod own;
mod pinned;
mod run;
mod send;
mod serve;
mod sweep;
mod traffic;
mod unseen;
mod vdso;
mod watching;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use joining::{LOCAL, Roster, Starter};
pub(crate) use link::hello;
pub use run::{BoardAddress, Pager, PagerHandle, PagerReport, start};

use super::intercept::{Forwarded, Interception};
use super::messages::{BoardId, ToSupervisor};
use crate::coherence::{DirAction, Directory, Page};
use crate::continuations::Pair;
use crate::guest::ptrace::Tid;
use crate::memory::address_map::AddressMap;
use crate::memory::maps::{Maps, Prot};
use crate::memory::remote::Memory;
use crate::node::{Content, LocalError, Node, Outcome};

/// Why the pager cannot go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum PagerError {
    /// A memory operation failed.
    #[error("a memory operation on the program failed: {0}")]
    Memory(#[from] LocalError),
    /// Something else.
    #[error("{0}")]
    Other(String),
}

/// What a board has mapped in its replica, as far as home has told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mapped {
    pub prot: Prot,
    pub kind: MappedKind,
}

/// Where the pages of a mapping come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MappedKind {
    /// The directory: they are shared memory.
    Tracked,
    /// Home's mapping of a file that nobody writes through it: read on request.
    Image,
    /// Stand-ins for the vDSO.
    Vdso,
    /// The program's file for the board's ISA: the board's own.
    Own,
}

/// The guest's memory and who has what of it. Exists from the first offload on.
pub(super) struct Share {
    pub pid: Tid,
    /// Addresses that are rtx's own, of which boards get nothing.
    pub reserved: AddressMap<()>,
    /// The guest's program file.
    pub program: PathBuf,
    /// The program's files, if it is of rtx-cc.
    pub pair: Option<Arc<Pair>>,
    pub node: Node,
    pub directory: Directory<Content>,
    pub maps: Maps,
    /// Its memory, read without waiting.
    pub memory: Memory,
    /// What userfaultfd watches at home.
    pub registered: AddressMap<()>,
    pub vdso: Option<vdso::Image>,
    /// Calls of the guest that change memory unseen.
    pub interception: Interception,
    /// The supervisor waits for all threads to stop.
    pub freezing: Arc<AtomicBool>,
    /// Calls that wait for the program to come home.
    pub beyond: Vec<Forwarded>,
    /// Calls that wait for pages to come home.
    pub(in crate::home::pager) pinned: Vec<pinned::PinnedCall>,
    /// Calls that wait for boards' barriers.
    pub(in crate::home::pager) barriers: barriers::Barriers,
    /// Pages that were ever granted to a board and are still mapped.
    pub ever_shared: BTreeSet<Page>,
    pub actions: VecDeque<DirAction<Content>>,
    pub scratch: Vec<DirAction<Content>>,
    pub outcomes: Vec<Outcome>,
    pub(in crate::home::pager) sweeps: sweep::Sweeps,
    pub(in crate::home::pager) gather: gather::Gather,
    /// Map requests that wait for a conversion, by address.
    pub converting: BTreeMap<u64, Vec<(BoardId, Tid)>>,
}

/// Something to send to a board, not yet sent: mapping changes may still overtake grants.
#[derive(Debug)]
pub(super) enum Staged {
    Grant {
        page: Page,
        write: bool,
        data: Option<Content>,
        prefetched: bool,
        contended: bool,
    },
    Take {
        page: Page,
        tag: u64,
        mode: crate::coherence::TakeMode,
        optional: bool,
    },
    Other(crate::wire::message::Message),
}

pub(super) type Notices = Vec<ToSupervisor>;
