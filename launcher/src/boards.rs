//! Which boards a job uses: what `--boards` says.

use std::fmt;
use std::str::FromStr;

use crate::errors::Explain;

/// At most this many boards in one job: a board's id has one byte, and home is a node too.
pub const MOST_BOARDS: usize = 63;

/// The boards of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BoardsSpec {
    /// None: the program stays at home.
    None,
    /// This many boards (1 to [`MOST_BOARDS`]), started as child processes on loopback and ended
    /// with the job.
    Local(u8),
    /// Running agents, in the order given.
    Remote(Vec<BoardAddress>),
}

/// Where an agent listens. The host is resolved when it is connected to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BoardAddress {
    /// A host name or an IP address, without the brackets of IPv6.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

/// What a list of boards must look like; ends every message about one.
const FIX: &str = "Give local:N for N boards on this machine, or HOST:PORT,HOST:PORT,... for \
                   running rtx-board agents";

/// A list of boards could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BoardsError {
    /// Nothing was given, or nothing between two commas.
    #[error("the list of boards \"{list}\" has an empty entry")]
    Empty {
        /// The whole list.
        list: String,
    },
    /// `local:` without a usable number.
    #[error("the number of local boards \"{count}\" is not between 1 and {MOST_BOARDS}")]
    Count {
        /// What stands after `local:`.
        count: String,
    },
    /// An entry without a port.
    #[error("the board \"{board}\" has no port")]
    NoPort {
        /// The entry.
        board: String,
    },
    /// An entry whose port is no number from 1 to 65535.
    #[error("the board \"{board}\" has the port \"{port}\", which is not between 1 and 65535")]
    Port {
        /// The entry.
        board: String,
        /// What stands after the last colon.
        port: String,
    },
    /// An entry whose host is empty or has characters that no host has.
    #[error("the board \"{board}\" has no valid host")]
    Host {
        /// The entry.
        board: String,
    },
    /// An entry that is given twice.
    #[error("the board \"{board}\" is given twice")]
    Twice {
        /// The entry.
        board: String,
    },
    /// `local:N` beside other entries.
    #[error("the board \"{board}\" stands beside others")]
    Mixed {
        /// The entry.
        board: String,
    },
    /// More than [`MOST_BOARDS`].
    #[error("{count} boards are more than {MOST_BOARDS}")]
    TooMany {
        /// How many were given.
        count: usize,
    },
}

impl Explain for BoardsError {
    fn fix(&self) -> Option<String> {
        Some(FIX.to_owned())
    }
}

impl FromStr for BoardsSpec {
    type Err = BoardsError;

    fn from_str(list: &str) -> Result<Self, BoardsError> {
        if let Some(count) = list.strip_prefix("local:").filter(|n| !n.contains(',')) {
            return local(count);
        }
        let mut boards: Vec<BoardAddress> = Vec::new();
        for entry in list.split(',').map(str::trim) {
            if entry.is_empty() {
                return Err(BoardsError::Empty { list: list.into() });
            }
            let address: BoardAddress = entry.parse()?;
            if boards.contains(&address) {
                let board = entry.to_owned();
                return Err(BoardsError::Twice { board });
            }
            boards.push(address);
        }
        match boards.len() {
            count if count > MOST_BOARDS => Err(BoardsError::TooMany { count }),
            _ => Ok(BoardsSpec::Remote(boards)),
        }
    }
}

fn local(count: &str) -> Result<BoardsSpec, BoardsError> {
    match count.parse::<u8>() {
        Ok(n) if (1..=MOST_BOARDS).contains(&usize::from(n)) => Ok(BoardsSpec::Local(n)),
        _ => Err(BoardsError::Count {
            count: count.to_owned(),
        }),
    }
}

impl FromStr for BoardAddress {
    type Err = BoardsError;

    fn from_str(entry: &str) -> Result<Self, BoardsError> {
        let board = entry.to_owned();
        let Some((host, port)) = entry.rsplit_once(':') else {
            return Err(BoardsError::NoPort { board });
        };
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let valid = match bare {
            Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
            // An IPv6 address without brackets has colons: its last group is no port.
            None if host.contains(':') => return Err(BoardsError::NoPort { board }),
            None => is_host(host),
        };
        if host == "local" {
            return Err(BoardsError::Mixed { board });
        }
        if !valid {
            return Err(BoardsError::Host { board });
        }
        match port.parse() {
            Ok(port) if port > 0 => Ok(Self {
                host: bare.unwrap_or(host).to_owned(),
                port,
            }),
            _ => Err(BoardsError::Port {
                port: port.to_owned(),
                board,
            }),
        }
    }
}

fn is_host(host: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !host.is_empty() && host.chars().all(allowed)
}

impl fmt::Display for BoardAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for BoardsSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Local(n) => write!(f, "local:{n}"),
            Self::Remote(boards) => {
                let boards: Vec<String> = boards.iter().map(ToString::to_string).collect();
                f.write_str(&boards.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(list: &str) -> Result<BoardsSpec, BoardsError> {
        list.parse()
    }

    #[test]
    fn lists_are_understood_and_shown_as_given() {
        for list in [
            "local:1",
            "local:63",
            "a:1",
            "10.0.0.2:7100,board-3.lan:7100",
            "[::1]:7100",
            "[fe80::1]:1,x_y:65535",
        ] {
            assert_eq!(parse(list).expect(list).to_string(), list);
        }
        assert_eq!(parse("local:2"), Ok(BoardsSpec::Local(2)));
        assert_eq!(parse("a:1, b:2"), parse("a:1,b:2"));
    }

    #[test]
    fn bad_lists_say_what_is_wrong() {
        for (list, message) in [
            ("", "the list of boards \"\" has an empty entry"),
            (
                "a:1,,b:2",
                "the list of boards \"a:1,,b:2\" has an empty entry",
            ),
            (
                "local:0",
                "the number of local boards \"0\" is not between 1 and 63",
            ),
            (
                "local:64",
                "the number of local boards \"64\" is not between 1 and 63",
            ),
            (
                "local:",
                "the number of local boards \"\" is not between 1 and 63",
            ),
            (
                "local:two",
                "the number of local boards \"two\" is not between 1 and 63",
            ),
            ("local", "the board \"local\" has no port"),
            ("board", "the board \"board\" has no port"),
            ("::1", "the board \"::1\" has no port"),
            (
                "b:x",
                "the board \"b:x\" has the port \"x\", which is not between 1 and 65535",
            ),
            (
                "b:0",
                "the board \"b:0\" has the port \"0\", which is not between 1 and 65535",
            ),
            (":7100", "the board \":7100\" has no valid host"),
            ("a b:7100", "the board \"a b:7100\" has no valid host"),
            ("[x]:7100", "the board \"[x]:7100\" has no valid host"),
            ("b:1,b:1", "the board \"b:1\" is given twice"),
            ("b:1,local:2", "the board \"local:2\" stands beside others"),
            ("local:2,b:1", "the board \"local:2\" stands beside others"),
        ] {
            assert_eq!(parse(list).expect_err(list).to_string(), message);
        }
        let many: Vec<String> = (1..=64).map(|port| format!("b:{port}")).collect();
        assert_eq!(
            parse(&many.join(",")),
            Err(BoardsError::TooMany { count: 64 })
        );
    }
}
