//! The registers of one thread, and the call it is in.

use super::SYSCALL_INSTRUCTION;
use super::restart;

/// The register that holds a call's number.
const NUMBER: usize = 8;
const CALL_BYTES: u64 = SYSCALL_INSTRUCTION.len() as u64;
const WORDS: usize = 34 + 1 + 2;
/// Stands on the wire for no call.
const NO_CALL: u64 = u64::MAX;

/// A system call that a thread is in. The program counter is behind the instruction then, and x0
/// holds the call's result, also one of the kernel's own (include/linux/errno.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InCall {
    pub(super) nr: u64,
    /// The first argument, whose register the result has taken.
    pub(super) first: u64,
}

/// The registers of one thread.
#[derive(Clone, Copy)]
pub struct Registers {
    /// What PTRACE_GETREGSET(NT_PRSTATUS) gives, but see [`InCall`].
    pub(super) general: libc::user_regs_struct,
    /// TPIDR_EL0.
    pub(super) thread_pointer: u64,
    pub(super) call: Option<InCall>,
}

impl Registers {
    /// Bytes on the wire.
    pub const SIZE: usize = WORDS * 8;

    /// A set with every register zero.
    pub fn zeroed() -> Self {
        // SAFETY: user_regs_struct is a plain C struct of integers; all zero is a valid value.
        let general = unsafe { std::mem::zeroed() };
        Registers {
            general,
            thread_pointer: 0,
            call: None,
        }
    }

