//! Calls that were cut short by a stop ([`crate::calls::cut_short`]): the thread makes the remainder
//! before it sees a result.
//!
//! ```text
//! stopped, or at the exit from a call, which returned less than it was asked for
//!        -> mend_cut_short, is_to_go_on: it now looks like one stopped inside the next call
//! that call's exit (watched)  -> is_to_go_on: the next part, or the result is the sum
//! a handler is to run         -> give_up_remainder: the result is what was moved until then
//! ```
//!
//! In between the thread can be moved like any that is stopped inside a call: its shadow makes the
//! remainder, and what the board knows of is the whole call. It comes home with the remainder in its
//! registers.

use std::os::fd::AsFd;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{SockType, getsockopt, sockopt};
use nix::sys::stat::{SFlag, fstat, major, minor};
use nix::unistd::{Pid, isatty};

use super::error::JobError;
use super::supervisor::{Supervisor, alive};
use crate::calls;
use crate::calls::cut_short::{
    Call, Data, Descriptor, MOST_PIECES, Nature, Remainder, cut_short, only_of_sockets,
};
use crate::guest::arch::{Registers, SYSCALL_INSTRUCTION};
use crate::guest::equip::fetch_fd;
use crate::guest::procfs;
use crate::guest::ptrace::{self, Tid};
use crate::memory::remote;

/// The most control data that is looked at, in bytes; messages with more are left alone.
const MOST_CONTROL: usize = 64 << 10;

impl Supervisor {
    /// Has a stopped thread with `regs` make what remains of the call that its stop cut short.
    pub(super) fn mend_cut_short(
        &mut self,
        tid: Tid,
        regs: &mut Registers,
    ) -> Result<(), JobError> {
        if !self.remainders.contains_key(&tid) {
            return self.begin_remainder(tid, regs).map(drop);
        }
        if stand_inside(regs) {
            alive(ptrace::set_registers(tid, regs), "write registers")?;
        }
        Ok(())
    }

    /// A watched thread is at the exit from a call with `regs`. True: the program must not see that,
    /// the thread goes on with the call once it stops next. False: it has returned what `regs` say.
    pub(super) fn is_to_go_on(&mut self, tid: Tid, regs: &mut Registers) -> Result<bool, JobError> {
        let over = self.is_over(tid);
        let Some(remainder) = self.remainders.get_mut(&tid) else {
            return self.begin_remainder(tid, regs);
        };
        let more = remainder.returned(regs.result()) && !over;
        if more {
            let (nr, args) = remainder.next();
            regs.make_instead(nr as u64, args);
        } else {
            self.end_remainder(tid, regs);
        }
        alive(ptrace::set_registers(tid, regs), "write registers")?;
        Ok(more)
    }

    /// A stopped thread is to be told what its call has moved so far: a handler runs, or it is let go.
    /// `at_call`: it is at the entry to or at the exit from a call.
    pub(super) fn give_up_remainder(&mut self, tid: Tid, at_call: bool) -> Result<(), JobError> {
        let Some(remainder) = self.remainders.get_mut(&tid) else {
            return Ok(());
        };
        let Some(mut regs) = alive(ptrace::registers(tid), "read registers")? else {
            return Ok(());
        };
        if !at_call {
            stand_inside(&mut regs);
        } else if !alive(ptrace::enters_call(tid), "read an event")?.unwrap_or(true) {
            // A restart or an error, in its inner form too, is nothing moved.
            remainder.returned(regs.result());
        }
        // At its entry a call without a number is not made.
        self.end_remainder(tid, &mut regs);
        alive(ptrace::set_registers(tid, &regs), "write registers")?;
        Ok(())
    }

    /// Ends in `regs` the call whose remainder a thread makes, if it makes one.
    pub(super) fn end_remainder(&mut self, tid: Tid, regs: &mut Registers) {
        if let Some(remainder) = self.remainders.remove(&tid) {
            let (_, args) = remainder.whole();
            regs.set_call_arguments(args);
            regs.finish_call(remainder.done());
        }
    }

    /// Begins with the remainder of a call that a thread with `regs` has returned from too early. False:
    /// it has not.
    fn begin_remainder(&mut self, tid: Tid, regs: &mut Registers) -> Result<bool, JobError> {
        let Some((remainder, nr)) = self.remainder_of(tid, regs) else {
            return Ok(false);
        };
        self.note_deadline(tid, regs);
        if self.is_over(tid) {
            // That is why it was stopped.
            self.deadlines.remove(&tid);
            return Ok(false);
        }
        let (next, args) = remainder.next();
        // A filter of the program's own may not let another call through.
        let filters = || procfs::filters(tid).unwrap_or(u32::MAX);
        if next != nr && filters() > u32::from(self.filtered) {
            return Ok(false);
        }
        regs.make_instead(next as u64, args);
        self.remainders.insert(tid, remainder);
        alive(ptrace::set_registers(tid, regs), "write registers")?;
        Ok(true)
    }

