//! The commands of rtx: flags, configuration, messages.
//!
//! `rtx-run` goes through this crate from top to bottom: [`inherit`] notes what it was started
//! with, [`cli`] reads the flags, [`config`] joins them with file and environment, [`program`] looks
//! at the program before it runs, [`check`] at the machine, [`job`] runs it while [`signals`] passes
//! signals on and [`watch`] looks on, [`reporting`] makes the
//! report and [`finish`] ends as the program ended. What goes wrong on the way is told in one
//! line by [`errors`]. Boards are named in [`boards`] and started by [`agents`]. The command `rtx` is [`tool`].

pub mod agents;
pub mod boards;
pub mod check;
pub mod cli;
pub mod config;
pub mod descriptors;
pub mod errors;
pub mod finish;
pub mod inherit;
pub mod job;
pub mod jobs;
pub mod plan;
pub mod program;
pub mod record;
pub mod replay;
pub mod reporting;
pub mod signals;
pub mod tool;
pub mod top;
pub mod watch;
