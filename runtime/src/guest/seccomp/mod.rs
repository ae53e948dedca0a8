//! Filters of system calls (seccomp(2)): writing one ([`bpf`]), putting a stopped process under it
//! ([`install`]), and answering the calls it reports ([`Listener`]).
//!
//! Which calls are filtered is said where it is known why: `board::filter` for replicas,
//! `home::intercept` for the guest.

pub mod bpf;
mod install;
mod listener;

pub use install::install;
pub use listener::{Answered, Listener, WaitingCall};
