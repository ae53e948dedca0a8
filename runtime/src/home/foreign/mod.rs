//! Threads on boards of another ISA (docs/continuations.md). Their registers mean nothing here: a thread
//! goes there and comes back at equivalence points, in its continuation.
//!
//! ```text
//! the policy wants it there  -> leave: asked -> it parks -> its kernel thread becomes a shadow
//! the policy wants it home   -> arrive: the board asks -> it parks there -> it takes up its continuation here
//! ```
//!
//! In between, what natively needs the thread's registers is done by its kernel thread at home without
//! them: handlers of signals ([`handle`]) run on the shadow, in home's ISA, on the thread's own stack
//! below the frames it has on the board; calls that make, replace or end threads are made by the shadow
//! ([`native`]); other calls are home calls, translated ([`calls`]); a fault's signal is sent by the shadow to itself ([`fault`]). Meanwhile the thread stands
//! still on the board, or its registers are kept here, unread: [`Beneath`].

mod ahead;
mod arrive;
mod calls;
mod cancel;
mod fault;
mod handle;
mod jump;
mod leave;
mod made_code;
mod native;
mod sent;
mod surface;

pub(super) use calls::Step;
pub use calls::Translating;
pub use leave::Leaving;
pub(super) use made_code::is_made;
pub use native::Birth;

pub(super) use crate::report::Stay;

use super::messages::{BoardId, Context};
use super::supervisor::Supervisor;
use super::thread::Away;
use crate::guest::arch::Registers;

/// What waits under the code that a foreign thread's kernel thread runs at home.
pub struct Beneath {
    /// The board to which the thread goes back.
    pub board: BoardId,
    /// What the thread itself does.
    pub what: What,
}

/// See [`Beneath`].
pub enum What {
    /// It waits on its board, in a home call.
    InCall(Box<Away>),
    /// It stands still: this is all of it.
    Still(Box<Context>),
    /// It stands before a call that its kernel thread makes for it, with these arguments.
    Makes(Box<Context>, [u64; 6]),
}

/// Bytes under a foreign thread's stack pointer that are its own: the red zone, and room to spare.
const RED_ZONE: u64 = 256;

/// Lets home's code use the stack of a foreign thread that is at `sp`, below what is the thread's. If it has not begun
/// on its board (0), all is free below where its kernel thread is.
pub(super) fn stand_below(regs: &mut Registers, sp: u64) {
    if sp != 0 {
        regs.set_sp(sp.saturating_sub(RED_ZONE) & !15);
    }
}

impl Supervisor {
    /// Whether threads go to a board only at equivalence points.
    pub(super) fn is_foreign(&self, board: BoardId) -> bool {
        self.facts(board).foreign
    }
}
