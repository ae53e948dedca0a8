//! Intercepting calls of the guest ([`crate::calls::intercepted`]): those that change memory unseen,
//! those that concern CPU time, those that begin what boards cannot follow, and the question whether
//! there is a filter. Whether some calls are of these only memory tells, at which the keeper looks
//! ([`peek`]): if they are not, it lets them through.
//!
//! From the first offload on the guest is under a seccomp [`filter`] that reports these calls. Who
//! inherits it lives on after the job: children of the guest, and the guest itself when it is let
//! go. So the calls arrive at a process of its own, the **keeper** ([`keeper`]), which ends when
//! nobody is left under the filter.
//!
//! ```text
//! a thread of the guest --call--> keeper --forwards--> pager --makes it, tells boards, answers--> thread
//!       its CPU time    --call--> keeper --forwards--> pager --> supervisor (super::cpu_time)
//! any other process     --call--> keeper --lets it through--> that process makes it itself
//! ```
//!
//! The keeper forwards calls of threads that have the guest's memory while the pager listens, i.e.
//! until the pager closes its end: because the guest executes another program, ends, is let go, or
//! rtx-run is gone for whatever reason. Then the keeper lets through what it had forwarded, in case
//! it is not yet answered. No call is lost: the only one who receives calls is the keeper.

mod adopt;
mod filter;
mod forward;
pub mod keeper;
pub mod peek;
mod start;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::guest::seccomp::{Answered, Listener};
pub use forward::Forwarded;
pub use start::{Keeper, install};

/// The pager's end: calls to make for threads of the guest.
pub struct Interception {
    socket: OwnedFd,
    listener: Listener,
}

/// What comes from the keeper.
pub enum Next {
    /// A call to make.
    Call(Forwarded),
    /// Nothing now.
    Nothing,
    /// Nothing any more: nobody is under the filter.
    NeverAgain,
    /// It has ended although somebody is still under the filter.
    KeeperGone,
}

impl Interception {
    /// Takes over both ends.
    fn new(socket: OwnedFd, listener: OwnedFd) -> io::Result<Interception> {
        use nix::fcntl::{FcntlArg, OFlag, fcntl};
        fcntl(&socket, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let listener = Listener::new(listener)?;
        Ok(Interception { socket, listener })
    }

    /// The next call; never waits.
    pub fn next(&self) -> io::Result<Next> {
        match forward::receive(self.socket.as_fd()) {
            Ok(Some(call)) => Ok(Next::Call(call)),
            Ok(None) if self.listener.is_deserted() => Ok(Next::NeverAgain),
            Ok(None) => Ok(Next::KeeperGone),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(Next::Nothing),
            Err(e) => Err(e),
        }
    }

    /// Lets a call return `result` (-errno on failure). Who was killed meanwhile needs no answer.
    pub fn answer(&self, call: &Forwarded, result: i64) -> io::Result<Answered> {
        self.listener.answer(call.id, result)
    }
}

impl Interception {
    /// Lets a call be made by its thread.
    pub fn let_through(&self, call: &Forwarded) -> io::Result<Answered> {
        self.listener.let_through(call.id)
    }
}

impl AsFd for Interception {
    /// Readable when calls wait.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
