//! Starting the agents of a job: [`local`] ones as child processes, [`remote`] ones through ssh or srun; [`later`] starts
//! more local ones while the job runs.
//!
//! All are told the same orders (`board::orders`) over their standard input: where to listen, and the job's
//! secret, without which they serve nobody. They end when that input does, so they end with the job
//! however it ends. Agents that run already are only named.

mod later;
mod local;
mod remote;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use rtx_runtime::board::orders::Orders;
use rtx_runtime::home::pager::BoardAddress;
use rtx_runtime::wire::secret::Secret;

use crate::boards::{At, Board};
use crate::config::{Settings, Watts};
use crate::errors::Explain;

pub use later::Later;

/// The name under which this binary acts as an agent.
pub const BOARD: &str = "rtx-board";

/// How long an agent may take to end once it is told to; then what started it is killed.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// The agents of a job; those that were started end when this is dropped.
#[derive(Debug, Default)]
pub struct Agents {
    children: Vec<Child>,
    /// Their ends are the agents' ends.
    inputs: Vec<ChildStdin>,
    /// All boards, in the order in which they are configured.
    pub boards: Vec<BoardAddress>,
}

/// An agent could not be started.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// On this machine.
    #[error("cannot start a board on this machine")]
    Local(#[source] io::Error),
    /// No secret could be drawn.
    #[error("cannot draw random numbers")]
    Random(#[source] io::Error),
    /// What starts agents there could not be run.
    #[error("cannot run {command} to start board {board}")]
    Command {
        /// `ssh` or `srun`.
        command: &'static str,
        /// The board.
        board: String,
        /// Why.
        source: io::Error,
    },
    /// It did not start there.
    #[error("cannot start board {board}: {why}")]
    Failed {
        /// The board.
        board: String,
        /// What was said there last, or what has happened.
        why: String,
    },
    /// It takes too long.
    #[error("cannot start board {board}: nothing has come of it for {seconds} s")]
    Late {
        /// The board.
        board: String,
        /// How long was waited.
        seconds: u64,
    },
    /// There is no agent for its instruction set.
    #[error("cannot start board {board}: it is an {isa} machine, and there is no '{}'", file.display())]
    NoFile {
        /// The board.
        board: String,
        /// Its instruction set.
        isa: String,
        /// The file that would be sent there.
        file: PathBuf,
    },
}

impl Explain for AgentError {
    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::Local(_) | Self::Random(_) => {
                "Look at the limits of processes and open files: ulimit -a".to_owned()
            }
            Self::Command { command, .. } => format!("Install {command}, or correct PATH"),
            Self::Failed { board, .. } | Self::Late { board, .. } => match board.split_once(':') {
                Some(("ssh", host)) => {
                    format!("Try: ssh -o BatchMode=yes {host} true")
                }
                _ => "Try: srun --overlap true; if it only takes long, set start_timeout_ms".into(),
            },
            Self::NoFile { isa, .. } => {
                format!("Build rtx-board for {isa} and put it there (make board-arm64)")
            }
        })
    }
}

/// How agents are started.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Other machines may be used.
    pub insecure: bool,
    /// How long each may take.
    pub patience: Duration,
}

impl Terms {
    /// As the settings have them.
    pub fn of(settings: &Settings) -> Self {
        Self {
            insecure: settings.insecure,
            patience: Duration::from_millis(settings.start_timeout_ms),
        }
    }
}

/// An agent that has been spawned.
struct Starting {
    board: Board,
    said: Receiver<Result<SocketAddr, AgentError>>,
    inputs: Receiver<ChildStdin>,
}

impl Agents {
    /// Starts what is to be started, all at once, and waits until it listens. Must be called from the
    /// main thread: local agents end when the thread that started them does.
    pub fn start(boards: &[Board], terms: Terms) -> Result<Self, AgentError> {
        let (mut agents, started) = Self::try_start(boards, terms)?;
        for board in started {
            agents.boards.push(board?);
        }
        Ok(agents)
    }

    /// The same, with an outcome for each board.
    pub fn try_start(
        boards: &[Board],
        terms: Terms,
    ) -> Result<(Self, Vec<Result<BoardAddress, AgentError>>), AgentError> {
        let mut agents = Self::default();
        let secret = Secret::new().map_err(AgentError::Random)?;
        let mut starting = Vec::new();
        let mut number = 0;
        for board in boards {
            if board.at == At::Here {
                number += 1;
            }
            starting.push(agents.spawn(board, number, &secret, terms));
        }
        let until = Instant::now() + terms.patience;
        let mut started = Vec::new();
        for (board, starting) in boards.iter().zip(starting) {
            let address = match starting {
                Ok(None) => Ok(board.to_string()),
                Ok(Some(starting)) => starting.wait(until, terms, &mut agents.inputs),
                Err(error) => Err(error),
            };
            let ours = !matches!(board.at, At::Running(_));
            let secret = ours.then_some(&secret);
            started.push(address.map(|address| described(board, address, secret)));
        }
        Ok((agents, started))
    }

