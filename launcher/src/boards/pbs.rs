//! The nodes of a job of PBS: the file that `PBS_NODEFILE` names has a line for each slot.
//!
//! Agents are started there by ssh. PBS's own pbsdsh gives what it starts no standard input, over which
//! an agent gets its secret, and keeps its output for the end of the job.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::address::is_host;
use super::{At, Board, BoardsError};

const FILE: &str = "PBS_NODEFILE";

pub(super) fn boards(
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Vec<Board>, BoardsError> {
    let Some(path) = variable(FILE).filter(|path| !path.is_empty()) else {
        return Err(BoardsError::NoJob {
            variable: FILE,
            scheduler: "PBS",
        });
    };
    let path = PathBuf::from(path);
    let text = std::fs::read_to_string(&path).map_err(|source| BoardsError::Unreadable {
        path: path.clone(),
        source,
    })?;
    parse(&path, &text)
}

fn parse(path: &Path, text: &str) -> Result<Vec<Board>, BoardsError> {
    let mut hosts: Vec<(&str, u32)> = Vec::new();
    let lines = text.lines().map(str::trim).enumerate();
    for (i, host) in lines.filter(|(_, line)| !line.is_empty()) {
        if !is_host(host) {
            return Err(BoardsError::Line {
                path: path.to_owned(),
                line: i + 1,
                why: format!("\"{host}\" is no host"),
            });
        }
        match hosts.iter_mut().find(|(known, _)| *known == host) {
            Some((_, slots)) => *slots += 1,
            None => hosts.push((host, 1)),
        }
    }
    if hosts.is_empty() {
        let path = path.to_owned();
        return Err(BoardsError::NoHosts { path });
    }
    let board = |(host, slots): (&str, u32)| Board::new(At::Ssh(host.into())).with_slots(slots);
    Ok(hosts.into_iter().map(board).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_slot() {
        let boards = parse("f".as_ref(), "a\nb\na\n\n a \n").expect("understood");
        let slots: Vec<(String, Option<u32>)> =
            boards.iter().map(|b| (b.to_string(), b.slots)).collect();
        assert_eq!(
            slots,
            [("ssh:a".into(), Some(3)), ("ssh:b".into(), Some(1))]
        );
    }

    #[test]
    fn mistakes_are_told() {
        let message = |text| parse("f".as_ref(), text).expect_err(text).to_string();
        assert_eq!(message("a\n-b\n"), "f:2: \"-b\" is no host");
        assert_eq!(message("\n"), "'f' names no hosts");
        let error = boards(|_| None).expect_err("no job").to_string();
        assert_eq!(error, "PBS_NODEFILE is not set: this is no job of PBS");
        let error = boards(|_| Some("/no/such".into())).expect_err("no file");
        assert_eq!(error.to_string(), "cannot read the hosts in '/no/such'");
    }
}
