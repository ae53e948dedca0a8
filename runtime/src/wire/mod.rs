//! What travels between home and a board: messages, the frames that carry them and page bytes, the
//! handshake that begins a session, and the connections themselves.
//!
//! Outward: a [`message::Message`] and pages become a [`frame::OutFrame`], which an
//! [`outbox::Outbox`] writes in the same call if the socket takes it. Inward: an [`inbox::Inbox`]
//! yields [`frame::Frame`]s, whose pages are slices of what was read, not copied. In front of both
//! stands [`session`]: Hello, then Welcome or Refuse, each side judging the other's
//! [`greeting::Facts`] by the pure rules of [`handshake`]; agents that were started for a job also ask for
//! its [`secret`]. On a link that is slower than packing, pages are packed ([`link`], [`packing`]).
//!
//! Everything above a [`transport::Transport`] is the same for TCP and for an encrypted stream. A job
//! has two sessions to each board, one for pages and threads and one for heartbeats, so that a
//! heartbeat never waits behind pages.

pub mod beat;
mod check;
mod cpu;
pub mod facts;
pub mod frame;
pub mod greeting;
pub mod handshake;
pub mod inbox;
pub mod limits;
mod link;
pub mod lookout;
pub mod message;
pub mod outbox;
mod packing;
pub mod pages;
pub mod secret;
pub mod session;
pub mod to_board;
pub mod to_home;
pub mod transport;

/// The version of everything in this module; raised by any change of a message's encoding, so that
/// differing builds refuse each other instead of misunderstanding each other.
pub const PROTOCOL: u32 = 8;
