//! Whether the program as a whole gets on better with threads on boards than it would at home.
//!
//! A thread's own figures do not show what its absence costs others: threads that meet at barriers, or hand work to
//! each other, wait for the slowest. So if they do, what all threads together get of cores is compared, over a
//! **trial** in which nobody moves, with what they would get if all were at home: what they wanted there, at the share
//! of home's cores that a thread gets now.

use std::collections::BTreeMap;

use crate::watch::Watch;
use crate::weigh::fair;
use crate::{Place, Snapshot};

/// The program must have wanted this much of a core for its share of home's cores to say something.
const WANTED: f64 = 0.5;
/// Threads that meet less often than so many times a second do not wait for each other.
const MEETS: f64 = 2.0;
/// How much the latest look counts for that share.
const NEW: f64 = 0.3;
/// Bounds of that share, compared with an even one.
const FAVOUR: (f64, f64) = (0.1, 4.0);

/// What a trial has shown: seconds of cores that the program got, and that it would have got at home.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Verdict {
    pub got: f64,
    pub at_home: f64,
    /// How long the trial was.
    pub seconds: f64,
    /// Calls by which threads on boards waited for others or woke them.
    pub syncs: u64,
}

/// Follows the program.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    trial_ms: u64,
    /// What each thread wanted of a core when the program was at home.
    wants: BTreeMap<i32, f64>,
    /// How the share that the program's threads got at home compares with an even one: kernels share among sessions
    /// and groups of processes first. `None`: not known, since this kernel does not tell who waits, or nobody had to.
    favour: Option<f64>,
    places: BTreeMap<i32, Place>,
    /// From when on the trial lasts, in milliseconds, and what it has shown so far.
    since_ms: u64,
    sum: Verdict,
    seen_ms: u64,
    /// Such calls of all threads that live, at the last look.
    syncs: u64,
}

impl Progress {
    pub(crate) fn new(trial_ms: u64) -> Self {
        Self {
            trial_ms,
            ..Self::default()
        }
    }

    /// Takes a snapshot in, after `watch` did. At the end of a trial: what it has shown.
    pub(crate) fn update(&mut self, snapshot: &Snapshot, watch: &Watch) -> Option<Verdict> {
        let now = snapshot.time_ms;
        let past_s = now.saturating_sub(self.seen_ms) as f64 / 1000.0;
        self.seen_ms = now;
        let threads = &snapshot.threads;
        self.wants
            .retain(|tid, _| threads.iter().any(|t| t.tid == *tid));
        let syncs = threads.iter().map(|t| t.syncs).sum();
        let syncs_before = std::mem::replace(&mut self.syncs, syncs);
        let nobody_away = threads.iter().all(|t| t.place == Place::Home);
        for thread in threads.iter().filter(|t| t.place == Place::Home) {
            if let Some(rates) = watch.rates(thread.tid)
                && (nobody_away || !self.wants.contains_key(&thread.tid))
            {
                self.wants.insert(thread.tid, rates.cpu + rates.delay);
            }
        }
        if nobody_away {
            self.learn_favour(snapshot, watch);
        }
        let places: BTreeMap<i32, Place> = threads.iter().map(|t| (t.tid, t.place)).collect();
        let before = std::mem::replace(&mut self.places, places);
        let moved =
            |t: &crate::ThreadView| before.get(&t.tid).is_some_and(|place| *place != t.place);
        let arriving =
            |t: &crate::ThreadView| t.place != Place::Home && watch.rates(t.tid).is_none();
        if nobody_away || threads.iter().any(|t| moved(t) || arriving(t)) {
            self.begin(now);
            return None;
        }
        if now < self.since_ms {
            return None;
        }
        self.sum.seconds += past_s;
        self.sum.syncs += syncs.saturating_sub(syncs_before);
        self.sum.got += past_s * got(snapshot, watch);
        self.sum.at_home += past_s * self.at_home(snapshot, watch)?;
        if now < self.since_ms + self.trial_ms {
            return None;
        }
        self.since_ms = now;
        let sum = std::mem::take(&mut self.sum);
        (sum.syncs as f64 >= MEETS * sum.seconds).then_some(sum)
    }

    /// A trial begins as long after a move as it lasts: threads fetch what they need first.
    fn begin(&mut self, now: u64) {
        self.since_ms = now + self.trial_ms;
        self.sum = Verdict::default();
    }

    fn learn_favour(&mut self, snapshot: &Snapshot, watch: &Watch) {
        let rates = snapshot.threads.iter().filter_map(|t| watch.rates(t.tid));
        let (cpu, delay) = rates.fold((0.0, 0.0), |(cpu, delay), r| (cpu + r.cpu, delay + r.delay));
        // Those of the program are some of them.
        let runnable = f64::from(snapshot.home.runnable).max(cpu + delay);
        if cpu + delay > WANTED && delay > 0.0 {
            let favour = cpu / (cpu + delay) / fair(runnable, snapshot.home.cores);
            let fresh = favour.clamp(FAVOUR.0, FAVOUR.1);
            let old = self.favour.unwrap_or(fresh);
            self.favour = Some(old + NEW * (fresh - old));
        }
    }

