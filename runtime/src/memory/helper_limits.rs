//! Calls that a helper, a process of its own, makes under the resource limits of a thread of the program: the kernel
//! holds whoever makes a call to its own.

use super::helper::{Call, Helper, HelperError};
use super::remote;
use crate::guest::ptrace::Tid;

/// Limits that count where mappings grow (mremap(2)).
const LIMITS: [u64; 3] = [
    libc::RLIMIT_AS as u64,
    libc::RLIMIT_DATA as u64,
    libc::RLIMIT_MEMLOCK as u64,
];
/// One struct rlimit64.
const BYTES: u64 = 16;

impl Helper {
    /// The helper takes over the limits that `thread` has now, as far as it may see and have them.
    pub fn take_limits_of(&mut self, thread: Tid) -> Result<(), HelperError> {
        let Some(scratch) = self.scratch else {
            return Ok(());
        };
        // Where nothing is read, the kernel refuses what stands here: a limit above the most it may be.
        let none = [1u64, 0]
            .map(u64::to_le_bytes)
            .concat()
            .repeat(LIMITS.len());
        remote::write(scratch.pid, scratch.addr, &none).map_err(HelperError::Scratch)?;
        let places = (scratch.addr..).step_by(BYTES as usize);
        let both = |(limit, at): (u64, u64)| {
            let of = |of: u64, new: u64, old: u64| {
                Call::new(libc::SYS_prlimit64, &[of, limit, new, old])
            };
            [of(thread as u64, 0, at), of(0, at, 0)]
        };
        let calls: Vec<Call> = LIMITS.into_iter().zip(places).flat_map(both).collect();
        self.batch(&calls).map(drop)
    }
}
