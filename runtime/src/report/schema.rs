//! The JSON form of a report, `rtx.report.v1`.
//!
//! Fields may be added to this version; none may be renamed, removed or change its unit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::calls::CallReport;
use super::causes::{RecallCause, Stay};
use super::crash::CrashReport;
use super::energy::EnergyReport;
use super::event::Refusal;
use super::timeline::Timeline;

/// The name of this form, in the field `schema` of every report.
pub const SCHEMA: &str = "rtx.report.v1";

/// One job from start to end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Path of the program. Bytes that are not UTF-8 are shown as U+FFFD.
    pub program: String,
    /// The program's arguments, without its own name. Bytes that are not UTF-8 are shown as U+FFFD.
    pub args: Vec<String>,
    /// Which compiler for threads that change their instruction set made the program: "rtx-cc", or "popcorn" (that
    /// of Popcorn Linux or HetMigrate); left out: neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// How the program ended.
    pub exit: Exit,
    /// How a signal of its own came to end it; `null` if none did.
    #[serde(default)]
    pub crash: Option<CrashReport>,
    /// From the program's start (or the attaching to it) to its end, in seconds.
    pub wall_s: f64,
    /// Name of the policy.
    pub policy: String,
    /// The job's boards, in the order in which they were configured.
    pub boards: Vec<BoardReport>,
    /// Every thread that the program ever had, in the order of creation.
    pub threads: Vec<ThreadReport>,
    /// System calls that were made on boards, by number. Calls that ran on a board itself are known
    /// once their thread has left it.
    pub calls: Vec<CallReport>,
    /// How often threads came home, by cause; causes that did not occur are left out.
    pub recall_causes: BTreeMap<RecallCause, u64>,
    /// Processor time by instruction set, home's included, in seconds.
    #[serde(default)]
    pub isa_s: BTreeMap<String, f64>,
    /// Moves of threads between instruction sets, both ways.
    #[serde(default)]
    pub crossings: u64,
    /// How often threads that were to move to another instruction set stayed where they were, by reason.
    #[serde(default)]
    pub stays: BTreeMap<Stay, u64>,
    /// What machines took from the wall; left out: nothing is known of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy: Option<EnergyReport>,
    /// Page traffic of the whole job.
    pub pages: Pages,
    /// How long faults and moves took, in microseconds.
    pub latency_us: LatencyReport,
    /// The same, in full.
    #[serde(default)]
    pub histograms_us: Histograms,
    /// How often threads that were to go to a board stayed, by reason.
    #[serde(default)]
    pub refusals: BTreeMap<Refusal, u64>,
    /// Where threads were when.
    #[serde(default)]
    pub timeline: Timeline,
    /// Pages over which nodes fought, the worst first.
    #[serde(default)]
    pub hot_pages: Vec<HotPage>,
}

/// How often durations lay in a bucket: the longest of it in microseconds, and how many. Empty buckets are left out.
pub type Buckets = Vec<(f64, u64)>;

/// Durations, counted; each bucket is twice as wide as the one before.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Histograms {
    /// As in [`LatencyReport`].
    pub fault: Buckets,
    /// As in [`LatencyReport`].
    pub freeze: Buckets,
    /// As in [`LatencyReport`].
    pub offload: Buckets,
    /// As in [`LatencyReport`].
    pub back_migration: Buckets,
    /// As in [`LatencyReport`].
    pub cross_isa: Buckets,
    /// As in [`LatencyReport`].
    pub to_point: Buckets,
    /// As in [`LatencyReport`].
    pub from_point: Buckets,
}

/// A page that nodes took from each other.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HotPage {
    /// Its address.
    pub address: u64,
    /// How often another node than the last one asked for it. Of pages that are asked for more rarely than others, less
    /// may have been counted.
    pub switches: u64,
    /// How often it was asked for to be written.
    pub writes: u64,
    /// The nodes that asked: `home`, or boards by name.
    pub nodes: Vec<String>,
    /// The first threads that asked, at most 8.
    pub threads: Vec<i32>,
    /// The program's variables in it, by name, as far as its file tells; the largest first.
    #[serde(default)]
    pub symbols: Vec<String>,
    /// Where the first of them stands, as `FILE:LINE`; left out: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

/// How a program ended: exactly one of the fields is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Exit {
    /// Its exit status, 0 to 255.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

impl Exit {
    /// The program ended by itself with this status.
    pub fn with_code(code: i32) -> Self {
        Self {
            code: Some(code),
            signal: None,
        }
    }

