//! The bounds of the wire, all of them, by name.

use std::time::Duration;

/// The longest frame, without its length prefix: 256 pages and their header fit well.
pub const FRAME_BYTES: usize = 2 << 20;

/// The longest frame before a session is agreed: a stranger gets no more memory of ours.
pub const GREETING_BYTES: usize = 64 << 10;

/// Pages that one frame carries at most.
pub const FRAME_PAGES: usize = 256;

/// Bytes that wait in one outbox at most. More means that the peer does not read: it is given up.
pub const QUEUE_BYTES: usize = 64 << 20;

/// Bytes that an inbox has room for before it knows how long a frame is.
pub const READ_BUFFER_BYTES: usize = 64 << 10;

/// Pieces that one write hands to the kernel at most.
pub const WRITE_PIECES: usize = 64;

/// How long the connection to a board may take to come about.
pub const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// How long each side waits for the other's part of the greeting.
pub const GREETING_PATIENCE: Duration = Duration::from_secs(5);
