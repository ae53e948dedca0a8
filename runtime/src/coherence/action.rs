//! What the directory and the tables ask their caller to do, and what comes back from a Take.

use super::types::{Access, NodeId, Page};

/// What a holder does with its copy when it is taken.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TakeMode {
    /// Write-protect, read, send the content; keep it read-only.
    Share,
    /// Write-protect, read, drop, send the content.
    Give,
    /// Drop; send nothing.
    Drop,
}

impl TakeMode {
    /// Whether the answer carries the page's content.
    pub fn sends_data(self) -> bool {
        self != TakeMode::Drop
    }
}

/// A node's answer to a Take.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Taken<D> {
    /// The content; present for Share and Give unless refused.
    pub data: Option<D>,
    /// The node kept its copy as it was (see [`NodeAction::Refuse`]).
    pub refused: bool,
    /// The take waited for the end of a hold, so the time of this fetch says nothing about the network.
    pub deferred: bool,
}

/// What the directory wants done. Actions for one node are carried out (sent) in the order given.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum DirAction<D> {
    /// Call [`super::NodeTable::take`] at `node`; answer with [`super::Directory::taken`] under the same tag.
    Take {
        /// The holder.
        node: NodeId,
        /// The page, by the number the holder knows it under.
        page: Page,
        /// Names the answer; never used twice.
        tag: u64,
        /// What happens to the holder's copy.
        mode: TakeMode,
        /// Prefetch: the holder may refuse.
        optional: bool,
    },
    /// Call [`super::NodeTable::granted`] at `node`.
    Grant {
        /// The new holder.
        node: NodeId,
        /// The page.
        page: Page,
        /// The right it now has.
        access: Access,
        /// The content, or None if the node has it already.
        data: Option<D>,
        /// Nobody asked for this page: it came with a window.
        prefetched: bool,
        /// It waited behind another request or a hold (not a measure of the network).
        contended: bool,
    },
    /// A pin is complete: the page is writable at home and stays so until [`super::Directory::unpin`].
    Pinned {
        /// The page.
        page: Page,
    },
    /// A pin, complete or waiting, is gone because its mapping is; nobody needs to unpin it.
    PinDropped {
        /// The page.
        page: Page,
    },
}

/// What a node's table wants done on its node, or sent to home (Request, and the answers to Takes).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum NodeAction<D> {
    /// Send to home: [`super::Directory::request`].
    Request {
        /// The page faulted on; or one further on, for which nobody waits. That one may lie beyond the mapping: then
        /// nothing is sent.
        page: Page,
        /// What the thread wants.
        access: Access,
        /// Pages wanted from `page` on, at least 1; the rest is prefetch.
        window: u32,
    },
    /// Put `data` at `page` (write-protected unless `writable`) and wake. Runs of installs may be batched.
    Install {
        /// The page.
        page: Page,
        /// Its content.
        data: D,
        /// Without write protection.
        writable: bool,
    },
    /// Remove the write protection and wake; the content is there.
    Promote {
        /// The page.
        page: Page,
    },
    /// The right is already there: fill with zeroes if nothing is there, unprotect if `writable`, wake.
    Resolve {
        /// The page.
        page: Page,
        /// Whether the node may write it.
        writable: bool,
    },
    /// Write-protect, read, drop as `mode` says, then answer `tag` with the content (not refused).
    Surrender {
        /// The page.
        page: Page,
        /// The take it answers.
        tag: u64,
        /// What to do.
        mode: TakeMode,
        /// The node could write it until now (if not, it is write-protected already).
        writable: bool,
        /// Goes into [`Taken::deferred`].
        deferred: bool,
    },
    /// Answer `tag` with "refused": the node's copy, if it has one, stays.
    Refuse {
        /// The page.
        page: Page,
        /// The take it answers.
        tag: u64,
    },
    /// Wake the threads that wait for this page: they fault again and find out what is there now.
    Wake {
        /// The page.
        page: Page,
    },
}

/// A node's answer that the protocol does not allow. The directory has not changed; treat the node as lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Violation {
    /// The answer came from another node than the one asked.
    WrongNode {
        /// Who was asked.
        asked: NodeId,
        /// Who answered.
        answered: NodeId,
    },
    /// Share or Give was answered without content.
    NoData {
        /// The page.
        page: Page,
    },
    /// A take that is not optional was refused.
    Refused {
        /// The page.
        page: Page,
    },
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Violation::WrongNode { asked, answered } => {
                write!(
                    f,
                    "node {} answered a take sent to node {}",
                    answered.0, asked.0
                )
            }
            Violation::NoData { page } => {
                write!(f, "page {page:#x} was surrendered without its content")
            }
            Violation::Refused { page } => {
                write!(f, "page {page:#x} was refused though it had to be given")
            }
        }
    }
}

impl std::error::Error for Violation {}