    /// The set as the bytes that travel on the wire: x0 to x30, sp, pc, pstate, the thread pointer,
    /// the call's number (-1: none) and first argument; little endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let g = &self.general;
        let (nr, first) = self.call.map_or((NO_CALL, 0), |c| (c.nr, c.first));
        let rest = [g.sp, g.pc, g.pstate, self.thread_pointer, nr, first];
        let words = g.regs.iter().chain(&rest);
        words.flat_map(|word| word.to_le_bytes()).collect()
    }

    /// Reads what [`Registers::to_bytes`] wrote; `None` if the length is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != Self::SIZE {
            return None;
        }
        let word = |i: usize| u64::from_le_bytes(std::array::from_fn(|k| bytes[8 * i + k]));
        let mut regs = Self::zeroed();
        regs.general.regs = std::array::from_fn(word);
        regs.general.sp = word(31);
        regs.general.pc = word(32);
        regs.general.pstate = word(33);
        regs.thread_pointer = word(34);
        regs.call = (word(35) != NO_CALL).then_some(InCall {
            nr: word(35),
            first: word(36),
        });
        Some(regs)
    }

    /// Program counter.
    pub fn pc(&self) -> u64 {
        self.general.pc
    }

    /// Stack pointer.
    pub fn sp(&self) -> u64 {
        self.general.sp
    }

    /// Sets the first argument of a function that the thread is to run.
    pub fn set_argument(&mut self, value: u64) {
        self.general.regs[0] = value;
    }

    /// Sets the program counter.
    pub fn set_pc(&mut self, pc: u64) {
        self.general.pc = pc;
    }

    /// Sets the stack pointer.
    pub fn set_sp(&mut self, sp: u64) {
        self.general.sp = sp;
    }

    /// The thread pointer: TPIDR_EL0.
    pub fn thread_pointer(&self) -> u64 {
        self.thread_pointer
    }

    /// Sets the thread pointer.
    pub fn set_thread_pointer(&mut self, thread_pointer: u64) {
        self.thread_pointer = thread_pointer;
    }

    /// Of the registers of a thread that has run no code of a program yet: those of one that begins at
    /// `pc` with this thread pointer and first argument. It has no stack.
    pub fn begin_at(&mut self, pc: u64, thread_pointer: u64, argument: u64) {
        /// The conditions (N, Z, C, V) and the kind of the last branch: what instructions leave behind.
        const LEFT_BEHIND: u64 = 0xf000_0c00;
        let pstate = self.general.pstate & !LEFT_BEHIND;
        *self = Self::zeroed();
        self.general.pstate = pstate;
        self.general.pc = pc;
        self.thread_pointer = thread_pointer;
        self.general.regs[0] = argument;
    }

    /// The result register of a finished system call.
    pub fn result(&self) -> i64 {
        self.general.regs[0] as i64
    }

    /// Sets the result of the call that this thread is in.
    pub fn set_result(&mut self, result: i64) {
        self.general.regs[0] = result as u64;
    }

    /// Sets the result register and says that no system call is in progress.
    pub fn finish_call(&mut self, result: i64) {
        self.set_result(result);
        self.call = None;
    }

    /// The number of the system call this thread is in, if it was stopped inside one.
    pub fn call_in_progress(&self) -> Option<u64> {
        self.call.map(|call| call.nr)
    }

    /// Stopped inside a call that the kernel will restart.
    pub fn call_will_restart(&self) -> bool {
        self.call.is_some() && restart::is_restart(self.result())
    }

    /// Says that no system call is in progress, keeping all registers.
    pub fn leave_call(&mut self) {
        self.call = None;
    }

    /// Winds a thread that was stopped inside a call back to the instruction that entered it.
    pub fn rewind_call(&mut self) {
        if let Some(call) = self.call.take() {
            self.general.regs[0] = call.first;
            self.general.regs[NUMBER] = call.nr;
            self.general.pc -= CALL_BYTES;
        }
    }

    /// Whether the next instruction is the same in both, and if it enters a call, that is.
    pub(super) fn makes_same_call(&self, other: &Self) -> bool {
        let (a, b) = (&self.general, &other.general);
        a.pc == b.pc && a.regs[..=NUMBER] == b.regs[..=NUMBER]
    }

    /// Makes a thread whose next instruction enters a call look like one that was stopped inside it.
    pub fn enter_call(&mut self) {
        self.general.pc += CALL_BYTES;
        self.call = Some(InCall {
            nr: self.general.regs[NUMBER],
            first: self.general.regs[0],
        });
        self.restart_unless_handled();
    }

    /// A trap instruction is not stepped over: nothing to wind back.
    pub fn rewind_trap(&mut self) {}

    /// Takes over another set's call in progress: its number and its (perhaps internal) result,
    /// so that the kernel restarts or finishes that call at this set's own instruction.
    pub fn adopt_call(&mut self, from: &Registers) {
        self.general.regs[0] = from.general.regs[0];
        if let Some(call) = from.call {
            self.general.regs[NUMBER] = call.nr;
        }
        self.call = from.call;
    }

    /// Moves a thread that is stopped inside a call to another instruction that enters the kernel, at
    /// `at`: the kernel goes on with the call there.
    pub fn move_call(&mut self, at: u64) {
        self.general.pc = at + CALL_BYTES;
    }

    /// Has the kernel make a call again that it would end with EINTR, unless a signal's handler is to
    /// run first: then it does end so.
    pub fn restart_unless_handled(&mut self) {
        self.set_result(restart::UNLESS_HANDLED);
    }

    /// Has a thread that is stopped inside a call make another one instead when it goes on, unless a
    /// signal's handler is to run first (see [`Registers::restart_unless_handled`]).
    pub fn make_instead(&mut self, nr: u64, args: [u64; 6]) {
        self.general.regs[NUMBER] = nr;
        self.call = Some(InCall { nr, first: args[0] });
        self.set_call_arguments(args);
        self.restart_unless_handled();
    }

    /// Sets the arguments of the call this thread is in.
    pub fn set_call_arguments(&mut self, args: [u64; 6]) {
        self.general.regs[1..6].copy_from_slice(&args[1..]);
        if let Some(call) = &mut self.call {
            call.first = args[0];
        }
    }

    /// Whether the kernel has wound a thread back to `instruction`, where it is, to make its call again:
    /// here such a thread is always seen as one in the call.
    pub fn was_wound_back(&self, _instruction: &[u8]) -> bool {
        false
    }

    /// The arguments of the call this thread is in.
    pub fn call_arguments(&self) -> [u64; 6] {
        let mut args: [u64; 6] = std::array::from_fn(|i| self.general.regs[i]);
        args[0] = self.first_argument();
        args
    }

    /// The first argument of the call that this thread is in, or at the entry of.
    pub fn first_argument(&self) -> u64 {
        self.call.map_or(self.general.regs[0], |call| call.first)
    }

    /// Sets up a system call at `at`, an address that holds [`SYSCALL_INSTRUCTION`].
    pub fn prepare_call(&mut self, at: u64, nr: u64, args: [u64; 6]) {
        self.general.pc = at;
        self.general.regs[NUMBER] = nr;
        self.general.regs[..6].copy_from_slice(&args);
        self.call = None;
    }

    /// Sets up the parked helper: it reads commands from `socket` into `buffer`.
    pub fn prepare_helper(&mut self, socket: u64, buffer: u64) {
        self.general.regs[19] = socket;
        self.general.regs[20] = buffer;
    }

    /// The number in the register for it, whether or not there is a call.
    pub(super) fn number(&self) -> u64 {
        self.general.regs[NUMBER]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_survive_the_wire() {
        let mut regs = Registers::zeroed();
        regs.general.pc = 0x401000;
        regs.general.regs[30] = 5;
        regs.thread_pointer = 7;
        let back = Registers::from_bytes(&regs.to_bytes()).unwrap();
        assert_eq!((back.pc(), back.thread_pointer), (0x401000, 7));
        assert_eq!((back.general.regs[30], back.call), (5, None));
        regs.enter_call();
        let back = Registers::from_bytes(&regs.to_bytes()).unwrap();
        assert_eq!(back.call, regs.call);
        assert!(back.call_will_restart());
        assert!(Registers::from_bytes(&[0; 3]).is_none());
    }

    #[test]
    fn a_thread_that_begins_has_nothing_of_another() {
        let mut regs = Registers::zeroed();
        regs.prepare_call(0x1000, 98, [11, 12, 13, 14, 15, 16]);
        regs.enter_call();
        (regs.general.sp, regs.general.pstate) = (2, 0x6000_1000);
        regs.begin_at(0x401000, 0x5000, 0x6000);
        assert_eq!((regs.pc(), regs.thread_pointer()), (0x401000, 0x5000));
        assert_eq!((regs.first_argument(), regs.sp()), (0x6000, 0));
        assert_eq!((regs.general.pstate, regs.number()), (0x1000, 0));
        assert_eq!(regs.call_in_progress(), None);
        regs.set_sp(0x7000);
        regs.set_thread_pointer(0x8000);
        assert_eq!((regs.sp(), regs.thread_pointer()), (0x7000, 0x8000));
    }

    #[test]
    fn rewinding_a_call_points_at_its_instruction() {
        let mut regs = Registers::zeroed();
        regs.prepare_call(0x1000, 98, [11, 12, 13, 14, 15, 16]);
        regs.enter_call();
        assert_eq!((regs.pc(), regs.call_in_progress()), (0x1004, Some(98)));
        assert_eq!(regs.call_arguments(), [11, 12, 13, 14, 15, 16]);
        regs.rewind_call();
        assert_eq!((regs.pc(), regs.general.regs[0]), (0x1000, 11));
        assert_eq!(regs.call_in_progress(), None);
        regs.enter_call();
        regs.make_instead(63, [21, 22, 23, 24, 25, 26]);
        regs.rewind_call();
        assert_eq!((regs.pc(), regs.number()), (0x1000, 63));
        assert_eq!(regs.general.regs[..6], [21, 22, 23, 24, 25, 26]);
    }
}
