//! Where threads were when: made of events, bounded in memory, for the report and for those who look at a
//! job while it runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::causes::RecallCause;
use super::event::{Event, Refusal, What};
use super::schema::Pages;

/// The name of home among the nodes.
pub const HOME: &str = "home";
/// Stays that are kept; of more, only the number.
const MOST_STAYS: usize = 65_536;
/// Samples of load that are kept; when there are more, every second is dropped.
const MOST_SAMPLES: usize = 2_048;
/// Threads whose refusals are kept one by one.
const MOST_REFUSED: usize = 4_096;

/// What the report has of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Timeline {
    /// Stays of threads, in the order in which they ended.
    pub stays: Vec<StayReport>,
    /// Stays beyond those that are kept.
    pub stays_left_out: u64,
    /// Events that came faster than they could be looked at: the stays are wrong then.
    #[serde(default)]
    pub events_left_out: u64,
    /// Load, at equal intervals.
    pub load: Vec<Sample>,
    /// Why threads did not go to boards; one entry for each thread and reason.
    pub refused: Vec<RefusedReport>,
    /// What concerned the whole program.
    pub notes: Vec<Note>,
}

/// One thread at one node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StayReport {
    /// The thread.
    pub tid: i32,
    /// `home`, or the board's name.
    pub node: String,
    /// Seconds since the program's start.
    pub from_s: f64,
    /// When it left, or ended.
    pub to_s: f64,
    /// On a board: why it went there. At home: why the policy had left it there at last, if it never was on a board.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// On a board: what brought it home; left out if it ended there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<RecallCause>,
    /// The policy's words, if it was the policy that brought it home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall: Option<String>,
    /// Of a job that runs: it is still there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub goes_on: bool,
}

/// Load at one moment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sample {
    /// Seconds since the program's start.
    pub t_s: f64,
    /// Threads at each node; nodes without any are left out.
    pub threads: BTreeMap<String, u64>,
    /// Pages that were granted until then.
    pub pages: u64,
    /// Bytes of pages on the network until then.
    pub bytes: u64,
}

/// A thread that was to go to a board and stayed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RefusedReport {
    /// The thread.
    pub tid: i32,
    /// Why.
    pub reason: Refusal,
    /// How often the reason became this one.
    pub times: u64,
    /// When it was this the last time, in seconds since the program's start.
    pub last_s: f64,
}

/// Something about the whole program, or a board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// Seconds since the program's start.
    pub t_s: f64,
    /// A sentence.
    pub text: String,
}

/// Where a thread is now.
#[derive(Debug, Clone)]
struct Now {
    node: String,
    since_s: f64,
    why: String,
    recall: Option<String>,
}

impl Now {
    /// The stay that ends now, by this cause.
    fn stay(self, tid: i32, to_s: f64, cause: Option<RecallCause>) -> StayReport {
        StayReport {
            tid,
            node: self.node,
            from_s: self.since_s,
            to_s,
            why: self.why,
            cause,
            recall: self.recall.filter(|_| cause == Some(RecallCause::Policy)),
            goes_on: false,
        }
    }
}

/// A timeline in the making.
#[derive(Debug, Default)]
pub struct Recorder {
    timeline: Timeline,
    now: BTreeMap<i32, Now>,
    refused: BTreeMap<(i32, Refusal), (u64, f64)>,
    counts: Counts,
    /// Every so many samples one is kept.
    stride: u64,
    sampled: u64,
}

/// How often things have happened.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    /// Threads that have begun.
    pub born: u64,
    /// Threads that went to each board.
    pub offloads: BTreeMap<String, u64>,
    /// Threads that came home, by cause.
    pub homecomings: BTreeMap<RecallCause, u64>,
    /// Boards that were lost.
    pub lost: Vec<String>,
}

