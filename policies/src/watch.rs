//! What threads and home did lately, out of snapshots that follow each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Place, Snapshot, ThreadState, ThreadView};

/// A thread that is no older than this was just created, in milliseconds.
const NEWBORN_MS: u64 = 10;
/// Over less time than this rates say nothing, in milliseconds.
const SHORTEST_MS: u64 = 20;
/// Processor times are no older than this, a tick of the slowest kernels (sum_exec_runtime, kernel/sched/fair.c), in seconds.
const STALE_S: f64 = 0.01;
/// How much a thread that ends counts for what threads of the program do.
const NEW: f64 = 0.3;

/// Rates of one thread, per second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Rates {
    /// Seconds on a core.
    pub cpu: f64,
    /// Seconds waited for a core.
    pub delay: f64,
    /// Page faults that needed the network.
    pub faults: f64,
    /// Home calls.
    pub calls: f64,
    /// How often it gave up its core at home by itself, and how often that was given to another.
    pub sleeps: f64,
    pub preemptions: f64,
}

impl Rates {
    fn towards(&self, fresh: &Self, weight: f64) -> Self {
        let mean = |of: fn(&Rates) -> f64| of(self) + weight * (of(fresh) - of(self));
        Self {
            cpu: mean(|r| r.cpu),
            delay: mean(|r| r.delay),
            faults: mean(|r| r.faults),
            calls: mean(|r| r.calls),
            sleeps: mean(|r| r.sleeps),
            preemptions: mean(|r| r.preemptions),
        }
    }
}

/// One thread, where it is now.
#[derive(Debug, Clone)]
pub(crate) struct Track {
    /// When it was first seen there.
    pub since_ms: u64,
    /// Whether it is at home, and was on a board before.
    came_home: bool,
    /// Over the window; `None` until it has been there for one, so that what it needs to arrive does not
    /// count.
    pub rates: Option<Rates>,
    /// Before that: since it came.
    early: Option<Rates>,
    seen_ms: u64,
    /// Processor time that it had used then, in nanoseconds, and its page faults.
    began_ns: u64,
    began_faults: u64,
    last: ThreadView,
}

/// All threads, and home.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch {
    tick_ms: u64,
    window_ms: u64,
    seen_ms: Option<u64>,
    threads: BTreeMap<i32, Track>,
    /// Runnable threads at home, over the window.
    pub runnable: f64,
    /// Share of the time in which some thread at home waited for a core; `None`: not told.
    pub pressure: Option<f64>,
    pressure_us: Option<u64>,
    /// Page faults for pages that somebody else had taken, per second, over the window.
    pub taken: f64,
    taken_before: u64,
    /// What child threads of this program have done when they end, in seconds of a core; `None`: none has ended.
    pub work: Option<f64>,
}

impl Watch {
    pub(crate) fn new(tick_ms: u64, window_ms: u64) -> Self {
        Self {
            tick_ms,
            window_ms,
            ..Self::default()
        }
    }

    /// Takes a snapshot in. False: it does not count, because nothing was measured for it, or it follows
    /// another within half a tick and would not show anything that lasts.
    pub(crate) fn update(&mut self, snapshot: &Snapshot) -> bool {
        let now = snapshot.time_ms;
        self.see_births(snapshot);
        let early = |seen: u64| now < seen + (self.tick_ms / 2).max(1);
        if !snapshot.measured || self.seen_ms.is_some_and(early) {
            return false;
        }
        let past = self.seen_ms.replace(now).map(|seen| now - seen);
        self.look_at_home(snapshot, past);
        self.see_ends(snapshot);
        for thread in &snapshot.threads {
            match self.threads.get_mut(&thread.tid) {
                Some(track) if track.last.place == thread.place => {
                    track.go_on(now, thread, self.window_ms);
                }
                before => {
                    let mut track = Track::new(now, thread);
                    track.came_home = before.is_some() && thread.place == Place::Home;
                    self.threads.insert(thread.tid, track);
                }
            }
        }
        true
    }

    /// Threads that were just created have done nothing yet, for which nothing need be measured.
    fn see_births(&mut self, snapshot: &Snapshot) {
        let now = snapshot.time_ms;
        let newborn = |t: &&ThreadView| {
            t.place == Place::Home && t.cpu_ns == 0 && now <= t.born_ms + NEWBORN_MS
        };
        for thread in snapshot.threads.iter().filter(newborn) {
            let track = || Track::new(now, thread);
            self.threads.entry(thread.tid).or_insert_with(track);
        }
    }

