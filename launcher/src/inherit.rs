//! What `rtx-run` was started with, so that the program is started with exactly the same.
//!
//! Rust's runtime ignores SIGPIPE and fills closed standard streams before `main`, and `rtx-run`
//! later handles signals that its parent may have ignored (nohup). All of that is noted here
//! before any of it happens: by a constructor, which the C library runs first.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

/// What a program inherits from its parent and `rtx-run` changes for itself.
///
/// Sets of signals are as in the kernel: bit N - 1 is signal N.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inherit {
    /// The signals that were blocked.
    pub mask: u64,
    /// The signals that were ignored. All others had their default disposition: nothing else
    /// outlives execve.
    pub ignored: u64,
    /// Which of the descriptors 0, 1 and 2 were closed.
    pub closed: [bool; 3],
}

static CAPTURED: AtomicBool = AtomicBool::new(false);
static MASK: AtomicU64 = AtomicU64::new(0);
static IGNORED: AtomicU64 = AtomicU64::new(0);
static CLOSED: AtomicU8 = AtomicU8::new(0);

impl Inherit {
    /// What this process was started with.
    pub fn captured() -> Self {
        // A use of the constructor, lest the linker leaves it out of the command.
        std::hint::black_box(constructor::ENTRY);
        assert!(CAPTURED.load(Ordering::Acquire), "the constructor has run");
        let closed = CLOSED.load(Ordering::Relaxed);
        Self {
            mask: MASK.load(Ordering::Relaxed),
            ignored: IGNORED.load(Ordering::Relaxed),
            closed: [0, 1, 2].map(|fd| closed & (1 << fd) != 0),
        }
    }

    /// The mask for sigprocmask.
    pub fn mask_set(&self) -> libc::sigset_t {
        constructor::set_of(self.mask)
    }

    /// What SIGPIPE did: `SIG_IGN` or `SIG_DFL`.
    pub fn sigpipe(&self) -> libc::sighandler_t {
        match self.ignores(libc::SIGPIPE) {
            true => libc::SIG_IGN,
            false => libc::SIG_DFL,
        }
    }

    /// Whether a signal was ignored.
    pub fn ignores(&self, signal: i32) -> bool {
        (1..=64).contains(&signal) && self.ignored & bit(signal) != 0
    }
}

fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// The code that runs before `main`. It must not allocate, panic or use anything of Rust's runtime.
mod constructor {
    use super::{CAPTURED, CLOSED, IGNORED, MASK, bit};
    use std::mem::MaybeUninit;
    use std::ptr;
    use std::sync::atomic::Ordering;

    #[used]
    // SAFETY: the section holds pointers to functions of this type, which the C library calls once
    // before main; `capture` only makes system calls and stores into atomics.
    #[unsafe(link_section = ".init_array")]
    pub static ENTRY: extern "C" fn() = capture;

    extern "C" fn capture() {
        let mut mask = 0;
        let mut ignored = 0;
        let mut blocked = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: with no new set the call only writes the old one.
        let got = unsafe { libc::sigprocmask(libc::SIG_BLOCK, ptr::null(), blocked.as_mut_ptr()) };
        for signal in 1..=64 {
            // SAFETY: the set was written if the call succeeded.
            if got == 0 && unsafe { libc::sigismember(blocked.as_ptr(), signal) } == 1 {
                mask |= bit(signal);
            }
            let mut action = MaybeUninit::<libc::sigaction>::zeroed();
            // SAFETY: with no new action the call only writes the old one, which is zeroed (a
            // default disposition) if the call refuses the signal.
            let action = unsafe {
                libc::sigaction(signal, ptr::null(), action.as_mut_ptr());
                action.assume_init()
            };
            if action.sa_sigaction == libc::SIG_IGN {
                ignored |= bit(signal);
            }
        }
        let mut closed = 0;
        for fd in 0..3 {
            // SAFETY: F_GETFD has no memory effects and works on any number.
            if unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1 {
                closed |= 1 << fd;
            }
        }
        MASK.store(mask, Ordering::Relaxed);
        IGNORED.store(ignored, Ordering::Relaxed);
        CLOSED.store(closed, Ordering::Relaxed);
        CAPTURED.store(true, Ordering::Release);
    }

    /// A set of signals in the C library's form.
    pub fn set_of(mask: u64) -> libc::sigset_t {
        let mut set = MaybeUninit::uninit();
        // SAFETY: sigemptyset writes the whole set; sigaddset refuses numbers it does not like.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            for signal in (1..=64).filter(|signal| mask & bit(*signal) != 0) {
                libc::sigaddset(set.as_mut_ptr(), signal);
            }
            set.assume_init()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constructor_has_run_and_saw_open_streams() {
        assert_eq!(Inherit::captured().closed, [false; 3]);
    }

    #[test]
    fn sigpipe_is_what_it_was_before_rust_ignored_it() {
        let inherit = Inherit {
            mask: 0,
            ignored: bit(libc::SIGHUP),
            closed: [false; 3],
        };
        assert_eq!(inherit.sigpipe(), libc::SIG_DFL);
        assert!(inherit.ignores(libc::SIGHUP) && !inherit.ignores(0) && !inherit.ignores(65));
    }
}
