//! What an agent is told that rtx-run has started for a job: one line of JSON on its standard input.
//!
//! The agent lives as long as that input is open: if rtx-run ends, in whatever way, so does the agent.

use std::fs;
use std::io::{self, BufRead, Read};
use std::net::SocketAddr;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::wire::secret::Secret;

/// The orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orders {
    /// What homes must know.
    pub secret: Secret,
    /// Where to listen.
    pub listen: SocketAddr,
    /// What to call itself; `None`: as the host.
    pub name: Option<String>,
    /// Threads to take at most; 0: no limit.
    pub slots: u32,
    /// Listen where other machines can reach it.
    pub insecure: bool,
}

/// The longest line of orders.
const MOST_BYTES: u64 = 64 << 10;

impl Orders {
    /// The line that tells them.
    pub fn line(&self) -> String {
        serde_json::to_string(self).expect("strings, numbers and booleans only") + "\n"
    }

    /// Waits for the line.
    pub fn read(input: impl BufRead) -> io::Result<Self> {
        let mut line = String::new();
        input.take(MOST_BYTES).read_line(&mut line)?;
        serde_json::from_str(&line)
            .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, format!("no orders: {e}")))
    }
}

/// Ends this process when nobody holds the other end of its standard input any more.
pub(super) fn end_with_input() -> io::Result<()> {
    let watch = || {
        let mut byte = [0; 64];
        // Whatever else is said there means nothing.
        while !matches!(io::stdin().read(&mut byte), Ok(0) | Err(_)) {}
        std::process::exit(0);
    };
    let thread = std::thread::Builder::new().name("rtx-orders".into());
    thread.spawn(watch).map(drop)
}

/// Removes the directory that was made for the agent, in which nothing is but its file: the process runs
/// on without it, and leaves nothing behind however it ends.
pub(super) fn remove(directory: &Path) -> io::Result<()> {
    fs::remove_file(directory.join("rtx-board"))?;
    fs::remove_dir(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_a_line() {
        let orders = Orders {
            secret: Secret::new().expect("random numbers"),
            listen: "[::1]:0".parse().expect("an address"),
            name: Some("a\nb".into()),
            slots: 3,
            insecure: true,
        };
        let text = orders.line();
        assert_eq!(text.lines().count(), 1);
        let more = format!("{text}more");
        assert_eq!(Orders::read(more.as_bytes()).expect("read"), orders);
        for wrong in ["", "{}", "\n"] {
            let error = Orders::read(wrong.as_bytes()).expect_err("no orders");
            assert!(error.to_string().starts_with("no orders: "), "{error}");
        }
    }
}
