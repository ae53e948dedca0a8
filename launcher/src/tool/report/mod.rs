//! `rtx report` and `rtx explain`: a report of a job as a page to look at, and in sentences, or a running job in
//! sentences.
//!
//! [`page`] puts the page together, from drawings ([`chart`], [`histogram`], [`timeline`]) and tables. All of it is one
//! file, without scripts, which needs nothing from the network. [`explain`] makes sentences.

mod axis;
mod chart;
mod explain;
mod histogram;
mod page;
mod svg;
mod timeline;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rtx_runtime::report::{Report, SCHEMA, Timeline};

use crate::errors::Explain;

pub(super) use explain::explain;
pub(super) use page::page;

/// A report cannot be read, or its page not written.
#[derive(Debug, thiserror::Error)]
pub enum ReportFileError {
    /// The file cannot be read.
    #[error("cannot read the report '{}'", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is something else.
    #[error("'{}' is no report of rtx-run", path.display())]
    NoReport {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// It is of another version.
    #[error("'{}' is a report in the form \"{schema}\", this version reads \"{SCHEMA}\"", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// What it says of itself.
        schema: String,
    },
    /// The page cannot be written.
    #[error("cannot write '{}'", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The thread that is asked about is neither in the report nor in the job.
    #[error("there is nothing to tell of a thread {tid}")]
    NoThread {
        /// The thread.
        tid: i32,
    },
}

impl Explain for ReportFileError {
    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::Unreadable { .. } | Self::Unwritable { .. } => {
                "Check the path, and the permissions there".to_owned()
            }
            Self::NoReport { .. } => "Make one with rtx-run --report FILE".to_owned(),
            Self::Version { .. } => "Use the version of rtx that has written it".to_owned(),
            Self::NoThread { .. } => "Leave --thread out to hear of all".to_owned(),
        })
    }
}

/// Reads a report.
pub(super) fn read(path: &Path) -> Result<Report, ReportFileError> {
    let text = fs::read(path).map_err(|source| ReportFileError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let wrong = |source| ReportFileError::NoReport {
        path: path.to_owned(),
        source,
    };
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(wrong)?;
    match value.get("schema").and_then(|schema| schema.as_str()) {
        Some(schema) if schema != SCHEMA => Err(ReportFileError::Version {
            path: path.to_owned(),
            schema: schema.to_owned(),
        }),
        _ => serde_json::from_value(value).map_err(wrong),
    }
}

/// Writes the page.
pub(super) fn write(path: &Path, page: &str) -> Result<(), ReportFileError> {
    fs::write(path, page).map_err(|source| ReportFileError::Unwritable {
        path: path.to_owned(),
        source,
    })
}

/// The nodes of a report in their order: home, then the boards.
fn nodes(report: &Report) -> Vec<String> {
    let boards = report.boards.iter().map(|board| board.name.clone());
    std::iter::once(rtx_runtime::report::timeline::HOME.to_owned())
        .chain(boards)
        .collect()
}

/// What a report's timeline does not tell, in sentences.
fn left_out(timeline: &Timeline) -> impl Iterator<Item = String> {
    let (events, stays) = (timeline.events_left_out, timeline.stays_left_out);
    let events = (events > 0).then(|| {
        format!(
            "{events} events were left out, because they came too fast: what is told here may be wrong."
        )
    });
    let stays = (stays > 0).then(|| format!("{stays} more stays are not in the report."));
    events.into_iter().chain(stays)
}

/// A duration in seconds for people.
fn seconds(s: f64) -> String {
    match s {
        s if s < 1e-3 => format!("{:.0} us", s * 1e6),
        s if s < 1.0 => format!("{:.1} ms", s * 1e3),
        s if s < 1e3 => format!("{s:.2} s"),
        s => format!("{s:.0} s"),
    }
}

#[cfg(test)]
mod tests;
