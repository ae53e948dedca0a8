//! How many threads want one of the cores that this process may use.
//!
//! Who may use all cores takes the kernel's count. Who is confined to some of them (taskset(1), the cpuset of a batch
//! system) looks at all threads of the machine, since what happens on other cores does not matter; rarely enough
//! that looking takes little of its time, since there may be thousands. This process's own do not count there: one that
//! wants a core just then mostly waits for the thread that looks.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_getaffinity};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{Pid, SysconfVar, sysconf};

use crate::guest::procfs::{self, Glance};
use crate::guest::ptrace::Tid;

/// The share of what it gets of a core that a process looks at others' threads for: 1 in so many.
const SELDOM: u32 = 100;
/// A count is no older than this, or than two hundred times what looking took of a core if that is more.
const MOST_STALE: Duration = Duration::from_millis(500);
/// After so many looks, kernel threads are told from others anew: numbers are used again.
const FORGETS: u32 = 200;

/// Counts them, again and again.
#[derive(Debug, Default)]
pub struct Runnable {
    /// A process whose threads do not count, since somebody knows better who of them wants a core.
    apart: Option<Tid>,
    /// Kernel threads that were seen; they are not looked at again.
    kernel: BTreeSet<Tid>,
    looks: u32,
    cores: u64,
    /// The last count, when the next look is due, and the number of the cores that were looked at.
    last: Option<(u32, Instant, u64)>,
}

impl Runnable {
    /// Counts all but those of a process, which [`Runnable::with`] is told of.
    pub fn apart(process: Tid) -> Self {
        Self {
            apart: Some(process),
            ..Self::default()
        }
    }

    /// How many there are, the calling thread not counted; 0 if nobody tells. `apart`: those of the process set apart.
    pub fn with(&mut self, apart: u32) -> u32 {
        let confined = confined();
        self.cores = confined.as_ref().map_or(0, number);
        match confined {
            Some(cores) => self.on(&cores, apart).saturating_add(apart),
            None => procfs::machine_runnable().map_or(0, |n| n.saturating_sub(1)),
        }
    }

    /// A number for the cores that the process was confined to at the last count, another one for others; 0: for all.
    pub fn cores(&self) -> u64 {
        self.cores
    }

    fn looks_at(&self, pid: Tid) -> bool {
        let own = std::process::id() as Tid;
        pid != own && self.apart != Some(pid) && !self.kernel.contains(&pid)
    }

    /// Others that want one of these cores, on which so many of the process set apart want one too.
    fn on(&mut self, cores: &CpuSet, apart: u32) -> u32 {
        let (now, began) = (Instant::now(), used());
        if let Some((count, due, of)) = self.last
            && now < due
            && of == self.cores
        {
            return count;
        }
        self.looks += 1;
        if self.looks.is_multiple_of(FORGETS) {
            self.kernel.clear();
        }
        let wants = |seen: &Glance| {
            let there = cores.is_set(seen.core as usize).unwrap_or(false);
            seen.state == 'R' && there
        };
        let mut count = 0;
        for pid in processes() {
            if !self.looks_at(pid) {
                continue;
            }
            // Who ends meanwhile does not count.
            match procfs::glance(pid, pid) {
                Ok(seen) if seen.kernel => drop(self.kernel.insert(pid)),
                Ok(seen) if seen.threads == 1 => count += u32::from(wants(&seen)),
                Ok(_) => {
                    let threads = procfs::threads(pid).unwrap_or_default();
                    let wanting =
                        |tid: &&Tid| procfs::glance(pid, **tid).is_ok_and(|seen| wants(&seen));
                    count += threads.iter().filter(wanting).count() as u32;
                }
                Err(_) => {}
            }
        }
        let all = count.saturating_add(apart);
        let pause = pause(used().saturating_sub(began), all, members(cores).count());
        self.last = Some((count, now + pause, self.cores));
        count
    }
}

/// How long nobody looks after a look that took so much of a core, with so many threads that want one of so many cores:
/// of crowded ones a process gets the less. But a crowd may be gone in a moment.
fn pause(took: Duration, count: u32, cores: usize) -> Duration {
    let crowd = (count / cores.max(1) as u32).max(1);
    let usual = took.saturating_mul(SELDOM);
    let most = usual.saturating_mul(2).max(MOST_STALE);
    usual.saturating_mul(crowd).min(most)
}

/// Processor time of the calling thread: on a busy core a look takes much longer than that.
fn used() -> Duration {
    let used = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
    used.map_or(Duration::ZERO, Duration::from)
}

