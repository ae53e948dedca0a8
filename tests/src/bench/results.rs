//! Results: a JSON line for machines, a table for people.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;

use crate::checkout;

/// What a benchmark should reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// No more than this ratio.
    AtMost(f64),
    /// No less than this ratio.
    AtLeast(f64),
    /// The ratio is only watched.
    None,
}

/// One result. The floor is what the machine gives without rtx.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    bench: &'static str,
    ours: f64,
    floor: f64,
    unit: &'static str,
    ratio: f64,
    runs: u32,
    #[serde(skip)]
    target: Target,
}

impl Sample {
    /// A result with its ratio.
    pub fn new(bench: &'static str, ours: f64, floor: f64, unit: &'static str, runs: u32) -> Self {
        Self {
            bench,
            ours: rounded(ours),
            floor: rounded(floor),
            unit,
            ratio: rounded(ours / floor),
            runs,
            target: Target::None,
        }
    }

    /// Says what the ratio should be.
    pub fn target(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    /// Whether the ratio is as it should be.
    pub fn verdict(&self) -> &'static str {
        let met = match self.target {
            Target::None => return "",
            Target::AtMost(limit) => self.ratio <= limit,
            Target::AtLeast(limit) => self.ratio >= limit,
        };
        if met { "met" } else { "MISSED" }
    }

    /// Its line of the table.
    pub fn row(&self) -> String {
        let Self {
            bench,
            ours,
            floor,
            unit,
            ratio,
            runs,
            ..
        } = self;
        let target = match self.target {
            Target::None => String::new(),
            Target::AtMost(limit) => format!("<= {limit}"),
            Target::AtLeast(limit) => format!(">= {limit}"),
        };
        let verdict = self.verdict();
        let row = format!(
            "{bench:<20} {ours:>10} {floor:>10} {unit:<5} {ratio:>8} {target:>8} {verdict:<6} {runs:>4}"
        );
        row.trim_end().to_owned()
    }
}

/// The table's head.
pub fn head() -> String {
    format!(
        "{:<20} {:>10} {:>10} {:<5} {:>8} {:>8} {:<6} {:>4}",
        "bench", "ours", "floor", "unit", "ratio", "target", "", "runs"
    )
}

/// Four significant digits: more would pretend.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = 3 - value.abs().log10().floor() as i32;
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

/// Where results are collected.
pub fn file() -> PathBuf {
    checkout::root().join("target/bench/results.jsonl")
}

/// Adds a line to the file.
pub fn append(sample: &Sample) -> io::Result<()> {
    let path = file();
    fs::create_dir_all(path.parent().expect("it lies in a directory"))?;
    let line = serde_json::to_string(sample)?;
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    writeln!(file, "{line}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_promised_fields() {
        let sample = Sample::new("page_fault", 61.23456, 50.0, "us", 5).target(Target::AtMost(1.3));
        let line = serde_json::to_string(&sample).expect("JSON");
        assert_eq!(
            line,
            r#"{"bench":"page_fault","ours":61.23,"floor":50.0,"unit":"us","ratio":1.225,"runs":5}"#
        );
        assert_eq!(sample.verdict(), "met");
    }

    #[test]
    fn targets_have_a_direction() {
        let sample = |target| Sample::new("x", 2.0, 1.0, "s", 1).target(target).verdict();
        assert_eq!(sample(Target::AtMost(1.9)), "MISSED");
        assert_eq!(sample(Target::AtLeast(1.9)), "met");
        assert_eq!(sample(Target::None), "");
    }

    #[test]
    fn numbers_keep_four_digits() {
        assert_eq!(
            [12345.6, 1.000_04, 0.012_345_6].map(rounded),
            [12350.0, 1.0, 0.01235]
        );
        assert_eq!(rounded(0.0), 0.0);
    }
}
