//! Recordings: what a policy saw and decided, as lines of JSON.
//!
//! The first line is the [`Header`], every other one a [`Look`]. A recording holds all that the policy
//! was made of, scripts included, so that it can be replayed elsewhere.

use serde::{Deserialize, Serialize};

use crate::{Decision, PolicySpec, Snapshot};

/// The form of recordings that is written and read.
pub const FORM: u32 = 1;

/// The first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORM`].
    pub rtx_recording: u32,
    /// The version of rtx that made it.
    pub version: String,
    /// The policy with all its parameters.
    pub policy: PolicySpec,
    /// The program's path and arguments.
    pub program: Vec<String>,
}

/// One call of the policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// What it saw.
    pub snapshot: Snapshot,
    /// What it decided.
    pub decisions: Vec<Decision>,
}

/// A whole recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The first line.
    pub header: Header,
    /// The other lines.
    pub looks: Vec<Look>,
    /// It ends in the middle of a line: whoever made it was killed, or its disk full.
    pub cut_off: bool,
}

/// A text is no recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// There is no header.
    #[error("line 1: this is no recording of rtx")]
    Header,
    /// Another form.
    #[error("line 1: the recording has form {found}, this version of rtx reads form {FORM}")]
    Form {
        /// That of the recording.
        found: u64,
    },
    /// A line makes no sense.
    #[error("line {line}: {why}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        why: serde_json::Error,
    },
}

impl Header {
    /// The header of a recording that is made now.
    pub fn new(version: &str, policy: PolicySpec, program: Vec<String>) -> Self {
        Self {
            rtx_recording: FORM,
            version: version.to_owned(),
            policy,
            program,
        }
    }
}

/// A line, with its end.
pub fn line<T: Serialize>(what: &T) -> String {
    let mut text = serde_json::to_string(what).expect("plain data can be written");
    text.push('\n');
    text
}

impl Recording {
    /// Reads a recording. A last line without its end is left out.
    pub fn parse(text: &str) -> Result<Self, RecordingError> {
        let mut lines = text.split_inclusive('\n').enumerate();
        let first = lines.next().map_or("", |(_, line)| line);
        let value: serde_json::Value =
            serde_json::from_str(first).map_err(|_| RecordingError::Header)?;
        let form = value
            .get("rtx_recording")
            .and_then(serde_json::Value::as_u64);
        let found = form.ok_or(RecordingError::Header)?;
        if found != u64::from(FORM) {
            return Err(RecordingError::Form { found });
        }
        let wrong = |index: usize| {
            move |why| RecordingError::Line {
                line: index + 1,
                why,
            }
        };
        let header = serde_json::from_str(first).map_err(wrong(0))?;
        let mut looks = Vec::new();
        let mut cut_off = false;
        for (index, line) in lines {
            match line.strip_suffix('\n') {
                Some(line) => looks.push(serde_json::from_str(line).map_err(wrong(index))?),
                None => cut_off = true,
            }
        }
        Ok(Self {
            header,
            looks,
            cut_off,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::read_nothing;
    use crate::testing::{board, thread};

    fn text() -> String {
        let policy = PolicySpec::parse("shuffle:3", &read_nothing).expect("known");
        let mut snapshot = Snapshot {
            time_ms: 7,
            threads: vec![thread(1)],
            boards: vec![board(1)],
            ..Snapshot::default()
        };
        snapshot.home.load = 0.1 + 0.2;
        let look = Look {
            snapshot,
            decisions: vec![Decision::offload(2, 1, "\"why\"\n".to_owned())],
        };
        let header = Header::new("0.0.0", policy, vec!["./app".to_owned()]);
        [line(&header), line(&look)].concat()
    }

    #[test]
    fn what_is_written_is_read() {
        let recording = Recording::parse(&text()).expect("a recording");
        assert_eq!(recording.looks[0].snapshot.home.load, 0.1 + 0.2);
        assert_eq!(recording.looks[0].decisions[0].reason, "\"why\"\n");
        assert!(!recording.cut_off);
        let again = [line(&recording.header), line(&recording.looks[0])].concat();
        assert_eq!(again, text());
    }

    #[test]
    fn what_is_cut_off_or_wrong_is_told() {
        let whole = text();
        let cut = Recording::parse(&whole[..whole.len() - 5]).expect("a recording");
        assert!(cut.cut_off && cut.looks.is_empty());
        let error = |text: &str| Recording::parse(text).expect_err("wrong").to_string();
        assert_eq!(error(""), "line 1: this is no recording of rtx");
        assert_eq!(error("{}\n"), "line 1: this is no recording of rtx");
        let other = whole.replace("\"rtx_recording\":1", "\"rtx_recording\":2");
        assert!(error(&other).contains("has form 2"));
        assert!(error(&(whole + "{}x\n")).starts_with("line 3: "));
    }
}
