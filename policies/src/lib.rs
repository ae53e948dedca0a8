//! Policies: a snapshot in, decisions with reasons out.
//!
//! Here live the words in which a running job is described to a policy ([`Snapshot`]), the words in
//! which a policy answers ([`Decision`]), the trait between the two ([`Policy`]), the built-in policies,
//! policies that users write as scripts, and the way from what a user writes to a policy
//! ([`PolicySpec`]). [`record`] and [`replay`] keep what a policy saw and have another one decide on it;
//! [`sim`] is a model of machines and threads to try policies on. All of it is pure: no clock, no input or
//! output, no randomness but that of a seed. The same snapshots give the same decisions, so a recorded
//! run can be replayed and every move explained.

mod balance;
mod chain;
mod congestion;
mod decision;
mod energy;
mod guard_memory;
mod manual;
mod never;
mod node;
mod progress;
mod random;
pub mod record;
pub mod replay;
mod returning;
mod round_robin;
mod script;
mod shuffle;
pub mod sim;
mod sleeps;
mod snapshot;
pub mod spec;
mod stay;
#[doc(hidden)]
pub mod testing;
mod watch;
mod weigh;

pub use balance::Balance;
pub use congestion::Congestion;
pub use decision::{Action, AtSync, Decision};
pub use energy::Energy;
pub use guard_memory::GuardMemory;
pub use manual::Manual;
pub use never::Never;
pub use node::{NodeLoad, Power, Pressure};
pub use round_robin::Static;
pub use script::Script;
pub use shuffle::Shuffle;
pub use snapshot::{BoardLoad, Place, Request, Snapshot, ThreadState, ThreadView};
pub use spec::{PolicySpec, SpecError, by_name};
pub use weigh::PAGE_US;

use std::time::Duration;

/// Decides which thread runs where.
///
/// The runtime calls [`decide`](Policy::decide) whenever a thread was created or recalled, and also
/// at the interval the policy [asks for](Policy::wants_ticks). It carries the decisions out in
/// their order and drops those that have become impossible (the thread has exited, the board is
/// gone); a policy need not remember what it asked for, because the next snapshot shows what came
/// of it.
pub trait Policy: Send {
    /// The name under which [`by_name`] finds this policy and which reports show.
    fn name(&self) -> &str;

    /// What should change, given what is. An empty answer leaves everything where it is.
    fn decide(&mut self, snapshot: &Snapshot) -> Vec<Decision>;

    /// The interval at which [`decide`](Policy::decide) is to be called although nothing happened.
    ///
    /// `None`: only when a thread was created or recalled.
    fn wants_ticks(&self) -> Option<Duration> {
        None
    }

    /// Whether it looks at measured figures: which threads run (else all at home seem to), their CPU
    /// time, the load. With many threads they cost more than deciding does.
    fn wants_figures(&self) -> bool {
        true
    }

    /// Whether this policy can ever offload a thread. If not, a job needs no boards and no shared
    /// memory.
    fn can_offload(&self) -> bool {
        true
    }

    /// Whether its decisions also hold for threads that wait in a system call. If not, they are left
    /// where they are: they would gain nothing, and moving one disturbs its call.
    fn moves_blocked(&self) -> bool {
        false
    }

    /// Boards that later policies of a chain must give no threads, given what was just decided.
    fn closes(&mut self, _snapshot: &Snapshot) -> Vec<u8> {
        Vec::new()
    }

    /// Why a thread was left at home at the last look: a clause, as `no board had room`. `None`: there is nothing to tell.
    fn why_here(&self, _tid: i32) -> Option<String> {
        None
    }

    /// What the user must be told, once: that the policy has failed, for instance.
    fn complaint(&mut self) -> Option<String> {
        None
    }
}
