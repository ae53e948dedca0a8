//! Why threads came home.

use serde::{Deserialize, Serialize};

/// Why a thread's context came back from its board. In the report the causes are named as here, with
/// hyphens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecallCause {
    /// The policy wanted it.
    Policy,
    /// It is about to make a system call that only the thread itself can make: clone, exit, exec ...
    NativeCall,
    /// A signal with a handler, or one that writes a core, is to be delivered to it.
    Signal,
    /// One of its instructions did what home's kernel must judge: an access that its mappings do not
    /// allow, a trap, a division by zero.
    Fault,
    /// It touched memory that boards cannot have: shared mappings, huge page files.
    UnwatchedMemory,
    /// It touched the place into which the first thread's stack grows.
    StackGrowth,
    /// The program is let go.
    Detach,
}
