//! What the supervisor measures for the report.

use crate::report::Latency;

/// Latencies of a job, in nanoseconds.
#[derive(Default)]
pub struct Stats {
    /// From the decision to move a thread to its stop.
    pub freeze: Latency,
    /// From the stop to the board's word that the thread runs there.
    pub offload: Latency,
    /// From a synchronisation call's arrival at home to its end.
    pub back_migration: Latency,
}