    /// Cores that the program would get if all of it were at home now.
    fn at_home(&self, snapshot: &Snapshot, watch: &Watch) -> Option<f64> {
        let wants = snapshot
            .threads
            .iter()
            .filter_map(|t| self.wants.get(&t.tid));
        let wants: f64 = wants.sum();
        let there = snapshot.threads.iter().filter(|t| t.place == Place::Home);
        let there = there.filter_map(|t| watch.rates(t.tid));
        let own: f64 = there.map(|r| r.cpu + r.delay).sum();
        let others = (watch.runnable - own).max(0.0);
        let share = fair(others + wants, snapshot.home.cores) * self.favour?;
        Some(wants * share.min(1.0))
    }
}

/// Cores of home's speed that the program gets where it is.
fn got(snapshot: &Snapshot, watch: &Watch) -> f64 {
    let cores = snapshot.threads.iter().filter_map(|t| {
        let speed = match t.place {
            Place::Home => 1.0,
            Place::Board(id) => snapshot.board(id).map_or(1.0, |b| b.node.speed()),
        };
        Some(watch.rates(t.tid)?.cpu * speed)
    });
    cores.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NodeLoad;
    use crate::testing::{board, thread};

    /// A program of `count` threads on a home of one core, looked at every 100 ms.
    struct Job {
        now: Snapshot,
        watch: Watch,
        progress: Progress,
        meet: bool,
    }

    impl Job {
        fn new(count: i32) -> Self {
            let now = Snapshot {
                measured: true,
                boards: vec![board(1)],
                threads: (1..=count).map(thread).collect(),
                home: NodeLoad {
                    cores: 1,
                    ..NodeLoad::default()
                },
                ..Snapshot::default()
            };
            let (watch, progress) = (Watch::new(100, 100), Progress::new(1_000));
            Self {
                now,
                watch,
                progress,
                meet: true,
            }
        }

        /// Looks for so long; every thread gets this share of a core, and waits for one at home for the rest.
        fn look(&mut self, ms: u64, runnable: u32, share: f64) -> Vec<Verdict> {
            let mut verdicts = Vec::new();
            for _ in 0..ms / 100 {
                self.now.time_ms += 100;
                self.now.home.runnable = runnable;
                for thread in &mut self.now.threads {
                    thread.syncs += u64::from(self.meet);
                    thread.cpu_ns += (1e8 * share) as u64;
                    if thread.place == Place::Home {
                        thread.run_delay_ns += (1e8 * (1.0 - share)) as u64;
                    }
                }
                assert!(self.watch.update(&self.now));
                verdicts.extend(self.progress.update(&self.now, &self.watch));
            }
            verdicts
        }

        fn away(&mut self) {
            for thread in &mut self.now.threads {
                thread.place = Place::Board(1);
            }
        }
    }

    fn close(verdict: Verdict, got: f64, at_home: f64) {
        let near = |a: f64, b: f64| (a - b).abs() < 0.02;
        assert!(
            near(verdict.got / verdict.seconds, got)
                && near(verdict.at_home / verdict.seconds, at_home),
            "{verdict:?}, not {got} and {at_home}"
        );
    }

    #[test]
    fn a_trial_compares_what_was_got_with_what_home_would_give() {
        let mut job = Job::new(2);
        // Two of four that want the core.
        assert_eq!(job.look(1_000, 4, 0.25), []);
        job.away();
        let [verdict] = job.look(2_300, 2, 0.1)[..] else {
            panic!("one trial");
        };
        close(verdict, 0.2, 0.5);
        // Home is empty now: both would have half of the core each.
        let last = job.look(2_000, 0, 0.45);
        close(last[1], 0.9, 1.0);
    }

    #[test]
    fn a_kernel_that_shares_among_sessions_is_believed() {
        let mut job = Job::new(2);
        // An even share were a fifth.
        job.look(1_000, 5, 0.1);
        job.away();
        close(job.look(2_300, 3, 0.2)[0], 0.4, 0.2);
    }

    #[test]
    fn a_move_begins_the_trial_anew_and_at_home_there_is_none() {
        let mut job = Job::new(2);
        assert_eq!(job.look(3_000, 4, 0.25), []);
        job.away();
        assert_eq!(job.look(1_900, 2, 0.25), []);
        job.now.threads[0].place = Place::Home;
        assert_eq!(job.look(1_900, 3, 0.25), []);
        assert_eq!(job.look(300, 3, 0.25).len(), 1);
    }

    #[test]
    fn threads_that_do_not_meet_are_judged_one_by_one() {
        let mut job = Job::new(2);
        job.meet = false;
        job.look(1_000, 4, 0.25);
        job.away();
        assert_eq!(job.look(3_000, 0, 0.2), []);
    }

    #[test]
    fn without_a_word_on_who_waits_there_is_no_verdict() {
        let mut job = Job::new(2);
        job.look(1_000, 1, 1.0);
        job.away();
        assert_eq!(job.look(3_000, 0, 0.2), []);
    }
}
