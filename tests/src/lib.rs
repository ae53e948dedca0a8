//! The testbed: running guests natively and under `rtx-run`, and comparing what they did.
//!
//! [`Run`] describes a run, [`Running`] is one in progress and [`Outcome`] is what it left: output,
//! status, report. Each run has a directory, a session and a marker in its environment of its own,
//! by which [`leaks`] finds what it left behind. [`Guest`] builds the programs, [`examples`] and
//! [`compare`] are what most tests are made of. [`conformance`] runs the conformance programs, [`bench`]
//! holds the benchmarks. [`arm64`] is a whole machine of the other kind, emulated.
//!
//! Everything here panics when something is wrong: that is what a test wants.

pub mod agent;
pub mod arm64;
pub mod bench;
pub mod bounds;
pub mod capture;
pub mod checkout;
pub mod compare;
pub mod conformance;
pub mod examples;
pub mod guest;
pub mod leaks;
pub mod outcome;
pub mod pidfd;
pub mod procfs;
pub mod pty;
pub mod report;
pub mod run;
pub mod running;
pub mod scratch;
pub mod slow;

pub use agent::Agent;
pub use guest::Guest;
pub use outcome::{Outcome, Status};
pub use report::Report;
pub use run::Run;
pub use running::Running;
pub use slow::SlowWay;
