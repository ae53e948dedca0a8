//! What a job did, as data: which thread ran where for how long, which pages travelled, how long
//! faults and moves took.
//!
//! [`schema`] has the structures behind `--report FILE`, whose JSON form is a promise to users and
//! is pinned by a test. [`latency`] records durations while the job runs. [`write`] puts a report
//! into a file as a whole or not at all, and [`summary`] renders it for people. [`crash`] is a program's
//! death by a signal of its own.

mod calls;
mod causes;
mod chain;
mod crash;
mod energy;
pub mod latency;
pub mod schema;
pub mod summary;
pub mod write;

pub use calls::CallReport;
pub(crate) use calls::name as call_name;
pub use causes::{RecallCause, Stay};
pub use chain::chain;
pub use crash::CrashReport;
pub use energy::{EnergyReport, EnergySource, NodeEnergy, NodeUse};
pub use latency::Latency;
pub use schema::{
    BoardReport, Exit, LatencyReport, Pages, Percentiles, Report, SCHEMA, ThreadReport,
};
pub use write::ReportError;