    /// The program was ended by this signal.
    pub fn by_signal(signal: i32) -> Self {
        Self {
            code: None,
            signal: Some(signal),
        }
    }
}

/// One board.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BoardReport {
    /// The name under which the board presented itself.
    pub name: String,
    /// Its instruction set: `x86_64` or `aarch64`.
    pub isa: String,
    /// Where it was reached, as `ADDRESS:PORT`.
    pub address: String,
    /// Processor time that the job's threads used there, in seconds.
    pub threads_s: f64,
}

/// One thread.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ThreadReport {
    /// The kernel's thread id at home; 0: the sum of threads that are not told one by one.
    pub tid: i32,
    /// Processor time at home, measured there, in seconds; the shadow's included.
    pub home_s: f64,
    /// Processor time on boards, measured there, in seconds.
    pub board_s: f64,
    /// How often the thread went to a board.
    pub offloads: u64,
    /// How often a decision brought it home.
    pub recalls: u64,
    /// How often it came home for a call that only home can complete.
    pub back_migrations: u64,
    /// System calls that its shadow executed for it.
    pub home_calls: u64,
}

/// Page traffic. A page has 4096 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pages {
    /// Pages granted for reading.
    pub read: u64,
    /// Pages granted for writing.
    pub write: u64,
    /// Pages that a node already had for reading and may now write.
    pub upgrade: u64,
    /// Copies that were dropped because another node wrote.
    pub invalidated: u64,
    /// Pages that were sent before they were asked for.
    pub prefetched: u64,
    /// Pages that travelled as "all zero".
    pub zero: u64,
    /// Bytes of page content that crossed the network, in both directions.
    pub bytes: u64,
}

/// Durations in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct LatencyReport {
    /// A page fault that needed the network, as the thread saw it.
    pub fault: Percentiles,
    /// From the request until the threads to be moved stood still.
    pub freeze: Percentiles,
    /// From the decision until the thread ran on the board.
    pub offload: Percentiles,
    /// From the call on the board until the thread could go on.
    pub back_migration: Percentiles,
    /// From the decision to move a thread to another instruction set until it ran there, both ways.
    #[serde(default)]
    pub cross_isa: Percentiles,
    /// Of a move from home: from asking the thread until it had come to an equivalence point and left its registers
    /// for its continuation.
    #[serde(default)]
    pub to_point: Percentiles,
    /// Of a move from home: from there until the thread ran on the board.
    #[serde(default)]
    pub from_point: Percentiles,
}

/// Of `count` durations: the median, two more percentiles and the longest, in microseconds; all 0
/// if there were none.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Percentiles {
    /// Half of the durations are at most this long.
    pub p50: f64,
    /// Nine of ten are at most this long.
    pub p90: f64,
    /// Ninety-nine of a hundred are at most this long.
    pub p99: f64,
    /// The longest.
    pub max: f64,
    /// How many there were.
    pub count: u64,
}

