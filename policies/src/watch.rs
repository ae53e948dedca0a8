//! What threads and home did lately, out of snapshots that follow each other.

use std::collections::BTreeMap;

use crate::{Place, Snapshot, ThreadView};

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

/// One thread, where it is now.
#[derive(Debug, Clone)]
pub(crate) struct Track {
    /// When it was first seen there.
    pub since_ms: u64,
    /// Over the window; `None` until it has been there for one, so that what it needs to arrive does not
    /// count.
    pub rates: Option<Rates>,
    seen_ms: u64,
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
    /// How often boards had to give up pages, per second, over the window.
    pub taken: f64,
    taken_before: u64,
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
        let early = |seen: u64| now < seen + (self.tick_ms / 2).max(1);
        if !snapshot.measured || self.seen_ms.is_some_and(early) {
            return false;
        }
        let past = self.seen_ms.replace(now).map(|seen| now - seen);
        self.look_at_home(snapshot, past);
        self.threads
            .retain(|tid, _| snapshot.threads.iter().any(|t| t.tid == *tid));
        for thread in &snapshot.threads {
            match self.threads.get_mut(&thread.tid) {
                Some(track) if track.last.place == thread.place => {
                    track.go_on(now, thread, self.window_ms);
                }
                _ => {
                    let track = Track {
                        since_ms: now,
                        rates: None,
                        seen_ms: now,
                        last: thread.clone(),
                    };
                    self.threads.insert(thread.tid, track);
                }
            }
        }
        true
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
        let faults: f64 = away.filter_map(|t| Some(t.rates?.faults)).sum();
        match faults > 0.0 {
            true => (self.taken / faults).min(1.0),
            false => 0.0,
        }
    }

    /// What is known of a thread.
    pub(crate) fn of(&self, tid: i32) -> Option<&Track> {
        self.threads.get(&tid)
    }

    /// The rates of a thread where it is.
    pub(crate) fn rates(&self, tid: i32) -> Option<Rates> {
        self.of(tid).and_then(|track| track.rates)
    }
}

/// How much a look after `past` milliseconds counts against what was known before.
fn weight(past_ms: u64, window_ms: u64) -> f64 {
    (past_ms as f64 / window_ms.max(1) as f64).min(1.0)
}

impl Track {
    fn go_on(&mut self, now: u64, thread: &ThreadView, window_ms: u64) {
        let past = now - self.seen_ms;
        let seconds = past as f64 / 1000.0;
        // Figures of boards come late and in steps; none runs backwards.
        let per_second =
            |is: u64, was: u64, unit: f64| is.saturating_sub(was) as f64 / unit / seconds;
        let last = &self.last;
        let fresh = Rates {
            cpu: per_second(thread.cpu_ns, last.cpu_ns, 1e9).min(1.0),
            delay: per_second(thread.run_delay_ns, last.run_delay_ns, 1e9).min(1.0),
            faults: per_second(thread.faults, last.faults, 1.0),
            calls: per_second(thread.home_calls, last.home_calls, 1.0),
            sleeps: per_second(thread.sleeps, last.sleeps, 1.0),
            preemptions: per_second(thread.preemptions, last.preemptions, 1.0),
        };
        let arriving = thread.place != Place::Home && now < self.since_ms + window_ms;
        if !arriving {
            let weight = weight(past, window_ms);
            self.rates = Some(match self.rates {
                None => fresh,
                Some(old) => {
                    let mean = |of: fn(&Rates) -> f64| of(&old) + weight * (of(&fresh) - of(&old));
                    Rates {
                        cpu: mean(|r| r.cpu),
                        delay: mean(|r| r.delay),
                        faults: mean(|r| r.faults),
                        calls: mean(|r| r.calls),
                        sleeps: mean(|r| r.sleeps),
                        preemptions: mean(|r| r.preemptions),
                    }
                }
            });
        }
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

    #[test]
    fn what_was_not_measured_does_not_count() {
        let mut watch = Watch::new(100, 200);
        let mut birth = at(0, 0, Place::Home);
        birth.measured = false;
        assert!(!watch.update(&birth));
    }
}
