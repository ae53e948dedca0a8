//! An ARM64 machine with a kernel of its own, emulated, for tests on another machine.
//!
//! [`Machine`] boots it, once a test process, with an [`image`] in memory that holds the kernel's network
//! drivers, a shell, the commands of rtx and an agent. The test talks to the agent ([`wire`], [`agent`])
//! over a network that only the two of them are in. The machine is gone when the test process is.
//!
//! What it needs is fetched by `tests/deps-arm64.sh`. Its times mean nothing: it is slower than a real one
//! by one or two orders of magnitude.

pub mod agent;
pub mod board;
mod built;
mod cpio;
mod image;
pub mod machine;
pub mod wire;

pub use built::{commands, unit_tests};
pub use image::stripped;
pub use machine::{Machine, Ran};
