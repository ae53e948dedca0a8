//! Home's side of the greeting.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::{Path, Session, halves, is_acceptable};
use crate::wire::handshake::{Refusal, check_facts, check_protocol};
use crate::wire::inbox::InboxError;
use crate::wire::limits::{CONNECT_PATIENCE, GREETING_PATIENCE};
use crate::wire::message::{Hello, Message, Role, Welcome};
use crate::wire::outbox::OutboxError;
use crate::wire::secret::Secret;
use crate::wire::transport::Transport;

/// Why there is no session with a board. The texts name it as the user did.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("cannot find board {board}; check its name in --boards")]
    Resolve { board: String, source: io::Error },
    #[error(
        "board {board} is not on this machine ({address}), and sessions are not authenticated yet; \
         give --insecure here and to rtx-board if the network is trusted"
    )]
    NotLoopback { board: String, address: SocketAddr },
    #[error(
        "cannot reach board {board} at {address}; \
         start rtx-board there, and check its --listen address and the firewall"
    )]
    Unreachable {
        board: String,
        address: SocketAddr,
        source: io::Error,
    },
    #[error("board {board} does not answer; check that rtx-board listens there")]
    Silent { board: String },
    #[error("board {board} ended the connection; see its log")]
    Closed { board: String },
    #[error("what answers at {board} is not an rtx-board; check the port")]
    NotABoard { board: String, source: InboxError },
    #[error("what answers at {board} is not the agent that was started there; run it again")]
    Impostor { board: String },
    #[error("cannot draw random numbers for the greeting")]
    Random(#[source] io::Error),
    #[error("cannot send to board {board}")]
    Send { board: String, source: OutboxError },
    /// The board's own words, which name it and what to do.
    #[error("{reason}")]
    Refused { board: String, reason: String },
    #[error(transparent)]
    Unfit(#[from] Refusal),
}

/// How to reach a board.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    /// Where it is, as host:port.
    pub board: &'a str,
    /// What it was told when it was started for this job.
    pub secret: Option<&'a Secret>,
    /// It may be on another machine.
    pub insecure: bool,
    /// How long the connection may take to come about.
    pub patience: Duration,
}

impl<'a> Way<'a> {
    /// To a board on this machine.
    pub fn to(board: &'a str) -> Self {
        Self {
            board,
            secret: None,
            insecure: false,
            patience: CONNECT_PATIENCE,
        }
    }
}

/// Connects to a board, and greets it.
pub async fn connect(way: Way<'_>, mut hello: Hello) -> Result<Session, ConnectError> {
    let board = way.board;
    let (stream, address) = reach(way).await?;
    if let Some(secret) = way.secret {
        secret
            .sign_hello(&mut hello)
            .map_err(ConnectError::Random)?;
    }
    let here = stream.local_addr().ok();
    let transport = Transport::tcp(stream).map_err(|source| ConnectError::Unreachable {
        board: board.to_owned(),
        address,
        source,
    })?;
    let mut session = greet(board, transport, hello).await?;
    if let Some(secret) = way.secret
        && !secret.proves_welcome(&session.hello, &session.welcome)
    {
        let board = board.to_owned();
        return Err(ConnectError::Impostor { board });
    }
    session.path = here.map(|here| Path {
        here,
        there: address,
    });
    Ok(session)
}

/// Connects to the first address of the board that answers.
async fn reach(way: Way<'_>) -> Result<(TcpStream, SocketAddr), ConnectError> {
    let board = way.board;
    let name = || board.to_owned();
    let addresses = lookup_host(board)
        .await
        .map_err(|source| ConnectError::Resolve {
            board: name(),
            source,
        })?;
    let mut last = None;
    for address in addresses {
        if !is_acceptable(&address, way.insecure) {
            last = Some(ConnectError::NotLoopback {
                board: name(),
                address,
            });
            continue;
        }
        let source = match timeout(way.patience, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok((stream, address)),
            Ok(Err(source)) => source,
            Err(_) => io::ErrorKind::TimedOut.into(),
        };
        last = Some(ConnectError::Unreachable {
            board: name(),
            address,
            source,
        });
    }
    Err(last.unwrap_or_else(|| {
        let source = io::ErrorKind::NotFound.into();
        ConnectError::Resolve {
            board: name(),
            source,
        }
    }))
}

/// Greets the board at the other end of a stream that is connected.
pub async fn greet(
    board: &str,
    transport: Transport,
    hello: Hello,
) -> Result<Session, ConnectError> {
    let name = || board.to_owned();
    let (mut inbox, mut outbox, counters) = halves(transport);
    outbox
        .push(hello.clone())
        .map_err(|source| ConnectError::Send {
            board: name(),
            source,
        })?;
    let answer = match timeout(GREETING_PATIENCE, inbox.recv()).await {
        Err(_) => return Err(ConnectError::Silent { board: name() }),
        Ok(None) | Ok(Some(Err(InboxError::Broken(_)))) => {
            return Err(ConnectError::Closed { board: name() });
        }
        Ok(Some(Err(source))) => {
            return Err(ConnectError::NotABoard {
                board: name(),
                source,
            });
        }
        Ok(Some(Ok(frame))) => frame.message,
    };
    let welcome = match answer {
        Message::Welcome(welcome) => *welcome,
        Message::Refuse(refuse) => {
            check_protocol(board, refuse.protocol)?;
            return Err(ConnectError::Refused {
                board: name(),
                reason: refuse.reason,
            });
        }
        other => {
            let source = InboxError::Unexpected {
                message: other.name(),
            };
            return Err(ConnectError::NotABoard {
                board: name(),
                source,
            });
        }
    };
    judge(board, &hello, &welcome)?;
    inbox.open();
    Ok(Session {
        hello,
        welcome,
        inbox,
        outbox,
        counters,
        path: None,
    })
}

/// Whether the board suits us, as far as we can tell. Only a session for threads needs that.
fn judge(board: &str, hello: &Hello, welcome: &Welcome) -> Result<(), Refusal> {
    let name = if welcome.name.is_empty() {
        board
    } else {
        &welcome.name
    };
    check_protocol(name, welcome.protocol)?;
    match hello.role() {
        Role::Session => check_facts(name, hello, &welcome.facts),
        Role::Heartbeat => Ok(()),
    }
}
