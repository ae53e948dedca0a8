//! The system calls that were made on boards, by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How often a system call was made on boards: on the board itself, by the thread's shadow, or by the
/// thread after it came home for the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallReport {
    /// The kernel's name of it on this ISA, or `unknown`.
    pub name: String,
    /// Its number.
    pub nr: i64,
    /// How often.
    pub count: u64,
}

impl CallReport {
    /// All of them, by number.
    pub fn list(counts: &BTreeMap<i64, u64>) -> Vec<CallReport> {
        let named = |(nr, count): (&i64, &u64)| CallReport {
            name: name(*nr).to_owned(),
            nr: *nr,
            count: *count,
        };
        counts.iter().map(named).collect()
    }
}

/// The kernel's name of call `nr` of this ISA.
pub(crate) fn name(nr: i64) -> &'static str {
    let number = usize::try_from(nr).ok().and_then(syscalls::Sysno::new);
    number.map_or("unknown", |number| number.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_have_the_kernels_names() {
        for (nr, expected) in [
            (libc::SYS_mmap, "mmap"),
            (libc::SYS_futex, "futex"),
            (libc::SYS_rt_sigaction, "rt_sigaction"),
            (libc::SYS_clone3, "clone3"),
            (-1, "unknown"),
            (100_000, "unknown"),
        ] {
            assert_eq!(name(nr), expected);
        }
    }
}
