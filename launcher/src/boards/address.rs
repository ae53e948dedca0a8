//! Where an agent listens, and what a host may be called.

use std::fmt;
use std::str::FromStr;

use super::BoardsError;

/// Where an agent listens. The host is resolved when it is connected to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BoardAddress {
    /// A host name or an IP address, without the brackets of IPv6.
    pub host: String,
    /// The TCP port.
    pub port: u16,
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
        if !valid {
            return Err(BoardsError::Host { board });
        }
        match parse_port(port) {
            Some(port) => Ok(Self {
                host: bare.unwrap_or(host).to_owned(),
                port,
            }),
            None => Err(BoardsError::Port {
                port: port.to_owned(),
                board,
            }),
        }
    }
}

/// A port from 1 to 65535.
pub(super) fn parse_port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port > 0)
}

/// Whether it can be a host, and is nothing that another command would take for a flag.
pub(super) fn is_host(host: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !host.is_empty() && !host.starts_with('-') && host.chars().all(allowed)
}

/// The same for ssh, which may also be told the user.
pub(super) fn is_ssh_host(host: &str) -> bool {
    match host.split_once('@') {
        Some((user, host)) => is_host(user) && is_host(host),
        None => is_host(host),
    }
}

impl fmt::Display for BoardAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}
