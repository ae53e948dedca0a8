//! Why threads came home.

use serde::{Deserialize, Serialize};

/// Why a thread's context came back from its board. In the report the causes are named as here, with
/// hyphens; `docs/semantics.md` lists them with what [`RecallCause::meaning`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecallCause {
    /// The policy wanted it.
    Policy,
    /// It has synchronised with other threads, and is to stay at home for a while.
    Synchronised,
    /// It is about to make a system call that only the thread itself can make.
    NativeCall,
    /// A signal needs the thread itself.
    Signal,
    /// One of its instructions did what home's kernel must judge.
    Fault,
    /// It touched memory that boards cannot have.
    UnwatchedMemory,
    /// It touched the place into which the first thread's stack grows.
    StackGrowth,
    /// The program has set a timer or a limit by CPU time.
    CpuTimer,
    /// The program does something in which boards cannot follow it: it stays at home from then on.
    Withdrawn,
    /// The program is let go.
    Detach,
    /// The operator wanted it.
    Operator,
    /// Its board was to leave.
    Drained,
}

impl RecallCause {
    /// All of them.
    pub const ALL: [RecallCause; 12] = [
        RecallCause::Policy,
        RecallCause::Synchronised,
        RecallCause::NativeCall,
        RecallCause::Signal,
        RecallCause::Fault,
        RecallCause::UnwatchedMemory,
        RecallCause::StackGrowth,
        RecallCause::CpuTimer,
        RecallCause::Withdrawn,
        RecallCause::Detach,
        RecallCause::Operator,
        RecallCause::Drained,
    ];

    /// What happened, for users, in a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            RecallCause::Policy => "The policy wanted the thread at home.",
            RecallCause::Synchronised => {
                "It has made a synchronisation call, and is to stay at home for a while after those (`return`)."
            }
            RecallCause::NativeCall => {
                "It is about to make a system call that only the thread itself can make at home: clone, fork, exec, \
                 exit and others of the table."
            }
            RecallCause::Signal => {
                "A signal with a handler is to be delivered to it, or one that writes a core."
            }
            RecallCause::Fault => {
                "One of its instructions did what home's kernel must judge: an access that its mappings do not allow, \
                 a trap, a division by zero."
            }
            RecallCause::UnwatchedMemory => {
                "It touched memory that boards cannot have: shared mappings, huge page files, large file mappings."
            }
            RecallCause::StackGrowth => {
                "It touched the place into which the first thread's stack grows."
            }
            RecallCause::CpuTimer => {
                "The program has set a timer or a limit by CPU time: it stays at home from then on."
            }
            RecallCause::Withdrawn => {
                "The program begins something in which boards cannot follow it: it stays at home from then on."
            }
            RecallCause::Detach => "The program is let go (`--detach`).",
            RecallCause::Operator => "The operator wanted the thread elsewhere (`rtx move`).",
            RecallCause::Drained => "Its board was to leave the job (`rtx drain`).",
        }
    }
}

// Who adds one lists it too.
const _: () = assert!(RecallCause::ALL.len() == RecallCause::Drained as usize + 1);

/// Why a thread that was to move to another ISA stayed where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stay {
    /// It waited in a system call.
    InCall,
    /// It came to no equivalence point in time: it is held (by a handler, or a function that cannot
    /// migrate), or computes in one that has none.
    NoPoint,
    /// The program cannot be shared, or the board was gone, when it had come to one.
    TooLate,
    /// The program has memory that boards cannot have (mapped shared, or a device's), and the thread could not come
    /// home at the instruction that uses it.
    SharedMemory,
    /// The program has made code at run time, for the instruction set of home.
    MadeCode,
}
