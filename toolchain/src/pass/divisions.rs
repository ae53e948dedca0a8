//! Integer divisions that x86-64 traps and aarch64 does not: by zero, and of the lowest number by -1. Before each that may
//! be one, code for aarch64 looks, and calls the runtime, which sends the thread the signal that x86-64's kernel would
//! send. It is inserted after LLVM's optimisation, so that divisions whose results nobody wants are gone on both.
//!
//! Blocks to which computed gotos lead cannot be divided: there the runtime looks, each time.

use crate::ir::{Builder, Instruction, Module, Opcode, Place, Value};

/// What does not return, unless by a jump out of a signal's handler (toolchain/runtime/rtx.c).
const TRAP: &str = "__rtx_division_traps";

/// What does if its argument is not 0.
const LOOK: &str = "__rtx_division_traps_if";

/// Bits of the widest division that is one instruction on x86-64; wider ones are functions, which trap only by zero.
const WIDEST: u32 = 64;

/// Inserts the looks into an optimised module.
pub fn check(module: &Module) {
    let builder = Builder::new(module);
    for function in module.functions() {
        let instructions = function.instructions();
        let jumps = |i: &Instruction| i.opcode() == Opcode::LLVMIndirectBr;
        let by_call = instructions.iter().any(jumps);
        for division in instructions.into_iter().filter(|i| may_trap(*i)) {
            match by_call {
                true => look_by_call(module, &builder, division),
                false => look(module, &builder, division),
            }
        }
    }
}

fn look(module: &Module, builder: &Builder, division: Instruction) {
    let ty = builder.function_type(builder.void(), &[]);
    let trap = module.declare(TRAP, ty);
    for attribute in ["cold", "noreturn", "nounwind"] {
        trap.add(Place::Function, attribute);
    }
    let usual = division.block();
    let head = usual.split_before(division, builder);
    let trapping = builder.block_before(usual, "");
    if let Some(jump) = head.terminator() {
        jump.erase();
    }
    builder.at_end(head);
    builder.locate_like(division);
    builder.branch_rarely(traps(builder, division), trapping, usual);
    builder.at_end(trapping);
    builder.locate_like(division);
    builder.call(ty, trap.as_value(), &[]);
    builder.unreachable();
}

fn look_by_call(module: &Module, builder: &Builder, division: Instruction) {
    let ty = builder.function_type(builder.void(), &[builder.integer(32)]);
    let look = module.declare(LOOK, ty);
    builder.before(division);
    let (yes, no) = (builder.word(1), builder.word(0));
    let traps = builder.select(traps(builder, division), yes, no);
    builder.call(ty, look.as_value(), &[traps]);
}

fn is_signed(division: Instruction) -> bool {
    matches!(division.opcode(), Opcode::LLVMSDiv | Opcode::LLVMSRem)
}

/// Constants do not: LLVM has made another instruction of a division by zero.
fn may_trap(instruction: Instruction) -> bool {
    let divides = is_signed(instruction)
        || matches!(instruction.opcode(), Opcode::LLVMUDiv | Opcode::LLVMURem);
    divides && {
        let operands = instruction.as_value().operands();
        !operands[1].is_constant() && !operands[0].ty().is_vector()
    }
}

/// Whether a division does.
fn traps(builder: &Builder, division: Instruction) -> Value {
    let operands = division.as_value().operands();
    let (dividend, divisor) = (operands[0], operands[1]);
    let by_zero = builder.equal(divisor, divisor.ty().zero());
    let bits = dividend.ty().integer_bits();
    let lowest = 1u64.checked_shl(bits - 1).filter(|_| bits <= WIDEST);
    let other = dividend.as_integer();
    match lowest.filter(|_| is_signed(division)) {
        Some(lowest)
            if other.is_none_or(|other| other as u64 & (lowest | (lowest - 1)) == lowest) =>
        {
            let by_minus_one = builder.equal(divisor, builder.number_like(divisor, u64::MAX));
            let of_lowest = builder.equal(dividend, builder.number_like(dividend, lowest));
            let overflows = builder.and(by_minus_one, of_lowest);
            builder.or(by_zero, overflows)
        }
        _ => by_zero,
    }
}
