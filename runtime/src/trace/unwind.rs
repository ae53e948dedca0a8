//! The walk from a thread's innermost frame to its outermost.
//!
//! What the compiler wrote down is followed. Where it wrote nothing, the caller is looked for
//! ([`super::search`]); what is known of registers is uncertain from there on, and each further step must
//! lead to a call of the function that it comes from.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::arch::Call;
use super::backtrace::Backtrace;
use super::cfi::{Caller, NoCaller};
use super::program::Program;
use super::registers::Registers;
use super::search;
use super::snapshot::Snapshot;
use super::symbols;

/// Frames that are followed at most.
pub const MAX_FRAMES: usize = 256;
/// Other places for an uncertain frame that are tried at most.
const MAX_TRIES: u64 = 512;

/// Fills a buffer from an address of the stack; false: it is not known.
pub(super) type Read<'a> = &'a dyn Fn(u64, &mut [u8]) -> bool;

/// Why a backtrace ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// There are no more frames.
    Bottom,
    /// The next part of the stack is not known.
    Memory,
    /// The next frame could not be found.
    Lost,
    /// There are more than are followed.
    TooMany,
}

/// One frame on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where it goes on.
    pub pc: u64,
    /// An address within the instruction it is at: for a call the one before `pc`.
    pub lookup: u64,
    /// See [`super::Frame::guessed`].
    pub guessed: bool,
}

/// Where the walk is.
pub(super) struct Current {
    pub registers: Registers,
    /// It was interrupted at its program counter; otherwise that is behind a call.
    pub exact: bool,
    pub guessed: bool,
    /// Its registers are what they were.
    pub certain: bool,
    /// The stack that was looked through to find it.
    pub passed: Range<u64>,
}

impl Current {
    pub fn lookup(&self) -> u64 {
        match self.exact {
            true => self.registers.pc,
            false => self.registers.pc.wrapping_sub(1),
        }
    }

    fn called(caller: Caller, from: &Current) -> Self {
        Self {
            registers: caller.registers,
            exact: caller.signal,
            guessed: false,
            certain: from.certain,
            passed: 0..0,
        }
    }
}

/// The backtrace of a thread of this program; `None`: these are not registers of its instruction set.
pub fn backtrace(program: &Program<'_>, thread: &Snapshot) -> Option<Backtrace> {
    let registers = Registers::of_thread(program.rules, &thread.registers)?;
    let (steps, end) = walk(program, registers, &|at, out| thread.read(at, out));
    let frames = steps
        .iter()
        .flat_map(|step| symbols::frames(program, step.pc, step.lookup, step.guessed))
        .collect();
    Some(Backtrace { frames, end })
}

fn walk(program: &Program<'_>, registers: Registers, read: Read<'_>) -> (Vec<Step>, End) {
    let mut steps = Vec::new();
    let mut frame = Current {
        registers,
        exact: true,
        guessed: false,
        certain: true,
        passed: 0..0,
    };
    loop {
        let signal = program.returns_from_signal(frame.registers.pc);
        frame.exact |= signal;
        let lookup = frame.lookup();
        steps.push(Step {
            pc: frame.registers.pc,
            lookup,
            guessed: frame.guessed,
        });
        if program.is_bottom(lookup) {
            return (steps, End::Bottom);
        }
        if steps.len() == MAX_FRAMES {
            return (steps, End::TooMany);
        }
        let next = match signal {
            true => interrupted(program, &frame, read),
            false => next(program, &frame, read),
        };
        frame = match next {
            Ok(next) => next,
            Err(end) => return (steps, end),
        };
    }
}

/// What a signal interrupted, from the frame that the kernel made.
fn interrupted(program: &Program<'_>, frame: &Current, read: Read<'_>) -> Result<Current, End> {
    let rules = program.rules;
    let sp = frame.registers.get(rules.sp).ok_or(End::Lost)?;
    let word = |register: usize| {
        let mut word = [0; 8];
        let at = sp.checked_add((rules.interrupted)(register));
        let there = at.is_some_and(|at| read(at, &mut word));
        there.then(|| u64::from_le_bytes(word))
    };
    let mut registers = Registers::at(word(rules.registers()).ok_or(End::Memory)?);
    for register in 0..rules.registers() {
        registers.set(register, word(register));
    }
    Ok(Current {
        registers,
        exact: true,
        guessed: false,
        certain: true,
        passed: 0..0,
    })
}