/// The cores this process is confined to; `None`: it may use all.
fn confined() -> Option<CpuSet> {
    let cores = sched_getaffinity(Pid::from_raw(0)).ok()?;
    (members(&cores).count() < machine_cores()).then_some(cores)
}

fn members(cores: &CpuSet) -> impl Iterator<Item = usize> {
    (0..CpuSet::count()).filter(|core| cores.is_set(*core).unwrap_or(false))
}

/// A number for these cores (FNV-1a), never 0.
fn number(cores: &CpuSet) -> u64 {
    members(cores)
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, core| {
            (hash ^ core as u64).wrapping_mul(0x100_0000_01b3)
        })
        .max(1)
}

/// How many cores this machine has.
fn machine_cores() -> usize {
    let cores = sysconf(SysconfVar::_NPROCESSORS_ONLN).ok().flatten();
    cores.map_or(1, |cores| cores as usize)
}

fn processes() -> Vec<Tid> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    names.collect()
}

#[cfg(test)]
pub(super) mod tests {
    use std::process::{Child, Command, Stdio};
    use std::thread;

    use nix::sched::sched_setaffinity;

    use super::*;

    /// Confines the calling thread to one core, if there are more.
    pub fn confine() -> bool {
        let allowed = sched_getaffinity(Pid::from_raw(0)).expect("it is told");
        let mut cores = members(&allowed);
        let mut one = CpuSet::new();
        one.set(cores.next().expect("a core")).expect("in range");
        sched_setaffinity(Pid::from_raw(0), &one).expect("it is allowed");
        machine_cores() > 1
    }

    #[test]
    fn looks_are_rarer_the_less_there_is_for_them() {
        let took = Duration::from_micros(200);
        let idle = pause(took, 0, 2);
        assert_eq!(idle, pause(took, 3, 2));
        assert_eq!(pause(took, 18, 2), idle * 9);
        assert_eq!(pause(took, 18, 0), idle * 18);
        // Nobody goes by a crowd of minutes ago.
        assert_eq!(pause(took, 100_000, 2), MOST_STALE);
        assert_eq!(pause(took * 100, 100_000, 2), idle * 200);
    }

    #[test]
    fn threads_on_the_same_core_are_counted() {
        if !confine() {
            return;
        }
        // They inherit the core, and end when this drops the other end of what they read.
        let spins = || {
            let mut command = Command::new("sh");
            let script = "while :; do :; done & read end; kill $!";
            let command = command.args(["-c", script]).stdin(Stdio::piped());
            command.spawn().expect("a shell")
        };
        let mut all: Vec<Child> = (0..5).map(|_| spins()).collect();
        // All of them run, sooner or later.
        let mut runnable = Runnable::default();
        while runnable.with(0) < 5 {
            thread::sleep(Duration::from_millis(5));
        }
        for one in &mut all {
            drop(one.stdin.take());
            one.wait().expect("it ends");
        }
    }

    #[test]
    fn its_own_and_those_set_apart_are_not_looked_at() {
        let (own, other) = (std::process::id() as Tid, 1);
        assert!(Runnable::default().looks_at(other));
        assert!(!Runnable::default().looks_at(own));
        assert!(!Runnable::apart(other).looks_at(other));
        if confine() {
            let mut runnable = Runnable::apart(other);
            runnable.with(0);
            // It does not count others again for so long.
            let due = Instant::now() + Duration::from_secs(3_600);
            runnable.last = Some((3, due, runnable.cores));
            assert_eq!(runnable.with(7), 10);
        }
    }

    #[test]
    fn other_cores_have_another_number() {
        let of = |cores: &[usize]| {
            let mut set = CpuSet::new();
            cores
                .iter()
                .for_each(|core| set.set(*core).expect("in range"));
            number(&set)
        };
        assert_eq!(of(&[1, 2]), of(&[2, 1]));
        let different = [of(&[0]), of(&[1]), of(&[0, 1]), of(&[2, 3])];
        for (i, one) in different.iter().enumerate() {
            assert!(
                different[..i]
                    .iter()
                    .all(|other| other != one && *other != 0)
            );
        }
    }

    #[test]
    fn it_does_not_look_again_at_once() {
        if !confine() {
            return;
        }
        let mut runnable = Runnable::default();
        let first = runnable.with(0);
        let looks = runnable.looks;
        assert_eq!((runnable.with(0), runnable.looks), (first, looks));
    }
}