    fn remainder_of(&self, tid: Tid, regs: &Registers) -> Option<(Remainder, i64)> {
        let nr = regs.call_in_progress()? as i64;
        let call = cut_short(nr, &regs.call_arguments(), regs.result())?;
        let described: Option<Vec<Descriptor>> = call
            .descriptors()
            .into_iter()
            .map(|fd| describe(tid, fd))
            .collect();
        if !call.is_cut_on(&described?) || was_wound_back(tid, regs) {
            return None;
        }
        if let Some(time) = call.time_left() {
            let mut left = [0u8; 16];
            remote::read_into(Pid::from_raw(tid), time, &mut left).ok()?;
            if left == [0; 16] {
                return None;
            }
        }
        let pieces = pieces(tid, &call)?;
        Some((Remainder::of(call, &pieces, regs.result() as u64)?, nr))
    }
}

/// Has a thread that makes a remainder, and may have been wound back to just before it, look as if
/// stopped inside it. Whether that changed something.
pub(super) fn stand_inside(regs: &mut Registers) -> bool {
    let outside = !regs.call_will_restart() && !calls::driven_out(regs);
    if outside {
        regs.enter_call();
    }
    outside
}

/// The thread has not returned from its call: it is about to make it again.
fn was_wound_back(tid: Tid, regs: &Registers) -> bool {
    let mut instruction = [0; SYSCALL_INSTRUCTION.len()];
    remote::read_into(Pid::from_raw(tid), regs.pc(), &mut instruction).is_ok()
        && regs.was_wound_back(&instruction)
}

/// What a descriptor of a thread is; `None` if it is gone.
fn describe(tid: Tid, fd: i32) -> Option<Descriptor> {
    let fd = fetch_fd(tid, fd).ok()?;
    let status = fstat(fd.as_fd()).ok()?;
    let kind = SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT;
    let nature = match kind {
        SFlag::S_IFIFO => Nature::Pipe,
        SFlag::S_IFSOCK => match getsockopt(&fd, sockopt::SockType) {
            Ok(SockType::Stream) => Nature::Stream,
            _ => Nature::Socket,
        },
        SFlag::S_IFCHR if major(status.st_rdev) == 1 => {
            Nature::Memory(minor(status.st_rdev) as u32)
        }
        SFlag::S_IFCHR if isatty(fd.as_fd()).unwrap_or(false) => Nature::Terminal,
        SFlag::S_IFREG | SFlag::S_IFBLK => Nature::File,
        _ => Nature::Other,
    };
    let flags = OFlag::from_bits_truncate(fcntl(fd.as_fd(), FcntlArg::F_GETFL).ok()?);
    let waits = !flags.contains(OFlag::O_NONBLOCK);
    Some(Descriptor { nature, waits })
}

/// Where the bytes of a thread's call are, (address, length). `None`: nobody can tell, or its message
/// is not one that can be gone on with.
fn pieces(tid: Tid, call: &Call) -> Option<Vec<(u64, u64)>> {
    match call.data {
        Data::Counted { .. } => Some(Vec::new()),
        Data::Bytes { at, len } => Some(vec![(at, len)]),
        Data::Vector { at, count } => vector(tid, at, count),
        Data::Message { at } => {
            let head = words::<7>(tid, at)?;
            let [_, _, entries, count, control, control_len, flags] = head;
            let whole = if call.sends() {
                let len = usize::try_from(control_len).ok().filter(|_| control != 0);
                let len = len.unwrap_or(0);
                if len > MOST_CONTROL {
                    return None;
                }
                let mut bytes = vec![0; len];
                remote::read_into(Pid::from_raw(tid), control, &mut bytes).ok()?;
                only_of_sockets(&bytes)
            } else {
                // With control data a message ends.
                control_len == 0 && flags as i32 & libc::MSG_CTRUNC == 0
            };
            whole.then(|| vector(tid, entries, count)).flatten()
        }
    }
}

/// The entries of a vector (struct iovec).
fn vector(tid: Tid, at: u64, count: u64) -> Option<Vec<(u64, u64)>> {
    if count > MOST_PIECES {
        return None;
    }
    let mut bytes = vec![0u8; 16 * count as usize];
    remote::read_into(Pid::from_raw(tid), at, &mut bytes).ok()?;
    let (entries, _) = bytes.as_chunks::<16>();
    Some(
        entries
            .iter()
            .map(|entry| {
                let half = |i: usize| u64::from_ne_bytes(std::array::from_fn(|k| entry[8 * i + k]));
                (half(0), half(1))
            })
            .collect(),
    )
}

fn words<const N: usize>(tid: Tid, at: u64) -> Option<[u64; N]> {
    let mut words = [0u64; N];
    let mut bytes = vec![0u8; 8 * N];
    remote::read_into(Pid::from_raw(tid), at, &mut bytes).ok()?;
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_ne_bytes(*bytes);
    }
    Some(words)
}
