//! One address for every function and every piece of data on both instruction sets. Each program is linked
//! once to see of which sections it consists ([`map`]); a linker script then gives each section a place
//! that is large enough for both ([`script`]); both are linked with it, and what they share is compared
//! ([`agree`]).

pub mod agree;
pub mod map;
pub mod script;

/// Why the layout fails.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// A program cannot be read.
    #[error("cannot read {0}: {1}")]
    Read(String, String),
    /// Symbols have different addresses.
    #[error(
        "{count} symbols have different addresses on the instruction sets; this is a defect of rtx-cc: {names}"
    )]
    Disagree {
        /// How many.
        count: usize,
        /// Some of them.
        names: String,
    },
}
