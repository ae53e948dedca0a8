//! What a test and the machine's agent say to each other: one request a connection. Requests and replies
//! are lines of JSON, followed by as many bytes as they announce.

use std::io::{self, BufRead, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The agent's port.
pub const PORT: u16 = 7779;

/// A wish.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    /// Write a file (its bytes follow) and the directories above it.
    Put { path: String, mode: u32, bytes: u64 },
    /// Run a program, without input, to its end or for so long; then it is killed.
    Run {
        argv: Vec<String>,
        environment: Vec<(String, String)>,
        directory: String,
        limit_s: u64,
    },
    /// Start a program that stays; what it writes goes to this file.
    Start { argv: Vec<String>, output: String },
}

/// An answer.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    /// It is done.
    Done,
    /// A program ended (its stdout and stderr follow).
    Ran {
        code: Option<i32>,
        signal: Option<i32>,
        timed_out: bool,
        stdout: u64,
        stderr: u64,
    },
    /// It cannot be done.
    Failed(String),
}

/// Writes a request or a reply.
pub fn say(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    to.write_all(&line)
}

/// Reads one.
pub fn hear<T: DeserializeOwned>(from: &mut impl BufRead) -> io::Result<T> {
    let mut line = Vec::new();
    from.read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_slice(&line)?)
}

/// Reads the bytes that were announced.
pub fn bytes(from: &mut impl Read, count: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(count).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != count {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_arrives_with_its_bytes() {
        let mut sent = Vec::new();
        let path = "/x".to_owned();
        let (mode, bytes_ahead) = (0o755, 3);
        let put = Request::Put {
            path,
            mode,
            bytes: bytes_ahead,
        };
        say(&mut sent, &put).unwrap();
        sent.extend_from_slice(b"abc");
        let mut from = sent.as_slice();
        let Request::Put {
            path,
            mode,
            bytes: count,
        } = hear(&mut from).unwrap()
        else {
            panic!("another request");
        };
        assert_eq!((path.as_str(), mode), ("/x", 0o755));
        assert_eq!(bytes(&mut from, count).unwrap(), b"abc");
        assert!(hear::<Request>(&mut from).is_err());
    }
}
