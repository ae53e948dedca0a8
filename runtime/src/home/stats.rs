//! What the supervisor measures and counts for the report.

use std::collections::BTreeMap;

use crate::report::{Latency, RecallCause, Stay};

/// Counts, and latencies in nanoseconds.
#[derive(Default)]
pub struct Stats {
    /// From the decision to move a thread to its stop.
    pub freeze: Latency,
    /// From the stop to the board's word that the thread runs there.
    pub offload: Latency,
    /// From the decision to move a thread to another ISA until it runs there; both directions.
    pub crossing: Latency,
    /// From asking a thread to leave for another ISA until it has parked at a point.
    pub to_point: Latency,
    /// From there until it runs on the board.
    pub from_point: Latency,
    /// Threads that were to move to another ISA and stayed, by reason.
    pub stays: BTreeMap<Stay, u64>,
    /// From a synchronisation call's arrival at home to its end.
    pub back_migration: Latency,
    /// System calls made on boards, by number.
    pub calls: BTreeMap<i64, u64>,
    /// Threads that came home, by cause.
    pub recalls: BTreeMap<RecallCause, u64>,
}
