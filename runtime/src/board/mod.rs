//! A board: the agent that lends this machine's cores.
//!
//! The agent ([`agent`]) accepts sessions. Each session has two threads: the **tracer** ([`tracer`]),
//! which makes the replica ([`replica`], from an [`image`] of nothing but the stub) and holds its
//! threads' registers, and the session's own ([`session`]), which serves the replica's pages,
//! carries out what home says ([`serve`]), and passes system calls on ([`threads`], through the
//! seccomp listener). Threads [`begin`] with registers or at their continuation, and are [`leaving`] where they
//! are stopped or, in programs of rtx-cc, at the [`points`] where they are asked to.
//! An agent that rtx-run has started for a job is told its [`orders`].
//! Home's backtraces are made of what [`look`] takes.

pub mod agent;
mod begin;
pub mod command;
mod draining;
mod dump;
mod faults;
mod filter;
mod image;
mod leaving;
mod look;
mod messages;
pub mod orders;
mod points;
mod replica;
mod serve;
mod session;
mod threads;
mod tracer;
