//! Reading a report, as its users would.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

/// A report of the form `rtx.report.v1`; fields that later versions add are ignored.
#[derive(Debug, Clone, Deserialize)]
pub struct Report {
    pub schema: String,
    pub program: String,
    pub args: Vec<String>,
    pub origin: Option<String>,
    pub exit: Exit,
    pub crash: Option<Crash>,
    pub wall_s: f64,
    pub policy: String,
    pub boards: Vec<Board>,
    pub threads: Vec<Thread>,
    pub calls: Vec<Call>,
    pub recall_causes: BTreeMap<String, u64>,
    /// Processor seconds by instruction set.
    pub isa_s: BTreeMap<String, f64>,
    /// Moves between instruction sets, both ways.
    pub crossings: u64,
    /// How often threads stayed that were to move between instruction sets, by reason.
    pub stays: BTreeMap<String, u64>,
    pub energy: Option<Energy>,
    pub pages: Pages,
    pub latency_us: Latencies,
}

/// What machines took from the wall.
#[derive(Debug, Clone, Deserialize)]
pub struct Energy {
    pub joules: f64,
    pub source: String,
}

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Exit {
    pub code: Option<i32>,
    pub signal: Option<i32>,
}

/// How it died by a signal of its own.
#[derive(Debug, Clone, Deserialize)]
pub struct Crash {
    pub tid: i32,
    pub signal: i32,
    pub board: Option<String>,
    pub frames: Vec<Frame>,
    pub end: Option<String>,
    pub why: Option<String>,
}

/// A function it was in.
#[derive(Debug, Clone, Deserialize)]
pub struct Frame {
    pub address: String,
    pub function: Option<String>,
    pub file: Option<String>,
    pub line: Option<u32>,
}

/// A board.
#[derive(Debug, Clone, Deserialize)]
pub struct Board {
    pub name: String,
    pub isa: String,
    pub address: String,
    pub threads_s: f64,
}

/// A thread; times are processor seconds.
#[derive(Debug, Clone, Deserialize)]
pub struct Thread {
    pub tid: i32,
    pub home_s: f64,
    pub board_s: f64,
    pub offloads: u64,
    pub recalls: u64,
    pub back_migrations: u64,
    pub home_calls: u64,
}

impl Thread {
    /// Which part of its processor time it used on boards, 0 to 1.
    pub fn board_part(&self) -> f64 {
        self.board_s / (self.board_s + self.home_s).max(f64::MIN_POSITIVE)
    }
}

/// A system call made on boards.
#[derive(Debug, Clone, Deserialize)]
pub struct Call {
    pub name: String,
    pub nr: i64,
    pub count: u64,
}

/// Page traffic.
#[derive(Debug, Clone, Deserialize)]
pub struct Pages {
    pub read: u64,
    pub write: u64,
    pub upgrade: u64,
    pub invalidated: u64,
    pub prefetched: u64,
    pub zero: u64,
    pub bytes: u64,
}

/// Durations in microseconds.
#[derive(Debug, Clone, Deserialize)]
pub struct Latencies {
    pub fault: Percentiles,
    pub freeze: Percentiles,
    pub offload: Percentiles,
    pub back_migration: Percentiles,
    pub cross_isa: Percentiles,
    pub to_point: Percentiles,
    pub from_point: Percentiles,
}

/// Of `count` durations.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Percentiles {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
    pub count: u64,
}

impl Report {
    /// Reads one.
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("no report {}: {error}", path.display()));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    /// All threads but the first.
    pub fn children(&self) -> &[Thread] {
        self.threads.get(1..).unwrap_or_default()
    }

    /// How often threads went to boards.
    pub fn offloads(&self) -> u64 {
        self.threads.iter().map(|thread| thread.offloads).sum()
    }

    /// How often threads came back from boards.
    pub fn recalls(&self) -> u64 {
        self.threads.iter().map(|thread| thread.recalls).sum()
    }

    /// How often threads moved, to boards and back.
    pub fn moves(&self) -> u64 {
        let moves = |thread: &Thread| thread.offloads + thread.recalls;
        self.threads.iter().map(moves).sum()
    }

    /// The names of the system calls that were made on boards.
    pub fn calls_made(&self) -> BTreeSet<String> {
        self.calls.iter().map(|call| call.name.clone()).collect()
    }
}
