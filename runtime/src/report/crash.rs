//! How a program came to die by a signal of its own: the thread, where it ran, and its functions.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::trace::{Backtrace, End, Frame};

/// A death by a signal that writes a core (signal(7)).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CrashReport {
    /// The thread to which the signal was delivered.
    pub tid: i32,
    /// The signal.
    pub signal: i32,
    /// Name of the board on which the thread ran when it happened; `null`: at home.
    pub board: Option<String>,
    /// The functions it was in, the innermost first. Empty if they could not be found out.
    pub frames: Vec<Frame>,
    /// Why there are no more frames; `null` if there are none.
    pub end: Option<End>,
    /// Why there are no frames; `null` if there are.
    pub why: Option<String>,
}

impl CrashReport {
    /// With its functions, or why they are not known.
    pub fn with(self, backtrace: Result<Backtrace, String>) -> Self {
        let (frames, end, why) = match backtrace {
            Ok(backtrace) => (backtrace.frames, Some(backtrace.end), None),
            Err(why) => (Vec::new(), None, Some(why)),
        };
        Self {
            frames,
            end,
            why,
            ..self
        }
    }
}

/// Lines for people, with a newline at the end.
impl fmt::Display for CrashReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tid, signal) = (self.tid, self.signal);
        let place = match &self.board {
            Some(board) => format!("on board {board}"),
            None => "at home".to_owned(),
        };
        writeln!(f, "thread {tid} died by signal {signal} {place}:")?;
        let text = match (&self.end, &self.why) {
            (Some(end), _) => {
                let (frames, end) = (self.frames.clone(), *end);
                Backtrace { frames, end }.to_string()
            }
            (None, Some(why)) => format!("no backtrace: {why}"),
            (None, None) => "no backtrace".to_owned(),
        };
        text.lines().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample() -> CrashReport {
        let backtrace = Backtrace {
            frames: vec![Frame {
                address: 0x40_1234,
                function: Some("leaf".into()),
                file: Some("app.c".into()),
                line: Some(12),
                ..Frame::default()
            }],
            end: End::TooMany,
        };
        let crash = CrashReport {
            tid: 4711,
            signal: 11,
            board: Some("local-1".into()),
            ..CrashReport::default()
        };
        crash.with(Ok(backtrace))
    }

    #[test]
    fn the_json_form_is_the_promised_one() {
        let expected = json!({
            "tid": 4711, "signal": 11, "board": "local-1",
            "frames": [{
                "address": "0x401234", "function": "leaf", "file": "app.c", "line": 12,
                "inlined": false, "guessed": false,
            }],
            "end": "too-many", "why": null,
        });
        let json = serde_json::to_value(sample()).expect("serializable");
        assert_eq!(json, expected);
        let back: CrashReport = serde_json::from_value(json).expect("readable");
        assert_eq!(back, sample());
    }

    #[test]
    fn people_see_the_thread_its_place_and_its_functions() {
        let expected = "\
thread 4711 died by signal 11 on board local-1:
  #0 0x401234 leaf app.c:12
  (and more)
";
        assert_eq!(sample().to_string(), expected);
        let unknown = CrashReport::default().with(Err("it is gone".into()));
        let expected = "thread 0 died by signal 0 at home:\n  no backtrace: it is gone\n";
        assert_eq!(unknown.to_string(), expected);
    }
}
