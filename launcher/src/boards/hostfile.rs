//! Files with hosts, as MPI has them: `HOST [slots=N] [port=N]` in a line, remarks after `#`.
//!
//! With a port, a running agent listens there. Without, an agent is started by ssh.

use std::path::Path;

use super::address::{is_host, is_ssh_host, parse_port};
use super::{At, Board, BoardAddress, BoardsError, add};

pub(super) fn read(path: &Path) -> Result<Vec<Board>, BoardsError> {
    let text = std::fs::read_to_string(path).map_err(|source| BoardsError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<Vec<Board>, BoardsError> {
    let mut boards = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let wrong = |why: String| BoardsError::Line {
            path: path.to_owned(),
            line: i + 1,
            why,
        };
        let said = line.split('#').next().unwrap_or("");
        if let Some(parsed) = board(said).map_err(wrong)? {
            add(&mut boards, parsed).map_err(|error| wrong(error.to_string()))?;
        }
    }
    match boards.is_empty() {
        true => Err(BoardsError::NoHosts {
            path: path.to_owned(),
        }),
        false => Ok(boards),
    }
}

/// One line without its remark.
fn board(line: &str) -> Result<Option<Board>, String> {
    let mut words = line.split_whitespace();
    let Some(host) = words.next() else {
        return Ok(None);
    };
    let (mut slots, mut port) = (None, None);
    for word in words {
        let (name, value) = word.split_once('=').unwrap_or(("port", word));
        let twice = match name {
            "slots" => {
                let number = value.parse().ok().filter(|slots: &u32| *slots > 0);
                slots.replace(number.ok_or(format!("slots={value} is not a number from 1 on"))?)
            }
            "port" => {
                let number = parse_port(value);
                let number = number.ok_or(format!("port {value} is not between 1 and 65535"))?;
                port.replace(number).map(u32::from)
            }
            _ => return Err(format!("unknown word \"{word}\"")),
        };
        if twice.is_some() {
            return Err(format!("{name} is given twice"));
        }
    }
    let at = match port {
        Some(port) if is_host(host) || host.parse::<std::net::Ipv6Addr>().is_ok() => {
            At::Running(BoardAddress {
                host: host.to_owned(),
                port,
            })
        }
        None if is_ssh_host(host) => At::Ssh(host.to_owned()),
        _ => return Err(format!("\"{host}\" is no host")),
    };
    Ok(Some(Board {
        slots,
        ..Board::new(at)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_slots_and_ports() {
        let text = "# all of them\n\na slots=4\n b 7100 # second\nme@c\n::1 port=1 slots=2\n";
        let boards = parse("f".as_ref(), text).expect("understood");
        let shown: Vec<(String, Option<u32>)> =
            boards.iter().map(|b| (b.to_string(), b.slots)).collect();
        let expected = [
            ("ssh:a", Some(4)),
            ("b:7100", None),
            ("ssh:me@c", None),
            ("[::1]:1", Some(2)),
        ];
        assert_eq!(shown, expected.map(|(board, slots)| (board.into(), slots)));
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, message) in [
            ("a\nb slots=0\n", "f:2: slots=0 is not a number from 1 on"),
            ("a slots=x", "f:1: slots=x is not a number from 1 on"),
            ("a port=0", "f:1: port 0 is not between 1 and 65535"),
            ("a 70000", "f:1: port 70000 is not between 1 and 65535"),
            ("a max-slots=2", "f:1: unknown word \"max-slots=2\""),
            ("a slots=1 slots=2", "f:1: slots is given twice"),
            ("-a", "f:1: \"-a\" is no host"),
            ("me@a 7100", "f:1: \"me@a\" is no host"),
            ("a\n\na\n", "f:3: the board \"ssh:a\" is given twice"),
            ("# nobody\n", "'f' names no hosts"),
        ] {
            let error = parse("f".as_ref(), text).expect_err(text);
            assert_eq!(error.to_string(), message);
        }
        let error = read("/no/such".as_ref()).expect_err("no file");
        assert_eq!(error.to_string(), "cannot read the hosts in '/no/such'");
    }
}
