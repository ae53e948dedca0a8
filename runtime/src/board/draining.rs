//! Whether the board is to be emptied. SIGUSR1 says so, and takes it back; homes hear of it with the next
//! sign of life, and their policies decide what follows.

use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

static DRAINING: AtomicBool = AtomicBool::new(false);

extern "C" fn toggle(_: libc::c_int) {
    DRAINING.fetch_xor(true, Ordering::Relaxed);
}

/// Listens for the signal from now on.
pub(super) fn listen() -> nix::Result<()> {
    let handler = SigHandler::Handler(toggle);
    let action = SigAction::new(handler, SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the handler only changes an atomic, which is allowed in one.
    unsafe { sigaction(Signal::SIGUSR1, &action) }.map(drop)
}

/// Whether it is to be emptied now.
pub(super) fn is_asked_for() -> bool {
    DRAINING.load(Ordering::Relaxed)
}