#[cfg(test)]
pub(super) fn sample() -> Report {
    let percentiles = |p50| Percentiles {
        p50,
        p90: 2.0 * p50,
        p99: 3.0 * p50,
        max: 4.5 * p50,
        count: 12,
    };
    Report {
        schema: SCHEMA.to_owned(),
        program: "target/guest/x86_64/matmul".to_owned(),
        args: vec!["--threads".to_owned(), "4".to_owned()],
        origin: Some("rtx-cc".to_owned()),
        exit: Exit::with_code(0),
        crash: None,
        wall_s: 3.25,
        policy: "static".to_owned(),
        boards: vec![BoardReport {
            name: "local-1".to_owned(),
            isa: "x86_64".to_owned(),
            address: "127.0.0.1:40001".to_owned(),
            threads_s: 6.5,
        }],
        threads: vec![ThreadReport {
            tid: 4711,
            home_s: 0.125,
            board_s: 6.5,
            offloads: 3,
            recalls: 1,
            back_migrations: 2,
            home_calls: 40,
        }],
        calls: vec![CallReport {
            name: "mmap".to_owned(),
            nr: 9,
            count: 40,
        }],
        recall_causes: BTreeMap::from([(RecallCause::NativeCall, 1)]),
        isa_s: BTreeMap::from([("x86_64".to_owned(), 6.625)]),
        crossings: 5,
        stays: BTreeMap::from([(Stay::NoPoint, 2)]),
        energy: None,
        pages: Pages {
            read: 1000,
            write: 200,
            upgrade: 30,
            invalidated: 25,
            prefetched: 800,
            zero: 64,
            bytes: 4_653_056,
        },
        latency_us: LatencyReport {
            fault: percentiles(60.0),
            freeze: percentiles(4.0),
            offload: percentiles(1200.0),
            back_migration: Percentiles::default(),
            cross_isa: Percentiles::default(),
            to_point: Percentiles::default(),
            from_point: Percentiles::default(),
        },
        histograms_us: Histograms {
            fault: vec![(64.0, 12)],
            ..Histograms::default()
        },
        refusals: BTreeMap::from([(Refusal::Blocked, 3)]),
        timeline: super::timeline::sample(),
        hot_pages: vec![HotPage {
            address: 0x5000,
            switches: 9,
            writes: 10,
            nodes: vec!["home".to_owned(), "local-1".to_owned()],
            threads: vec![4711],
            symbols: vec!["counter".to_owned()],
            line: Some("app.c:3".to_owned()),
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn the_json_form_is_the_promised_one() {
        let none = json!({"p50": 0.0, "p90": 0.0, "p99": 0.0, "max": 0.0, "count": 0});
        let expected = json!({
            "schema": "rtx.report.v1",
            "program": "target/guest/x86_64/matmul",
            "args": ["--threads", "4"],
            "origin": "rtx-cc",
            "exit": {"code": 0, "signal": null},
            "crash": null,
            "wall_s": 3.25,
            "policy": "static",
            "boards": [{
                "name": "local-1", "isa": "x86_64", "address": "127.0.0.1:40001",
                "threads_s": 6.5,
            }],
            "threads": [{
                "tid": 4711, "home_s": 0.125, "board_s": 6.5, "offloads": 3, "recalls": 1,
                "back_migrations": 2, "home_calls": 40,
            }],
            "calls": [{"name": "mmap", "nr": 9, "count": 40}],
            "recall_causes": {"native-call": 1},
            "isa_s": {"x86_64": 6.625},
            "crossings": 5,
            "stays": {"no-point": 2},
            "pages": {
                "read": 1000, "write": 200, "upgrade": 30, "invalidated": 25,
                "prefetched": 800, "zero": 64, "bytes": 4653056,
            },
            "latency_us": {
                "fault": {"p50": 60.0, "p90": 120.0, "p99": 180.0, "max": 270.0, "count": 12},
                "freeze": {"p50": 4.0, "p90": 8.0, "p99": 12.0, "max": 18.0, "count": 12},
                "offload": {
                    "p50": 1200.0, "p90": 2400.0, "p99": 3600.0, "max": 5400.0, "count": 12,
                },
                "back_migration": none,
                "cross_isa": none,
                "to_point": none,
                "from_point": none,
            },
            "histograms_us": {
                "fault": [[64.0, 12]], "freeze": [], "offload": [], "back_migration": [],
                "cross_isa": [], "to_point": [], "from_point": [],
            },
            "refusals": {"blocked": 3},
            "timeline": {
                "stays": [
                    {"tid": 4711, "node": "home", "from_s": 0.0, "to_s": 1.0},
                    {"tid": 4711, "node": "local-1", "from_s": 1.0, "to_s": 3.0,
                     "why": "home is full", "cause": "policy", "recall": "home is idle"},
                    {"tid": 4711, "node": "home", "from_s": 3.0, "to_s": 3.25},
                ],
                "stays_left_out": 0,
                "events_left_out": 0,
                "load": [
                    {"t_s": 0.1, "threads": {"home": 1}, "pages": 0, "bytes": 0},
                    {"t_s": 1.1, "threads": {"local-1": 1}, "pages": 2030, "bytes": 4653056},
                ],
                "refused": [{"tid": 4711, "reason": "blocked", "times": 1, "last_s": 0.5}],
                "notes": [{"t_s": 3.1, "text": "the program stays at home"}],
            },
            "hot_pages": [{
                "address": 20480, "switches": 9, "writes": 10, "nodes": ["home", "local-1"],
                "threads": [4711], "symbols": ["counter"], "line": "app.c:3",
            }],
        });
        let actual: Value = serde_json::to_value(sample()).expect("serializable");
        assert_eq!(actual, expected);
    }

    #[test]
    fn a_death_by_signal_has_no_code() {
        let exit = serde_json::to_value(Exit::by_signal(9)).expect("serializable");
        assert_eq!(exit, json!({"code": null, "signal": 9}));
    }

    #[test]
    fn a_report_survives_being_written_and_read() {
        let text = serde_json::to_string(&sample()).expect("serializable");
        let back: Report = serde_json::from_str(&text).expect("readable");
        assert_eq!(back, sample());
    }
}
