//! What a process may take. The limits stand in `docs/limits.md` too.

use std::fmt;

/// 2^20 bytes.
pub const MIB: u64 = 1 << 20;

/// Resident memory by which a second half may exceed the first, for chance.
const SLACK: u64 = MIB;

/// What a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// `rtx-run`.
    Home,
    /// The keeper of the guest.
    Keeper,
    /// A board's agent.
    Board,
    /// A replica: its memory is the program's.
    Replica,
}

impl Role {
    /// Resident bytes and descriptors that it may have, with a program like the crowd.
    fn limits(self) -> (u64, usize) {
        match self {
            Role::Home => (32 * MIB, 64),
            Role::Keeper => (16 * MIB, 16),
            Role::Board => (32 * MIB, 64),
            Role::Replica => (256 * MIB, 16),
        }
    }
}

/// A process at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sample {
    /// Resident bytes.
    pub resident: u64,
    /// Open descriptors.
    pub files: usize,
}

/// What became of a process from the first half of the time to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    role: Role,
    pid: i32,
    /// Medians of both halves.
    resident: (u64, u64),
    /// Lower quartiles of both halves: looking at /proc opens files for a moment.
    files: (usize, usize),
    most: Sample,
}

/// The value that `part` of all (in quarters) do not exceed.
fn quartile<T: Ord + Copy + Default>(values: impl Iterator<Item = T>, part: usize) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    let at = (values.len() * part / 4).min(values.len().saturating_sub(1));
    values.get(at).copied().unwrap_or_default()
}

impl Growth {
    /// From all samples in their order. The first quarter, in which everything begins, does not count.
    pub(super) fn of(role: Role, pid: i32, samples: &[Sample]) -> Self {
        let later = &samples[samples.len() / 4..];
        let (first, second) = later.split_at(later.len() / 2);
        let resident = |half: &[Sample]| quartile(half.iter().map(|s| s.resident), 2);
        let files = |half: &[Sample]| quartile(half.iter().map(|s| s.files), 1);
        let most = |of: fn(&Sample) -> u64| samples.iter().map(of).max().unwrap_or(0);
        Self {
            role,
            pid,
            resident: (resident(first), resident(second)),
            files: (files(first), files(second)),
            most: Sample {
                resident: most(|s| s.resident),
                files: most(|s| s.files as u64) as usize,
            },
        }
    }

    /// What is out of bounds.
    pub(super) fn complaints(&self) -> Vec<String> {
        let who = format!("{:?} (process {})", self.role, self.pid);
        let (resident, files) = self.role.limits();
        let mut complaints = Vec::new();
        if self.most.resident > resident {
            let limit = resident / MIB;
            complaints.push(format!("{who} had more than {limit} MiB: {self}"));
        }
        if self.most.files > files {
            complaints.push(format!("{who} had more than {files} files open: {self}"));
        }
        // A replica has what the program has touched there.
        let slack = SLACK + self.resident.0 / 20;
        if self.role != Role::Replica && self.resident.1 > self.resident.0 + slack {
            complaints.push(format!("{who} grows: {self}"));
        }
        if self.files.1 > self.files.0 {
            complaints.push(format!("{who} opens more and more files: {self}"));
        }
        complaints
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes as f64 / MIB as f64;
        write!(
            f,
            "{:<8} {:>7}: {:.2} -> {:.2} MiB (at most {:.2}), {} -> {} files (at most {})",
            format!("{:?}", self.role),
            self.pid,
            mib(self.resident.0),
            mib(self.resident.1),
            mib(self.most.resident),
            self.files.0,
            self.files.1,
            self.most.files
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(of: impl Fn(usize) -> (u64, usize)) -> Vec<Sample> {
        let sample = |(resident, files)| Sample { resident, files };
        (0..80).map(|i| sample(of(i))).collect()
    }

    fn complaints(role: Role, of: impl Fn(usize) -> (u64, usize)) -> Vec<String> {
        Growth::of(role, 1, &series(of)).complaints()
    }

    #[test]
    fn what_stays_is_fine() {
        // Begins small, and opens something now and then.
        let steady = |i: usize| (20 * MIB.min(i as u64 * MIB / 10), 20 + i % 2);
        assert_eq!(complaints(Role::Home, steady), [""; 0]);
    }

    #[test]
    fn steady_growth_is_seen() {
        let leaks = |i: usize| (20 * MIB + i as u64 * MIB / 8, 20);
        let said = complaints(Role::Board, leaks);
        assert!(said.len() == 1 && said[0].contains("grows"), "{said:?}");
        let opens = |i: usize| (20 * MIB, 20 + i / 20);
        let said = complaints(Role::Keeper, opens);
        assert!(
            said.iter().any(|s| s.contains("more and more files")),
            "{said:?}"
        );
    }

    #[test]
    fn limits_hold_at_any_moment() {
        let peak = |i: usize| (if i == 50 { 40 * MIB } else { MIB }, 9);
        let said = complaints(Role::Home, peak);
        assert!(
            said.len() == 1 && said[0].contains("more than 32 MiB"),
            "{said:?}"
        );
        let files = |i: usize| (MIB, if i == 50 { 65 } else { 9 });
        assert_eq!(complaints(Role::Board, files).len(), 1);
    }

    #[test]
    fn nothing_seen_is_nothing() {
        assert_eq!(Growth::of(Role::Home, 1, &[]).resident, (0, 0));
    }
}