    fn see_ends(&mut self, snapshot: &Snapshot) {
        let live: BTreeSet<i32> = snapshot.threads.iter().map(|t| t.tid).collect();
        let gone = self.threads.iter().filter(|(tid, _)| !live.contains(tid));
        for (_, track) in gone.filter(|(_, track)| !track.last.is_main) {
            // Of a program that was joined nobody knows what they did before.
            let lived = track.seen_ms.saturating_sub(track.last.born_ms) as f64 / 1000.0;
            let work = (track.last.cpu_ns as f64 / 1e9).min(lived);
            let old = self.work.unwrap_or(work);
            self.work = Some(old + NEW * (work - old));
        }
        self.threads.retain(|tid, _| live.contains(tid));
    }

    fn look_at_home(&mut self, snapshot: &Snapshot, past_ms: Option<u64>) {
        let runnable = f64::from(snapshot.home.runnable);
        let total = snapshot.home.pressure.map(|p| p.total_us);
        let Some(past) = past_ms else {
            self.runnable = runnable;
            self.pressure = snapshot.home.pressure.map(|p| p.avg10 / 100.0);
            self.pressure_us = total;
            return;
        };
        let weight = weight(past, self.window_ms);
        let taken = snapshot.taken.saturating_sub(self.taken_before) as f64;
        self.taken_before = snapshot.taken;
        self.taken += weight * (taken / (past as f64 / 1000.0) - self.taken);
        self.runnable += weight * (runnable - self.runnable);
        self.pressure = match (self.pressure_us, total) {
            (Some(was), Some(is)) => {
                let share = is.saturating_sub(was) as f64 / (past as f64 * 1000.0);
                let old = self.pressure.unwrap_or(share);
                Some(old + weight * (share.min(1.0) - old))
            }
            _ => None,
        };
        self.pressure_us = total;
    }

    /// The share of the page faults of threads on boards for which somebody else had taken the page; the others
    /// bring pages for the first time. At most 1.
    pub(crate) fn again(&self) -> f64 {
        let away = self
            .threads
            .values()
            .filter(|track| track.last.place != Place::Home);
        let faults: f64 = away.filter_map(|t| Some(t.rates.or(t.early)?.faults)).sum();
        match faults > 0.0 {
            true => (self.taken / faults).min(1.0),
            false => 0.0,
        }
    }

    /// For which share of the window a thread has been watched where it is; at most 1.
    pub(crate) fn watched(&self, tid: i32) -> f64 {
        let seen = self.seen_ms.unwrap_or(0);
        let track = self.of(tid);
        track.map_or(0.0, |track| {
            weight(seen.saturating_sub(track.since_ms), self.window_ms)
        })
    }

    /// Processor time that a thread has used where it is, as far as it was watched, in seconds.
    pub(crate) fn used_s(&self, tid: i32) -> f64 {
        let track = self.of(tid);
        track.map_or(0.0, |track| {
            track.last.cpu_ns.saturating_sub(track.began_ns) as f64 / 1e9
        })
    }

    /// Page faults that a thread had where it is.
    pub(crate) fn faults_there(&self, tid: i32) -> u64 {
        let track = self.of(tid);
        track.map_or(0, |track| {
            track.last.faults - track.began_faults.min(track.last.faults)
        })
    }

    /// Whether a thread was on a board at the last look.
    pub(crate) fn is_away(&self, tid: i32) -> bool {
        let track = self.of(tid);
        track.is_some_and(|track| track.last.place != Place::Home)
    }

    /// What is known of a thread.
    pub(crate) fn of(&self, tid: i32) -> Option<&Track> {
        self.threads.get(&tid)
    }

    /// The rates of a thread where it is.
    pub(crate) fn rates(&self, tid: i32) -> Option<Rates> {
        self.of(tid).and_then(|track| track.rates)
    }

    /// The same, what it needs to arrive included.
    pub(crate) fn rates_so_far(&self, tid: i32) -> Option<Rates> {
        let track = self.of(tid);
        track.and_then(|track| track.rates.or(track.early))
    }

    /// Whether a thread has come home from a board less than the window ago.
    pub(crate) fn came_home_lately(&self, tid: i32, now_ms: u64) -> bool {
        let came = |track: &Track| track.came_home && now_ms < track.since_ms + self.window_ms;
        self.of(tid).is_some_and(came)
    }

