//! Starting the agents of a job: [`local`] ones as child processes, [`remote`] ones through ssh or srun, both over their
//! standard [`streams`]; [`later`] starts more local ones while the job runs.
//!
//! All are told the same orders (`board::orders`) over their standard input: where to listen, and the job's
//! secret, without which they serve nobody. They end when that input does, so they end with the job
//! however it ends. Agents that run already are only named.

mod error;
mod later;
mod local;
mod remote;
mod streams;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::{Child, ChildStdin};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use rtx_runtime::board::orders::Orders;
use rtx_runtime::home::pager::BoardAddress;
use rtx_runtime::wire::secret::Secret;

use crate::boards::{At, Board};
use crate::config::{Settings, Watts};
use streams::{Streams, spawned};

pub use error::AgentError;
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
        let streams = Streams::of(&mut child);
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
