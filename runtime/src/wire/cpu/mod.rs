//! What only the processor itself tells about its extended register state; one file an ISA, all with
//! the same names.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "aarch64")]
pub(super) use aarch64::{FEATURES_KEY, is_usable, vector_bytes, xsave_components};

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::{FEATURES_KEY, is_usable, vector_bytes, xsave_components};
