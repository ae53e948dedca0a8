//! A session: two sides that have greeted each other. [`connect`] makes one from home,
//! [`listen::Listener`] on a board; both end in a [`Session`], whose halves then go their own ways.

mod connect;
mod listen;

use std::net::SocketAddr;

pub use connect::{ConnectError, Way, connect, greet};
pub use listen::{Incoming, IncomingError, ListenError, Listener, receive};

use super::inbox::Inbox;
use super::message::{Hello, Welcome};
use super::outbox::Outbox;
use super::transport::{SharedCounters, Transport};

/// An agreed session.
pub struct Session {
    /// What home said.
    pub hello: Hello,
    /// What the board said.
    pub welcome: Welcome,
    pub inbox: Inbox,
    pub outbox: Outbox,
    pub counters: SharedCounters,
    /// Which addresses of the two machines it goes between; `None`: not known, or not TCP.
    pub path: Option<Path>,
}

/// The ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    pub here: SocketAddr,
    pub there: SocketAddr,
}

/// Both halves of a stream, before and during the greeting.
fn halves(transport: Transport) -> (Inbox, Outbox, SharedCounters) {
    let counters = SharedCounters::default();
    let inbox = Inbox::new(transport.reader, counters.clone());
    let outbox = Outbox::new(transport.writer, transport.link, counters.clone());
    (inbox, outbox, counters)
}

/// Without authentication, only addresses of this machine are acceptable.
fn is_acceptable(address: &SocketAddr, insecure: bool) -> bool {
    insecure || address.ip().to_canonical().is_loopback()
}