impl Recorder {
    /// Takes note of an event; they come in the order in which they happened.
    pub fn take(&mut self, event: &Event) {
        let Event { t_s, tid, what } = event;
        match what {
            What::Born => {
                self.counts.born += 1;
                self.go(*tid, HOME, *t_s, "");
            }
            What::Offload { board, reason } => {
                *self.counts.offloads.entry(board.clone()).or_default() += 1;
                self.leave(*tid, *t_s, None);
                self.go(*tid, board, *t_s, reason);
            }
            What::Runs { .. } => {}
            What::Recall { reason } => {
                if let Some(now) = self.now.get_mut(tid) {
                    now.recall = Some(reason.clone());
                }
            }
            What::Home { cause, .. } => {
                *self.counts.homecomings.entry(*cause).or_default() += 1;
                self.leave(*tid, *t_s, Some(*cause));
                self.go(*tid, HOME, *t_s, "");
            }
            What::Refused { reason, .. } => {
                let key = (*tid, *reason);
                if self.refused.len() < MOST_REFUSED || self.refused.contains_key(&key) {
                    let (times, last) = self.refused.entry(key).or_default();
                    *times += 1;
                    *last = *t_s;
                }
            }
            What::Keep { reason } => self.remark(*t_s, reason.clone()),
            What::Lost { board, reason } => {
                self.counts.lost.push(board.clone());
                self.remark(*t_s, format!("board {board} is lost: {reason}"));
            }
            What::Ended { stayed } => {
                if let (Some(now), Some(why)) = (self.now.get_mut(tid), stayed) {
                    now.why.clone_from(why);
                }
                self.leave(*tid, *t_s, None);
            }
        }
    }

    fn remark(&mut self, t_s: f64, text: String) {
        if self.timeline.notes.len() < MOST_SAMPLES {
            self.timeline.notes.push(Note { t_s, text });
        }
    }

    fn go(&mut self, tid: i32, node: &str, since_s: f64, why: &str) {
        let now = Now {
            node: node.to_owned(),
            since_s,
            why: why.to_owned(),
            recall: None,
        };
        self.now.insert(tid, now);
    }

    fn leave(&mut self, tid: i32, to_s: f64, cause: Option<RecallCause>) {
        let Some(now) = self.now.remove(&tid) else {
            return;
        };
        if self.timeline.stays.len() >= MOST_STAYS {
            self.timeline.stays_left_out += 1;
            return;
        }
        self.timeline.stays.push(now.stay(tid, to_s, cause));
    }

    /// How many threads are at each node.
    pub fn threads(&self) -> BTreeMap<String, u64> {
        let mut threads = BTreeMap::new();
        for now in self.now.values() {
            *threads.entry(now.node.clone()).or_default() += 1;
        }
        threads
    }

    /// How often things have happened.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Takes a sample of the load; called at equal intervals.
    pub fn sample(&mut self, t_s: f64, pages: &Pages) {
        self.stride = self.stride.max(1);
        self.sampled += 1;
        if !self.sampled.is_multiple_of(self.stride) {
            return;
        }
        let threads = self.threads();
        let load = &mut self.timeline.load;
        load.push(Sample {
            t_s,
            threads,
            pages: granted(pages),
            bytes: pages.bytes,
        });
        if load.len() > MOST_SAMPLES {
            let mut odd = false;
            load.retain(|_| {
                odd = !odd;
                !odd
            });
            self.stride *= 2;
        }
    }

    /// The timeline of a job that goes on.
    pub fn so_far(&self, t_s: f64) -> Timeline {
        let mut timeline = self.timeline.clone();
        let live = self.now.iter().map(|(tid, now)| StayReport {
            goes_on: true,
            ..now.clone().stay(*tid, t_s, None)
        });
        timeline.stays.extend(live);
        timeline.refused = self.refused();
        timeline
    }

    fn refused(&self) -> Vec<RefusedReport> {
        let refused = self.refused.iter();
        refused
            .map(|((tid, reason), (times, last_s))| RefusedReport {
                tid: *tid,
                reason: *reason,
                times: *times,
                last_s: *last_s,
            })
            .collect()
    }

    /// The timeline of a job that ends now.
    pub fn finish(mut self, t_s: f64) -> Timeline {
        let left: Vec<i32> = self.now.keys().copied().collect();
        for tid in left {
            self.leave(tid, t_s, None);
        }
        self.timeline.refused = self.refused();
        self.timeline
    }
}

/// Pages that nodes got, of all kinds.
pub fn granted(pages: &Pages) -> u64 {
    pages.read + pages.write + pages.upgrade + pages.prefetched
}

