//! A running job, seen from home.
//!
//! Two threads share the work. The **supervisor** ([`supervisor`]) is the tracer of the guest: it
//! sees every stop, asks the policy, moves threads ([`moves`]), and drives their shadows
//! ([`shadow`], [`home_calls`], [`respite`]). The **pager** ([`pager`]) serves the guest's userfaultfd and all boards. They talk
//! through two queues ([`messages`]). Calls of the guest that change memory unseen come to the pager
//! as well ([`intercept`]). What threads use on boards counts for the guest's clocks ([`cpu_time`]). The supervisor may block on a thread that waits for a page,
//! because the pager never waits for the supervisor.
//!
//! For people who ask, and of a crash, there are backtraces ([`backtraces`], made by [`unwinder`]).
//!
//! What happens to threads is told in one place ([`journal`]).
//!
//! [`job`] puts the two together and starts the program.

mod arguments;
mod attach;
pub mod backtraces;
mod cpu_time;
mod cut_short;
mod deadlines;
mod detach;
mod dump;
pub mod error;
mod events;
mod finished;
pub mod foreign;
mod forks;
mod freeze;
mod handlers;
mod home_calls;
pub mod intercept;
pub mod job;
mod journal;
pub mod messages;
mod moves;
pub mod operator;
pub mod pager;
pub mod prices;
pub mod probe;
mod respite;
pub(crate) mod restartable;
mod setup;
mod shadow;
pub mod stats;
pub mod supervisor;
pub mod thread;
pub mod told;
pub mod unwinder;
mod withdraw;
