//! The coherence core: who may read or write which page, decided without I/O, clock, async or unsafe.
//!
//! Home owns one [`Directory`]; every node, home included, owns one [`NodeTable`]. Both take events and append
//! **actions** to a vector; whoever calls them carries the actions out, *in order for each node*. Page content is an
//! opaque `D` (bytes or a zero flag live, a version number in the model). The same code runs live, in the model
//! checker (`tests/coherence_model.rs`) and in the seeded simulator (`tests/coherence_sim.rs`).
//!
//! ```text
//!   thread faults                                                     home
//!   NodeTable::fault ------- NodeAction::Request ---------------> Directory::request
//!   NodeTable::take  <------ DirAction::Take (to the holders) ---  |
//!     NodeAction::Surrender: protect, read, drop                   |
//!                    ------- Taken { data } --------------------> Directory::taken
//!   NodeTable::granted <---- DirAction::Grant (to requester) ----  once every holder has answered
//!     NodeAction::Install / Promote / Resolve: the thread goes on
//! ```
//!
//! **Streams.** Between home and one board there is one reliable FIFO stream each way, so a board's page states are a
//! function of the home->board stream and grants need no acknowledgement. Different boards are not ordered. Home's
//! table is called directly: every action for [`NodeId::HOME`] must reach it before the next mapping change does.
//!
//! **Mapping changes** are boundaries in every stream. The caller does, in this order:
//!
//! | change | 1 | 2 | 3 |
//! | --- | --- | --- | --- |
//! | munmap | [`Directory::forget`] | [`NodeTable::remove`] at home, a Remove message to every board | the directory's actions |
//! | MADV_DONTNEED | [`Directory::discard`] | [`NodeTable::discard`] at home, a Discard message to every board | the directory's actions |
//! | mremap | [`Directory::remap`] | [`NodeTable::remap`] at home, then the actions of both | a Remove message for both ranges to every board |
//! | board gone | [`Directory::node_lost`] | as MADV_DONTNEED, for each page of [`Lost::modified`] | the directory's actions |
//!
//! A request for a page that is not mapped never reaches the directory: the caller answers it with a Remove message
//! for that page, which wakes the thread. It also clips prefetch windows to the mapping.

mod action;
pub mod directory;
pub mod node;
mod types;

pub use action::{DirAction, NodeAction, TakeMode, Taken, Violation};
pub use directory::{Counters, Directory, Holding, Leave, Lost};
pub use node::{NodeTable, PageState, Tuning};
pub use types::{Access, NodeId, NodeSet, PAGE_SHIFT, PAGE_SIZE, Page};