/// A small one, of everything one.
#[cfg(test)]
pub(super) fn sample() -> Timeline {
    let stay = |node: &str, from_s, to_s| StayReport {
        tid: 4711,
        node: node.to_owned(),
        from_s,
        to_s,
        why: String::new(),
        cause: None,
        recall: None,
        goes_on: false,
    };
    let load = |t_s, node: &str, pages, bytes| Sample {
        t_s,
        threads: BTreeMap::from([(node.to_owned(), 1)]),
        pages,
        bytes,
    };
    Timeline {
        stays: vec![
            stay(HOME, 0.0, 1.0),
            StayReport {
                why: "home is full".to_owned(),
                cause: Some(RecallCause::Policy),
                recall: Some("home is idle".to_owned()),
                ..stay("local-1", 1.0, 3.0)
            },
            stay(HOME, 3.0, 3.25),
        ],
        stays_left_out: 0,
        events_left_out: 0,
        load: vec![load(0.1, HOME, 0, 0), load(1.1, "local-1", 2030, 4_653_056)],
        refused: vec![RefusedReport {
            tid: 4711,
            reason: Refusal::Blocked,
            times: 1,
            last_s: 0.5,
        }],
        notes: vec![Note {
            t_s: 3.1,
            text: "the program stays at home".to_owned(),
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(t_s: f64, tid: i32, what: What) -> Event {
        Event { t_s, tid, what }
    }

    fn offload(board: &str) -> What {
        What::Offload {
            board: board.into(),
            reason: "home is full".into(),
        }
    }

    #[test]
    fn stays_follow_each_other_without_a_gap() {
        let mut recorder = Recorder::default();
        let home = What::Home {
            board: "b".into(),
            cause: RecallCause::Policy,
        };
        let recall = What::Recall {
            reason: "home is idle".into(),
        };
        for event in [
            at(0.0, 1, What::Born),
            at(1.0, 1, offload("b")),
            at(2.0, 1, recall),
            at(3.0, 1, home),
        ] {
            recorder.take(&event);
        }
        assert_eq!(recorder.threads(), BTreeMap::from([(HOME.into(), 1)]));
        recorder.take(&at(4.0, 1, offload("c")));
        assert_eq!(recorder.threads(), BTreeMap::from([("c".into(), 1)]));
        let timeline = recorder.finish(5.0);
        let seen: Vec<(&str, f64, f64)> = timeline
            .stays
            .iter()
            .map(|stay| (stay.node.as_str(), stay.from_s, stay.to_s))
            .collect();
        let expected = [
            (HOME, 0.0, 1.0),
            ("b", 1.0, 3.0),
            (HOME, 3.0, 4.0),
            ("c", 4.0, 5.0),
        ];
        assert_eq!(seen, expected);
        let there = &timeline.stays[1];
        assert_eq!(there.why, "home is full");
        assert_eq!(there.cause, Some(RecallCause::Policy));
        assert_eq!(there.recall.as_deref(), Some("home is idle"));
        assert_eq!(timeline.stays[3].cause, None);
    }

    #[test]
    fn memory_is_bounded_and_nothing_is_lost_in_silence() {
        let mut recorder = Recorder::default();
        recorder.take(&at(0.0, 1, What::Born));
        let rounds = MOST_STAYS as u64;
        for _ in 0..rounds {
            recorder.take(&at(0.0, 1, offload("b")));
        }
        for second in 0..10_000 {
            recorder.sample(f64::from(second), &Pages::default());
        }
        let timeline = recorder.finish(1.0);
        assert_eq!(
            timeline.stays.len() as u64 + timeline.stays_left_out,
            rounds + 1
        );
        assert!(timeline.load.len() <= MOST_SAMPLES && timeline.load.len() > MOST_SAMPLES / 4);
        let gaps: Vec<f64> = timeline
            .load
            .windows(2)
            .map(|w| w[1].t_s - w[0].t_s)
            .collect();
        assert!(gaps.windows(2).skip(1).all(|w| w[0] == w[1]), "{gaps:?}");
    }

    #[test]
    fn refusals_are_kept_by_thread_and_reason() {
        let mut recorder = Recorder::default();
        let refused = |reason| What::Refused {
            board: None,
            reason,
        };
        recorder.take(&at(1.0, 1, refused(Refusal::Blocked)));
        recorder.take(&at(2.0, 1, refused(Refusal::Signal)));
        recorder.take(&at(3.0, 1, refused(Refusal::Blocked)));
        let timeline = recorder.finish(4.0);
        let seen: Vec<_> = timeline
            .refused
            .iter()
            .map(|r| (r.reason, r.times, r.last_s))
            .collect();
        assert_eq!(
            seen,
            [(Refusal::Blocked, 2, 3.0), (Refusal::Signal, 1, 2.0)]
        );
    }
}
