//! `--events FILE`: a line of JSON for each event, after one that says what this is.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rtx_runtime::report::Exit;
use serde::Serialize;
use serde_json::json;

use super::WatchError;

/// The name of this form, in the field `schema` of the first line.
const SCHEMA: &str = "rtx.events.v1";

pub(super) struct EventFile {
    path: PathBuf,
    file: BufWriter<File>,
}

impl EventFile {
    pub fn create(path: &Path, program: &str) -> Result<Self, WatchError> {
        let file = File::create(path).map_err(|source| WatchError::Events {
            path: path.to_owned(),
            source,
        })?;
        let mut file = Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
        };
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let since = since.map_or(0.0, |since| since.as_secs_f64());
        file.write(&json!({"schema": SCHEMA, "program": program, "start_unix_s": since}))?;
        file.flush()?;
        Ok(file)
    }

    pub fn write(&mut self, line: &impl Serialize) -> Result<(), WatchError> {
        let written = serde_json::to_writer(&mut self.file, line)
            .map_err(std::io::Error::from)
            .and_then(|()| self.file.write_all(b"\n"));
        written.map_err(|source| self.failed(source))
    }

    pub fn flush(&mut self) -> Result<(), WatchError> {
        self.file.flush().map_err(|source| self.failed(source))
    }

    /// The last line.
    pub fn end(&mut self, t_s: f64, exit: Option<Exit>, left_out: u64) -> Result<(), WatchError> {
        if left_out > 0 {
            self.write(&json!({"t_s": t_s, "event": "left-out", "count": left_out}))?;
        }
        let (code, signal) = exit.map_or((None, None), |exit| (exit.code, exit.signal));
        self.write(&json!({"t_s": t_s, "event": "exit", "code": code, "signal": signal}))?;
        self.flush()
    }

    fn failed(&self, source: std::io::Error) -> WatchError {
        WatchError::Events {
            path: self.path.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtx_runtime::report::{Event, What};

    fn born() -> Event {
        Event {
            t_s: 0.25,
            tid: 7,
            what: What::Born,
        }
    }

    #[test]
    fn lines_begin_with_the_schema_and_end_with_the_exit() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("e");
        let mut file = EventFile::create(&path, "app").expect("created");
        file.write(&born()).expect("written");
        file.end(1.5, Some(Exit::by_signal(9)), 3).expect("written");
        let text = std::fs::read_to_string(&path).expect("read");
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0]["schema"], SCHEMA);
        assert_eq!(lines[1], json!({"t_s": 0.25, "tid": 7, "event": "born"}));
        assert_eq!(lines[2]["count"], 3);
        assert_eq!(lines[3]["signal"], 9);
    }

    #[test]
    fn a_full_disk_is_an_error() {
        // The first line is written at once.
        let error = EventFile::create("/dev/full".as_ref(), "app").err();
        let message = error.expect("full").to_string();
        assert_eq!(message, "cannot write events to '/dev/full'");
    }
}
