//! The caller of a function of which nothing is written down: whoever's return address stands nearest on
//! the stack. musl is built so, and a thread that waits is always in it.
//!
//! A word is a return address if the instruction before it is a call. One that calls the very function is
//! believed first; if there is none (the function was jumped to, or called by a register), the nearest.

use super::arch::Call;
use super::program::Program;
use super::unwind::{Current, End, Read};

/// Words of the stack that are looked at for one caller.
pub(super) const MAX_WORDS: u64 = 1024;

/// Looks for the caller of `frame`.
pub(super) fn caller(
    program: &Program<'_>,
    frame: &Current,
    read: Read<'_>,
) -> Result<Current, End> {
    let rules = program.rules;
    let function = program.function_start(frame.lookup());
    let sp = frame.registers.get(rules.sp).ok_or(End::Lost)?;
    if let Some(pc) = by_link(program, frame, function) {
        return Ok(found(frame, pc, sp..sp));
    }
    let mut nearest = None;
    let mut end = End::Lost;
    for at in (0..MAX_WORDS).filter_map(|i| sp.checked_add(8 * i)) {
        let mut word = [0; 8];
        if !read(at, &mut word) {
            end = End::Memory;
            break;
        }
        let pc = u64::from_le_bytes(word) & rules.address_mask;
        match program.call_before(pc) {
            Some(Call::To(target)) if Some(target) == function => {
                nearest = Some((pc, at));
                break;
            }
            // Where a function begins, a pointer to it is more likely.
            Some(_) if program.function_start(pc) != Some(pc) => {
                nearest = nearest.or(Some((pc, at)))
            }
            Some(_) => {}
            None => {}
        }
    }
    let (pc, at) = nearest.ok_or(end)?;
    let after = at.checked_add(8).ok_or(End::Lost)?;
    let mut caller = found(frame, pc, sp..after);
    caller.registers.set(rules.sp, Some(after));
    if rules.link.is_some() {
        // Return addresses are saved together with frame pointers, which are before them.
        let mut word = [0; 8];
        let there = at.checked_sub(8).is_some_and(|at| read(at, &mut word));
        let fp = Some(u64::from_le_bytes(word)).filter(|fp| there && *fp >= after);
        caller
            .registers
            .set(rules.fp, fp.or(frame.registers.get(rules.fp)));
    }
    Ok(caller)
}

/// The return address in the link register, if it is the frame's own. That can only be where the code was
/// interrupted; and after a call of its own, it is in the function itself.
fn by_link(program: &Program<'_>, frame: &Current, function: Option<u64>) -> Option<u64> {
    let link = program.rules.link.filter(|_| frame.exact)?;
    let pc = frame.registers.get(link)? & program.rules.address_mask;
    let fits = match (program.call_before(pc)?, function) {
        (Call::To(target), Some(function)) => target == function,
        (Call::Indirect, Some(function)) => {
            program.function_start(pc.wrapping_sub(1)) != Some(function)
        }
        (_, None) => true,
    };
    fits.then_some(pc)
}

fn found(frame: &Current, pc: u64, passed: std::ops::Range<u64>) -> Current {
    let mut registers = frame.registers;
    registers.pc = pc;
    Current {
        registers,
        exact: false,
        guessed: true,
        certain: false,
        passed,
    }
}
