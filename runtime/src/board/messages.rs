//! What a session and its tracer say to each other.

use super::begin::Begin;
use super::replica::{Replica, ReplicaFds};
use crate::guest::arch::Registers;
use crate::guest::ptrace::Tid;
use crate::guest::stub::Stub;
use crate::trace::Snapshot;

/// To the tracer.
pub enum ToTracer {
    /// Make the replica. `clocks_agree`: its threads may read this machine's clocks for home's.
    Prepare { stub: Stub, clocks_agree: bool },
    /// Let an offloaded thread run.
    Start { thread: Tid, begin: Begin },
    /// Stop a thread and hand over its context.
    Stop { thread: Tid },
    /// Let a thread that faulted try again.
    Retry { thread: Tid },
    /// Stop or continue all threads.
    Freeze(bool),
    /// Take a snapshot of each thread for a backtrace.
    Look,
    /// Tell what the threads have used.
    Usage { token: u64 },
    /// End the replica.
    End,
}

/// From the tracer.
pub enum FromTracer {
    /// The replica is there.
    Ready(Box<ReplicaFds>, Replica),
    /// A thread runs, in this vessel.
    Started { thread: Tid, vessel: Tid },
    /// A thread's context.
    Stopped {
        thread: Tid,
        vessel: Tid,
        registers: Box<Registers>,
        extended: Vec<u8>,
        cpu_ns: u64,
    },
    /// A thread stopped for a synchronous signal; it waits for Retry or Stop.
    Fault {
        thread: Tid,
        signal: i32,
        code: i32,
        address: u64,
    },
    /// A thread as it is right now; it goes on.
    Looked { thread: Tid, snapshot: Snapshot },
    /// What each thread has used here.
    Usage { token: u64, used: Vec<Used> },
    /// The replica cannot go on.
    Failed(String),
    /// The replica is gone.
    Gone,
}

/// What a thread has used on the board since it came there.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    pub thread: Tid,
    /// On a core, in nanoseconds.
    pub cpu_ns: u64,
    /// Waiting for a core, in nanoseconds.
    pub delay_ns: u64,
}
