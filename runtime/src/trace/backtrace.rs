//! A backtrace, as data and for people.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::unwind::End;

/// One function that a thread is in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Where it goes on, in memory. In JSON as a text of hexadecimal digits: such numbers are too large
    /// for many readers.
    #[serde(with = "hexadecimal")]
    pub address: u64,
    /// Its name, if the file has it.
    pub function: Option<String>,
    /// The source file, as the compiler was told its name.
    pub file: Option<String>,
    /// The line there, from 1 on.
    pub line: Option<u32>,
    /// It has no frame of its own: it was inlined into the next one.
    pub inlined: bool,
    /// It was found by looking for return addresses, and may be a call that is over.
    pub guessed: bool,
}

/// The functions that a thread is in, the innermost first, and why there are no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backtrace {
    /// They are.
    pub frames: Vec<Frame>,
    /// Why it ends there.
    pub end: End,
}

mod hexadecimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{value:#x}"))
    }

    pub fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<u64, D::Error> {
        let text = String::deserialize(from)?;
        let digits = text.strip_prefix("0x").ok_or(D::Error::custom("no 0x"))?;
        u64::from_str_radix(digits, 16).map_err(D::Error::custom)
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.address)?;
        f.write_str(if self.guessed { " ?" } else { "" })?;
        if let Some(function) = &self.function {
            write!(f, " {function}")?;
        }
        if let Some(file) = &self.file {
            write!(f, " {file}")?;
            if let Some(line) = self.line {
                write!(f, ":{line}")?;
            }
        }
        f.write_str(if self.inlined { " (inlined)" } else { "" })
    }
}

/// Lines, without a newline at the end. Calls of a function by itself from one place are one line.
impl fmt::Display for Backtrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut number = 0;
        for alike in self.frames.chunk_by(|a, b| a == b) {
            let newline = if number == 0 { "" } else { "\n" };
            write!(f, "{newline}#{number} {}", alike[0])?;
            number += alike.len();
            if alike.len() > 1 {
                write!(f, " (and so to #{})", number - 1)?;
            }
        }
        match self.end {
            End::Bottom => Ok(()),
            End::Memory => f.write_str("\n(the rest of its stack is not here)"),
            End::Lost => f.write_str("\n(its caller cannot be found)"),
            End::TooMany => f.write_str("\n(and more)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_function_file_and_line_and_recursion_once() {
        let frame = |address, function: &str, line| Frame {
            address,
            function: Some(function.into()),
            file: Some("app.c".into()),
            line: Some(line),
            ..Frame::default()
        };
        let mut inner = frame(0x10, "leaf", 3);
        inner.inlined = true;
        let mut guessed = frame(0x30, "start", 0);
        (guessed.file, guessed.line, guessed.guessed) = (None, None, true);
        let mut frames = vec![inner];
        frames.extend(vec![frame(0x20, "rec", 7); 3]);
        frames.push(guessed);
        frames.push(Frame {
            address: 0x40,
            ..Frame::default()
        });
        let end = End::Memory;
        let text = Backtrace { frames, end }.to_string();
        let expected = "\
#0 0x10 leaf app.c:3 (inlined)
#1 0x20 rec app.c:7 (and so to #3)
#4 0x30 ? start
#5 0x40
(the rest of its stack is not here)";
        assert_eq!(text, expected);
    }
}