    /// Whether the kernel tells for how long a thread waits for cores.
    pub(crate) fn tells_waits(&self, tid: i32) -> bool {
        self.of(tid)
            .is_some_and(|track| track.last.run_delay_ns > 0)
    }
}

/// How much a look after `past` milliseconds counts against what was known before.
fn weight(past_ms: u64, window_ms: u64) -> f64 {
    (past_ms as f64 / window_ms.max(1) as f64).min(1.0)
}

impl Track {
    fn new(now: u64, thread: &ThreadView) -> Self {
        Self {
            since_ms: now,
            came_home: false,
            rates: None,
            early: None,
            seen_ms: now,
            began_ns: thread.cpu_ns,
            began_faults: thread.faults,
            last: thread.clone(),
        }
    }

    fn go_on(&mut self, now: u64, thread: &ThreadView, window_ms: u64) {
        let past = now - self.seen_ms;
        if past < SHORTEST_MS {
            return;
        }
        // Who has used more than this was not born when it seemed to be: the program was joined.
        let most_ns = 2 * (past + SHORTEST_MS) * 1_000_000;
        let at_home = thread.place == Place::Home;
        if at_home
            && self.rates.is_none()
            && thread.cpu_ns.saturating_sub(self.last.cpu_ns) > most_ns
        {
            *self = Self::new(now, thread);
            return;
        }
        let seconds = past as f64 / 1000.0;
        // Figures of boards come late and in steps; none runs backwards.
        let per_second =
            |is: u64, was: u64, unit: f64| is.saturating_sub(was) as f64 / unit / seconds;
        let last = &self.last;
        let mut fresh = Rates {
            cpu: per_second(thread.cpu_ns, last.cpu_ns, 1e9).min(1.0),
            delay: per_second(thread.run_delay_ns, last.run_delay_ns, 1e9).min(1.0),
            faults: per_second(thread.faults, last.faults, 1.0),
            calls: per_second(thread.home_calls, last.home_calls, 1.0),
            sleeps: per_second(thread.sleeps, last.sleeps, 1.0),
            preemptions: per_second(thread.preemptions, last.preemptions, 1.0),
        };
        // The kernel tells of a wait when it is over (sched_info_arrive, kernel/sched/stats.h), if it tells at all.
        let ran = |t: &ThreadView| t.state == ThreadState::Running;
        let paused = |t: &ThreadView| (t.sleeps, t.page_waits);
        let wanted = ran(last) && ran(thread) && paused(last) == paused(thread);
        let without = 1.0 - fresh.cpu;
        let told = thread.run_delay_ns > 0;
        if at_home && told && wanted && without > STALE_S / seconds {
            fresh.delay = without;
        }
        if at_home {
            // The end of a wait may have been seen before the kernel tells of all of it.
            fresh.delay = fresh.delay.min(without);
        }
        let arriving = thread.place != Place::Home && now < self.since_ms + window_ms;
        let rates = match arriving {
            true => &mut self.early,
            false => &mut self.rates,
        };
        let weight = weight(past, window_ms);
        *rates = Some(rates.map_or(fresh, |old| old.towards(&fresh, weight)));
        self.seen_ms = now;
        self.last = thread.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::thread;
    use crate::{NodeLoad, Pressure};

    fn at(time_ms: u64, cpu_ms: u64, place: Place) -> Snapshot {
        let mut child = thread(2);
        child.cpu_ns = cpu_ms * 1_000_000;
        child.place = place;
        Snapshot {
            time_ms,
            measured: true,
            home: NodeLoad {
                runnable: 2,
                pressure: Some(Pressure {
                    avg10: 0.0,
                    total_us: time_ms * 500,
                }),
                ..NodeLoad::default()
            },
            threads: vec![child],
            ..Snapshot::default()
        }
    }

    #[test]
    fn rates_are_averaged_over_the_window() {
        let mut watch = Watch::new(100, 200);
        assert!(watch.update(&at(0, 0, Place::Home)));
        assert!(!watch.update(&at(40, 40, Place::Home)), "too early");
        assert_eq!(watch.rates(2), None);
        watch.update(&at(100, 50, Place::Home));
        assert_eq!(watch.rates(2).expect("two looks").cpu, 0.5);
        watch.update(&at(200, 150, Place::Home));
        assert_eq!(watch.rates(2).expect("three").cpu, 0.75);
        assert_eq!(watch.pressure, Some(0.375), "0, then half of the time");
    }

    #[test]
    fn a_wait_for_a_core_counts_while_it_lasts() {
        // After 100 ms, 30 of them on a core; the kernel has told of no wait yet.
        let delay = |change: fn(&mut ThreadView), place: Place| {
            let mut watch = Watch::new(100, 100);
            let mut first = at(0, 0, place);
            first.threads[0].run_delay_ns = 7;
            watch.update(&first);
            let mut then = at(100, 30, place);
            then.threads[0].run_delay_ns = 7;
            change(&mut then.threads[0]);
            watch.update(&then);
            watch.rates(2).expect("two looks").delay
        };
        assert_eq!(delay(|_| (), Place::Home), 0.7);
        assert_eq!(delay(|t| t.sleeps = 1, Place::Home), 0.0);
        assert_eq!(delay(|t| t.page_waits = 1, Place::Home), 0.0);
        assert_eq!(delay(|t| t.cpu_ns = 91_000_000, Place::Home), 0.0, "a tick");
        assert_eq!(delay(|t| t.run_delay_ns = 0, Place::Home), 0.0, "not told");
        assert_eq!(delay(|t| t.state = ThreadState::Blocked, Place::Home), 0.0);
        assert_eq!(delay(|_| (), Place::Board(1)), 0.0, "it may wait for pages");
    }

    #[test]
    fn a_thread_that_arrives_is_given_a_window() {
        let mut watch = Watch::new(100, 200);
        watch.update(&at(0, 0, Place::Home));
        watch.update(&at(100, 100, Place::Home));
        watch.update(&at(200, 200, Place::Board(1)));
        assert_eq!(watch.of(2).expect("known").since_ms, 200);
        watch.update(&at(300, 210, Place::Board(1)));
        assert_eq!(watch.rates(2), None);
        watch.update(&at(400, 285, Place::Board(1)));
        let cpu = watch.rates(2).expect("a window").cpu;
        assert!((cpu - 0.75).abs() < 1e-9, "{cpu}");
    }

    /// A look that measures nothing, when the thread was just created.
    fn birth(time_ms: u64) -> Snapshot {
        let mut birth = at(time_ms, 0, Place::Home);
        birth.measured = false;
        birth.threads[0].born_ms = time_ms;
        birth
    }

    #[test]
    fn a_thread_is_watched_from_its_birth() {
        let mut watch = Watch::new(100, 200);
        assert!(!watch.update(&birth(1_000)));
        watch.update(&at(1_010, 5, Place::Home));
        assert_eq!(watch.rates(2), None, "too short to say anything");
        watch.update(&at(1_100, 25, Place::Home));
        assert_eq!(watch.rates(2).expect("since its birth").cpu, 0.25);
        assert_eq!((watch.watched(2), watch.used_s(2)), (0.5, 0.025));
    }

    #[test]
    fn a_thread_of_a_program_that_was_joined_is_not_taken_for_a_newborn() {
        let mut watch = Watch::new(100, 200);
        watch.update(&birth(1_000));
        watch.update(&at(1_100, 90_000, Place::Home));
        assert_eq!(watch.rates(2), None);
        watch.update(&at(1_200, 90_050, Place::Home));
        assert_eq!(watch.rates(2).expect("two looks").cpu, 0.5);
        assert_eq!(watch.used_s(2), 0.05);
    }

    #[test]
    fn what_threads_do_is_learned_when_they_end() {
        let mut watch = Watch::new(100, 200);
        watch.update(&birth(1_000));
        watch.update(&at(1_100, 50, Place::Home));
        assert_eq!(watch.work, None);
        let mut gone = at(1_200, 0, Place::Home);
        gone.threads[0].tid = 3;
        watch.update(&gone);
        assert_eq!(watch.work, Some(0.05));
        gone.time_ms = 1_300;
        gone.threads.clear();
        watch.update(&gone);
        let work = watch.work.expect("known");
        assert!(
            (work - 0.035).abs() < 1e-9,
            "{work}: one that did nothing counts too"
        );
    }

    #[test]
    fn what_was_not_measured_does_not_count() {
        let mut watch = Watch::new(100, 200);
        let mut came_home = at(9_000, 0, Place::Home);
        came_home.measured = false;
        assert!(!watch.update(&came_home));
        assert!(watch.of(2).is_none());
    }
}