    fn spawn(
        &mut self,
        board: &Board,
        number: usize,
        secret: &Secret,
        terms: Terms,
    ) -> Result<Option<Starting>, AgentError> {
        let (command, name) = match &board.at {
            At::Running(_) => return Ok(None),
            At::Here => (local::command(), format!("local-{number}")),
            At::Ssh(host) => (remote::by_ssh(host), host.clone()),
            At::Srun(node) => (remote::by_srun(node), node.clone()),
        };
        let mut child = spawned(command, board)?;
        let streams = Streams {
            input: child.stdin.take().expect("its stdin is a pipe"),
            output: BufReader::new(child.stdout.take().expect("its stdout is a pipe")),
            errors: child.stderr.take(),
        };
        self.children.push(child);
        let orders = Orders {
            secret: secret.clone(),
            listen: ([127, 0, 0, 1], 0).into(),
            name: Some(board.name.clone().unwrap_or(name)),
            slots: board.slots.unwrap_or(0),
            insecure: terms.insecure,
        };
        let (tell, said) = mpsc::channel();
        let (keep, inputs) = mpsc::channel();
        let starting = Starting {
            board: board.clone(),
            said,
            inputs,
        };
        let board = board.clone();
        let thread = std::thread::Builder::new().name("rtx-start".into());
        let talk = move || {
            // Nobody waits any more if this fails.
            let _ = tell.send(streams.talk(&board, orders, &keep));
        };
        thread.spawn(talk).map_err(AgentError::Local)?;
        Ok(Some(starting))
    }
}

/// What the runtime is told of a board that listens there.
fn described(board: &Board, address: String, secret: Option<&Secret>) -> BoardAddress {
    BoardAddress {
        address,
        secret: secret.cloned(),
        name: board.name.clone(),
        slots: board.slots,
        labels: labels(&board.labels),
        watts: board.watts.map(Watts::pair),
    }
}

/// Labels by name, of `NAME=VALUE` and of names alone.
fn labels(words: &[String]) -> BTreeMap<String, String> {
    let label = |word: &String| {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        (name.to_owned(), value.to_owned())
    };
    words.iter().map(label).collect()
}

fn spawned(mut command: Command, board: &Board) -> Result<Child, AgentError> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // A terminal's signals are for the program, not for its boards.
        .process_group(0);
    let name = match board.at {
        At::Srun(_) => "srun",
        At::Ssh(_) => "ssh",
        At::Here | At::Running(_) => return command.spawn().map_err(AgentError::Local),
    };
    command.spawn().map_err(|source| AgentError::Command {
        command: name,
        board: board.to_string(),
        source,
    })
}

impl Starting {
    fn wait(
        self,
        until: Instant,
        terms: Terms,
        inputs: &mut Vec<ChildStdin>,
    ) -> Result<String, AgentError> {
        let left = until.saturating_duration_since(Instant::now());
        let said = self.said.recv_timeout(left);
        inputs.extend(self.inputs.try_iter());
        match said {
            Ok(result) => result.map(|address| address.to_string()),
            Err(_) => Err(AgentError::Late {
                board: self.board.to_string(),
                seconds: terms.patience.as_secs(),
            }),
        }
    }
}

/// The streams of what starts an agent.
struct Streams {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    errors: Option<ChildStderr>,
}

impl Streams {
    /// Brings an agent to listen; its input goes to `keep` then.
    fn talk(
        mut self,
        board: &Board,
        mut orders: Orders,
        keep: &mpsc::Sender<ChildStdin>,
    ) -> Result<SocketAddr, AgentError> {
        let complaint = self.errors.take().map(remote::last_line);
        let result = self.converse(board, &mut orders);
        let address = match result {
            Ok(address) => address,
            Err(Trouble::Whole(error)) => return Err(error),
            Err(Trouble::Stream(error)) => {
                drop(self);
                let said = complaint.and_then(|said| said.recv_timeout(END_PATIENCE).ok());
                return Err(match (&board.at, said) {
                    (At::Here, _) => AgentError::Local(error),
                    (_, Some(why)) if !why.is_empty() => AgentError::Failed {
                        board: board.to_string(),
                        why,
                    },
                    _ => AgentError::Failed {
                        board: board.to_string(),
                        why: match error.kind() {
                            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => {
                                "it ended at once".to_owned()
                            }
                            _ => error.to_string(),
                        },
                    },
                });
            }
        };
        // If nobody wants it any more, the agent ends.
        let _ = keep.send(self.input);
        Ok(address)
    }

    fn converse(&mut self, board: &Board, orders: &mut Orders) -> Result<SocketAddr, Trouble> {
        if let At::Ssh(host) | At::Srun(host) = &board.at {
            let there = remote::greeted(&mut self.output)?;
            let path = remote::file_for(&there.isa);
            let file = File::open(&path).map_err(|_| {
                Trouble::Whole(AgentError::NoFile {
                    board: board.to_string(),
                    isa: there.isa.clone(),
                    file: path,
                })
            })?;
            orders.listen = remote::listen_at(host, &there)?;
            remote::send(&mut self.input, file)?;
        }
        self.input.write_all(orders.line().as_bytes())?;
        self.input.flush()?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let address = line.trim_end().rsplit_once(" listens on ");
        let address = address.and_then(|(_, address)| address.parse().ok());
        address.ok_or_else(|| Trouble::Stream(io::ErrorKind::UnexpectedEof.into()))
    }
}

enum Trouble {
    Whole(AgentError),
    Stream(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Stream(error)
    }
}

impl Drop for Agents {
    fn drop(&mut self) {
        self.inputs.clear();
        let until = Instant::now() + END_PATIENCE;
        for child in &mut self.children {
            while matches!(child.try_wait(), Ok(None)) && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(2));
            }
            // It may have ended already, which is just as well.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
