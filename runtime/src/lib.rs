//! The runtime of rtx. See `docs/architecture.md` for the house and which way data flows.

pub mod board;
pub mod calls;
pub mod coherence;
pub mod continuations;
pub mod figures;
pub mod guest;
pub mod home;
pub mod memory;
pub mod node;
pub mod patience;
pub mod report;
pub mod trace;
pub mod wire;