/// The caller of a frame.
fn next(program: &Program<'_>, frame: &Current, read: Read<'_>) -> Result<Current, End> {
    let try_with = |registers: &Registers| {
        let at = program.in_file(frame.lookup());
        program.cfi.caller(at, program.rules, registers, read)
    };
    let caller = try_with(&frame.registers);
    if frame.certain {
        match caller {
            Ok(caller) if leads_on(program, frame, &caller) => {
                return Ok(Current::called(caller, frame));
            }
            Ok(caller) if caller.registers.pc == 0 => return Err(End::Bottom),
            Ok(_) => return Err(End::Lost),
            Err(NoCaller::Bottom) => return Err(End::Bottom),
            Err(NoCaller::Memory) => return Err(End::Memory),
            Err(NoCaller::Unknown) => return search::caller(program, frame, read),
        }
    }
    if caller == Err(NoCaller::Bottom) {
        return Err(End::Bottom);
    }
    let caller = caller
        .ok()
        .filter(|caller| leads_on(program, frame, caller));
    let function = program.function_start(frame.lookup());
    let calls = caller
        .as_ref()
        .and_then(|c| program.call_before(c.registers.pc));
    let calls_it = |call| match call {
        Call::To(target) => Some(target) == function,
        Call::Indirect => false,
    };
    if let Some(caller) = caller
        && calls.is_some_and(|call| calls_it(call) || call == Call::Indirect)
    {
        return Ok(Current::called(caller, frame));
    }
    let others = elsewhere(program, frame, read);
    for registers in others {
        if let Ok(caller) = try_with(&registers)
            && leads_on(program, frame, &caller)
            && program
                .call_before(caller.registers.pc)
                .is_some_and(calls_it)
        {
            return Ok(Current::called(caller, frame));
        }
    }
    match caller {
        Some(caller) if calls.is_some() => Ok(Current::called(caller, frame)),
        _ => search::caller(program, frame, read),
    }
}

/// Whether a caller can be one: it is in the program's code, and further out on the stack. Only where
/// it was interrupted may a function have no frame at all.
fn leads_on(program: &Program<'_>, frame: &Current, caller: &Caller) -> bool {
    let sp = program.rules.sp;
    let further = match (frame.registers.get(sp), caller.registers.get(sp)) {
        (Some(here), Some(there)) => there > here || (frame.exact && there == here),
        _ => false,
    };
    further && program.is_code(caller.registers.pc)
}

/// What the registers of an uncertain frame may be instead: the callee may have saved the frame pointer
/// anywhere in its part of the stack, and where return addresses are not pushed, that part may reach
/// further.
fn elsewhere(program: &Program<'_>, frame: &Current, read: Read<'_>) -> Vec<Registers> {
    let rules = program.rules;
    let passed = frame.passed.clone().step_by(8);
    let pointers = passed.filter_map(|at| {
        let mut word = [0; 8];
        read(at, &mut word).then(|| (rules.fp, u64::from_le_bytes(word)))
    });
    let mut others: Vec<(usize, u64)> = pointers.take(MAX_TRIES as usize).collect();
    if rules.link.is_some()
        && let Some(sp) = frame.registers.get(rules.sp)
        && let Some(first) = sp.checked_next_multiple_of(rules.align)
    {
        let steps = (0..MAX_TRIES).filter_map(|i| first.checked_add(i * rules.align));
        others.extend(steps.map(|sp| (rules.sp, sp)));
    }
    let with = |(register, value)| {
        let mut registers = frame.registers;
        registers.set(register, Some(value));
        registers
    };
    others.into_iter().map(with).collect()
}
