//! Registers and machine code, one module per instruction set, all exporting the same names, so
//! that nothing else in the crate needs to know which one it runs on. What they have in common
//! stands beside them.

mod stub_labels;

pub use stub_labels::*;

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
pub use x86_64::*;

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "aarch64")]
pub use aarch64::*;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("rtx does not know the registers of this instruction set yet");
