//! What a job did, as data: which thread ran where for how long, which pages travelled, how long
//! faults and moves took.
//!
//! [`schema`] has the structures behind `--report FILE`, whose JSON form is a promise to users and
//! is pinned by a test. [`latency`] records durations while the job runs. [`write`] puts a report
//! into a file as a whole or not at all, and [`summary`] renders it for people. [`crash`] is a program's
//! death by a signal of its own. [`event`] is what happens to threads as it happens, [`gauges`] are counters to look at
//! meanwhile, [`timeline`] is where threads were when, and [`account`] what is needed of all that to say why.

mod account;
mod calls;
mod causes;
mod chain;
mod crash;
mod energy;
mod event;
mod gauges;
pub mod latency;
pub mod schema;
pub mod summary;
pub mod timeline;
pub mod write;

pub use account::Account;
pub use calls::CallReport;
pub(crate) use calls::name as call_name;
pub use causes::{RecallCause, Stay};
pub use chain::chain;
pub use crash::CrashReport;
pub use energy::{EnergyReport, EnergySource, NodeEnergy, NodeUse};
pub use event::{Event, Refusal, What};
pub use gauges::Gauges;
pub use latency::Latency;
pub use schema::{
    BoardReport, Buckets, Exit, Histograms, HotPage, LatencyReport, Pages, Percentiles, Report,
    SCHEMA, ThreadReport,
};
pub use timeline::Timeline;
pub use write::ReportError;
