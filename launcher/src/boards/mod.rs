//! Which boards a job uses.
//!
//! A [`BoardsSpec`] is what `--boards` or the configuration says; [`BoardsSpec::resolve`] makes the list of
//! [`Board`]s of it, reading what the scheduler has left for that: [`slurm`], [`pbs`] and [`hostfile`] parse,
//! [`address`] knows what hosts look like. Nothing is started or connected to here; `agents` does that.

mod address;
mod error;
mod hostfile;
mod pbs;
mod slurm;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::config::{BoardEntry, Watts};

pub use address::BoardAddress;
pub use error::BoardsError;

/// At most this many boards in one job: a board's id has one byte, and home is a node too.
pub const MOST_BOARDS: usize = 63;

/// What is said about the boards of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum BoardsSpec {
    /// None: the program stays at home.
    None,
    /// This many boards (1 to [`MOST_BOARDS`]) on this machine.
    Local(u8),
    /// These.
    Listed(Vec<Board>),
    /// The nodes of the job of SLURM that this is part of.
    Slurm,
    /// The nodes of the job of PBS that this is part of.
    Pbs,
    /// The hosts in a file.
    Hostfile(PathBuf),
}

/// One board.
#[derive(Debug, Clone, PartialEq)]
pub struct Board {
    /// Where it is, or where it is to be started.
    pub at: At,
    /// What to call it, instead of what it calls itself.
    pub name: Option<String>,
    /// Threads that it is to get at most; `None`: as many as it says itself.
    pub slots: Option<u32>,
    /// Labels for policies: `NAME=VALUE`, or a name alone.
    pub labels: Vec<String>,
    /// What it takes from the wall.
    pub watts: Option<Watts>,
}

/// Where a board is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// An agent to be started on this machine.
    Here,
    /// An agent that runs.
    Running(BoardAddress),
    /// An agent to be started there by ssh.
    Ssh(String),
    /// An agent to be started on that node by srun.
    Srun(String),
}

impl Board {
    /// A board of which nothing else is known.
    pub fn new(at: At) -> Self {
        Self {
            at,
            name: None,
            slots: None,
            labels: Vec::new(),
            watts: None,
        }
    }

    fn with_slots(self, slots: u32) -> Self {
        Self {
            slots: Some(slots),
            ..self
        }
    }
}

impl fmt::Display for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            At::Here => f.write_str("local"),
            At::Running(address) => address.fmt(f),
            At::Ssh(host) => write!(f, "ssh:{host}"),
            At::Srun(node) => write!(f, "slurm:{node}"),
        }
    }
}

impl BoardsSpec {
    /// The boards, at most [`MOST_BOARDS`]. `variable` reads the environment.
    pub fn resolve(
        &self,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Vec<Board>, BoardsError> {
        let boards = match self {
            Self::None => Vec::new(),
            Self::Local(count) => vec![Board::new(At::Here); usize::from(*count)],
            Self::Listed(boards) => boards.clone(),
            Self::Slurm => slurm::boards(variable)?,
            Self::Pbs => pbs::boards(variable)?,
            Self::Hostfile(path) => hostfile::read(path)?,
        };
        match boards.len() {
            count if count > MOST_BOARDS => Err(BoardsError::TooMany { count }),
            _ => Ok(boards),
        }
    }

    /// The boards of tables `[[boards]]`.
    pub fn of_tables(tables: &[BoardEntry]) -> Result<Self, BoardsError> {
        let mut boards = Vec::new();
        for table in tables {
            let at = match table.address.strip_prefix("ssh:") {
                Some(host) => At::Ssh(ssh_host(host)?),
                None => At::Running(table.address.parse()?),
            };
            add(
                &mut boards,
                Board {
                    at,
                    name: table.name.clone(),
                    slots: table.slots,
                    labels: table.labels.clone(),
                    watts: table.watts,
                },
            )?;
        }
        Ok(match boards.is_empty() {
            true => Self::None,
            false => Self::Listed(boards),
        })
    }
}

impl FromStr for BoardsSpec {
    type Err = BoardsError;

    fn from_str(list: &str) -> Result<Self, BoardsError> {
        match list {
            "slurm" => return Ok(Self::Slurm),
            "pbs" => return Ok(Self::Pbs),
            _ => {}
        }
        if let Some(count) = list.strip_prefix("local:").filter(|n| !n.contains(',')) {
            return local(count);
        }
        if let Some(path) = list.strip_prefix("hostfile:") {
            return Ok(Self::Hostfile(path.into()));
        }
        let (list, by_ssh) = match list.strip_prefix("ssh:") {
            Some(hosts) => (hosts, true),
            None => (list, false),
        };
        let mut boards = Vec::new();
        for entry in list.split(',').map(str::trim) {
            let at = match by_ssh {
                _ if entry.is_empty() => return Err(BoardsError::Empty { list: list.into() }),
                _ if is_alone(entry) => {
                    return Err(BoardsError::Mixed {
                        board: entry.to_owned(),
                    });
                }
                true => At::Ssh(ssh_host(entry)?),
                false => At::Running(entry.parse()?),
            };
            add(&mut boards, Board::new(at))?;
        }
        Ok(Self::Listed(boards))
    }
}

/// Whether it is a list of its own.
fn is_alone(entry: &str) -> bool {
    let prefixes = ["local:", "hostfile:", "ssh:"];
    prefixes.iter().any(|prefix| entry.starts_with(prefix)) || matches!(entry, "slurm" | "pbs")
}

fn add(boards: &mut Vec<Board>, board: Board) -> Result<(), BoardsError> {
    match boards.iter().any(|other| other.at == board.at) {
        true => Err(BoardsError::Twice {
            board: board.to_string(),
        }),
        false => {
            boards.push(board);
            Ok(())
        }
    }
}

fn ssh_host(host: &str) -> Result<String, BoardsError> {
    match address::is_ssh_host(host) {
        true => Ok(host.to_owned()),
        false => Err(BoardsError::Host {
            board: host.to_owned(),
        }),
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

#[cfg(test)]
mod tests;
