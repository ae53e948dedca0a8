//! End-to-end tests: real programs under real `rtx-run`, compared with native runs.
//!
//! One module for each promise to users. What a module needs is in the library beside this
//! directory; the guests are in `tests/guests/`.

mod agents;
mod attaching;
mod backtraces;
mod commands;
mod conformance;
mod crossing;
mod ends;
mod examples;
mod execution;
mod failures;
mod inheritance;
mod installing;
mod isolation;
mod memory;
mod operator;
mod origins;
mod placement;
mod plans;
mod policies;
mod pthreads;
mod refusals;
mod regressions;
mod reports;
mod signals;
mod situations;
mod starting;
mod states;
mod streams;
mod terminals;
mod top;
mod unseen;
mod watching;
