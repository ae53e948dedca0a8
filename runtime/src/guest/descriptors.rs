//! How many descriptors a process of rtx may have. Nothing that reads `/proc` may fail for want of one in
//! the middle of a job, so room is made and asked for before it begins.

use std::io;

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};

/// More than any job needs; some hard limits are in the thousand millions.
const ENOUGH: rlim_t = 1 << 16;

/// The limit on a process's descriptors (getrlimit(2), RLIMIT_NOFILE), soft and hard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub soft: u64,
    pub hard: u64,
}

impl Limit {
    /// Raises this process's soft limit as far as the hard one lets it, and returns the limit that was.
    pub fn raise() -> io::Result<Limit> {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
        let wanted = soft.max(hard.min(ENOUGH));
        if wanted > soft {
            setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)?;
        }
        Ok(Limit { soft, hard })
    }

    /// Makes it this process's limit. May be called between fork and exec.
    pub fn set(self) -> io::Result<()> {
        Ok(setrlimit(Resource::RLIMIT_NOFILE, self.soft, self.hard)?)
    }
}

/// There is no room for the descriptors that are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a process may have {limit} open files here, and this one needs {needed}")]
pub struct TooFew {
    /// The soft limit.
    pub limit: u64,
    /// Those that are open, and those it needs besides.
    pub needed: u64,
}

/// Whether this process can open `more` descriptors besides those it has.
pub fn room(more: u64) -> Result<(), TooFew> {
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft);
    // The listing itself is one of them. If there is none left for it, all are in use.
    let open = std::fs::read_dir("/proc/self/fd").map_or(limit, |list| list.count() as u64);
    let needed = open.saturating_add(more);
    match needed <= limit {
        true => Ok(()),
        false => Err(TooFew { limit, needed }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_a_few_but_not_for_all() {
        assert_eq!(room(1), Ok(()));
        let (limit, _) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let too_few = room(limit).unwrap_err();
        assert_eq!(too_few.limit, limit);
        assert!(too_few.needed > limit);
    }
}
