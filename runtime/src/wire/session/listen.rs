//! The board's side of the greeting.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::time::timeout;

use super::{Session, halves, is_acceptable};
use crate::wire::PROTOCOL;
use crate::wire::handshake::{Refusal, check_facts, check_protocol};
use crate::wire::inbox::{Inbox, InboxError};
use crate::wire::limits::GREETING_PATIENCE;
use crate::wire::message::{Facts, Hello, Message, Refuse, Role, Welcome};
use crate::wire::outbox::{Outbox, OutboxError};
use crate::wire::transport::{SharedCounters, Transport};

/// Why an agent cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error(
        "{address} can be reached from other machines, and sessions are not authenticated yet; \
         listen on 127.0.0.1, or give --insecure if the network is trusted"
    )]
    NotLoopback { address: SocketAddr },
    #[error("cannot listen on {address}; choose another port with --listen, or end what uses it")]
    Bind {
        address: SocketAddr,
        source: io::Error,
    },
}

/// Why a connection did not come to a greeting. Nobody is told but the agent's log.
#[derive(Debug, thiserror::Error)]
pub enum IncomingError {
    #[error("cannot accept a connection")]
    Accept(#[source] io::Error),
    #[error("the caller said nothing")]
    Silent,
    #[error("the caller hung up")]
    Closed,
    #[error("the caller does not speak the rtx protocol")]
    NotHome(#[source] InboxError),
}

/// Waits for homes that want to use this board.
pub struct Listener {
    listener: TcpListener,
}

impl Listener {
    /// Port 0 takes any that is free.
    pub async fn bind(address: SocketAddr, insecure: bool) -> Result<Self, ListenError> {
        if !is_acceptable(&address, insecure) {
            return Err(ListenError::NotLoopback { address });
        }
        let bind = TcpListener::bind(address).await;
        let listener = bind.map_err(|source| ListenError::Bind { address, source })?;
        Ok(Self { listener })
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The next caller; its greeting is then awaited with [`receive`], in a task of its own, so that
    /// a silent caller holds nobody up.
    pub async fn accept(&self) -> Result<(Transport, SocketAddr), IncomingError> {
        let (stream, caller) = self
            .listener
            .accept()
            .await
            .map_err(IncomingError::Accept)?;
        Ok((
            Transport::tcp(stream).map_err(IncomingError::Accept)?,
            caller,
        ))
    }
}

/// Waits for the caller's Hello.
pub async fn receive(transport: Transport) -> Result<Incoming, IncomingError> {
    let (mut inbox, outbox, counters) = halves(transport);
    let hello = match timeout(GREETING_PATIENCE, inbox.recv()).await {
        Err(_) => return Err(IncomingError::Silent),
        Ok(None) | Ok(Some(Err(InboxError::Broken(_)))) => return Err(IncomingError::Closed),
        Ok(Some(Err(error))) => return Err(IncomingError::NotHome(error)),
        Ok(Some(Ok(frame))) => frame.message,
    };
    match hello {
        Message::Hello(hello) => Ok(Incoming {
            hello: *hello,
            inbox,
            outbox,
            counters,
        }),
        other => Err(IncomingError::NotHome(InboxError::Unexpected {
            message: other.name(),
        })),
    }
}

/// A home that has said Hello and waits for an answer.
pub struct Incoming {
    pub hello: Hello,
    inbox: Inbox,
    outbox: Outbox,
    counters: SharedCounters,
}

impl Incoming {
    /// Whether this board, called `name`, suits the caller.
    pub fn judge(&self, name: &str, facts: &Facts) -> Result<(), Refusal> {
        check_protocol(name, self.hello.protocol)?;
        match self.hello.role() {
            Role::Session => check_facts(name, &self.hello, facts),
            Role::Heartbeat => Ok(()),
        }
    }

    /// Agrees.
    pub fn welcome(mut self, welcome: Welcome) -> Result<Session, OutboxError> {
        self.outbox.push(welcome.clone())?;
        self.inbox.open();
        let Self {
            hello,
            inbox,
            outbox,
            counters,
        } = self;
        Ok(Session {
            hello,
            welcome,
            inbox,
            outbox,
            counters,
            path: None,
        })
    }

    /// Declines, for a reason of one line that names this board and what to do. A caller that is
    /// gone already is no error.
    pub async fn refuse(mut self, reason: String) {
        if self
            .outbox
            .push(Refuse {
                reason,
                protocol: PROTOCOL,
            })
            .is_ok()
        {
            let _ = timeout(GREETING_PATIENCE, self.outbox.finish()).await;
        }
    }
}
