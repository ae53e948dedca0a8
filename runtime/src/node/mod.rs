//! One node's share of the memory: its page table ([`crate::coherence::NodeTable`]) and the address
//! space behind it, at home and on a board alike.
//!
//! Events go in (a fault, a grant, a take, a mapping change); [`Node::work`] carries out what the
//! table then wants done on this node (install, protect, read, drop) and returns what must be told
//! to the directory ([`Outcome`]): at home by a call, from a board by a message. All memory
//! operations happen on the thread that owns the node and serves its userfaultfd.

mod content;
mod local;
mod unpinned;
mod work;

pub use content::Content;
pub use local::{LocalError, LocalMemory};
pub use work::{Node, Outcome, Work};
