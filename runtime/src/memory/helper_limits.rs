//! Calls that a helper, a process of its own, makes under the resource limits of a thread of the program: the kernel
//! holds whoever makes a call to its own.

use super::helper::{Call, Helper, HelperError};
use crate::guest::ptrace::Tid;

/// Limits that count where mappings grow (mremap(2)).
const LIMITS: [u32; 3] = [
    libc::RLIMIT_AS as u32,
    libc::RLIMIT_DATA as u32,
    libc::RLIMIT_MEMLOCK as u32,
];

impl Helper {
    /// Starts `call` after the helper has taken over the limits that `thread` has now, as far as it may see them;
    /// [`Helper::complete`] appends the result of the call last.
    pub fn submit_under_limits_of(&mut self, thread: Tid, call: Call) -> Result<(), HelperError> {
        let take_over = |scratch: u64| {
            let both = move |limit: u32| {
                let limit = u64::from(limit);
                let of = |of: u64, new: u64, old: u64| {
                    Call::new(libc::SYS_prlimit64, &[of, limit, new, old])
                };
                [of(thread as u64, 0, scratch), of(0, scratch, 0)]
            };
            LIMITS.into_iter().flat_map(both)
        };
        let scratch = self.scratch.map(|scratch| scratch.addr);
        let calls: Vec<Call> = scratch
            .into_iter()
            .flat_map(take_over)
            .chain([call])
            .collect();
        self.submit(&calls)
    }
}
