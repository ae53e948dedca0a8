//! What a stopped thread's backtrace needs, taken where the thread is and unwound elsewhere.

use crate::memory::PAGE;
use crate::memory::remote::Memory;

/// Bytes of stack that are taken at most, from the stack pointer on.
pub const STACK_BYTES: usize = 64 << 10;

/// Threads of one machine of which snapshots are taken at once, at most.
pub const THREADS: usize = 256;

/// A thread's registers and the inner end of its stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Its general registers, in the form in which threads travel.
    pub registers: Vec<u8>,
    /// Its stack pointer.
    pub sp: u64,
    /// Its stack from there on; it ends where memory is elsewhere, or after [`STACK_BYTES`].
    pub stack: Vec<u8>,
}

impl Snapshot {
    /// Takes what is here of a stopped thread. Waits for nothing: a page that is elsewhere ends it.
    pub fn take(memory: &Memory, registers: Vec<u8>, sp: u64) -> Self {
        let mut stack = Vec::new();
        let mut at = sp;
        while stack.len() < STACK_BYTES {
            let Some(end) = (at / PAGE + 1).checked_mul(PAGE) else {
                break;
            };
            let length = ((end - at) as usize).min(STACK_BYTES - stack.len());
            let mut part = vec![0; length];
            if memory.read(&[(at, length)], &mut part).is_err() {
                break;
            }
            stack.extend(part);
            at = end;
        }
        Self {
            registers,
            sp,
            stack,
        }
    }

    /// Fills `out` from `addr` on. False: that is not part of it.
    pub fn read(&self, addr: u64, out: &mut [u8]) -> bool {
        let from = addr
            .checked_sub(self.sp)
            .and_then(|n| usize::try_from(n).ok());
        let part = from.and_then(|from| self.stack.get(from..from.checked_add(out.len())?));
        if let Some(part) = part {
            out.copy_from_slice(part);
        }
        part.is_some()
    }
}
