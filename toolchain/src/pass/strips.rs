//! Loops in strips. A poll in an innermost loop would keep LLVM from vectorising it, and none would let it
//! run for as long as it likes. So a loop that counts is cut into strips: an outer loop polls, the inner
//! one makes at most [`ROUNDS`] rounds and is as simple as before.
//!
//! ```text
//! before:  header ... latch -> header | exit
//! after:   strip -> header ... latch -> header | done;  done -> pause | exit;  pause -> strip
//! ```

use super::control_flow::Loop;
use super::strip_counter::{self, Counter};
use crate::ir::{Block, Builder, Instruction, Opcode, Value};

/// Rounds of a strip: at a few nanoseconds each, far less than a millisecond.
pub const ROUNDS: u32 = 4096;

/// Cuts a loop into strips, if it is of the kind for which that pays. Returns the place to poll at: the
/// end of the block `pause`.
pub fn cut(builder: &Builder, l: &Loop) -> Option<Instruction> {
    let shape = Shape::of(l)?;
    let pause = builder.block(l.header.function(), "rtx.pause");
    let strip = l.header.insert_before(builder, "rtx.strip");
    for entering in l.header.entering() {
        if !l.blocks.contains(&entering.block()) {
            entering.redirect(l.header, strip);
        }
    }
    for phi in l.header.phis() {
        split_phi(builder, l, &shape, phi, strip, pause);
    }
    builder.at_end(strip);
    builder.locate_like(shape.end);
    builder.jump(l.header);
    builder.at_end(pause);
    builder.locate_like(shape.end);
    builder.jump(strip);
    let counter = strip_counter::find(builder, l, shape.end, strip);
    end_strips(builder, l, &shape, counter, strip, pause);
    pause.terminator()
}

/// A loop with one way back and one way out, both at its end.
struct Shape {
    latch: Block,
    end: Instruction,
    exit: Block,
    /// Whether the loop goes on when its condition holds.
    while_true: bool,
}

impl Shape {
    fn of(l: &Loop) -> Option<Shape> {
        let [latch] = l.latches[..] else { return None };
        let end = latch
            .terminator()
            .filter(|t| t.opcode() == Opcode::LLVMBr)?;
        let [first, second] = end.successors()[..] else {
            return None;
        };
        let exit = if first == l.header { second } else { first };
        let leaves_elsewhere = l.blocks.iter().any(|block| {
            *block != latch
                && block
                    .successors()
                    .iter()
                    .any(|next| !l.blocks.contains(next))
        });
        let calls = l
            .blocks
            .iter()
            .flat_map(|block| block.instructions())
            .any(|i| i.is_call() && i.intrinsic().is_none());
        let simple = !l.has_inner && !l.blocks.contains(&exit) && !leaves_elsewhere && !calls;
        (simple && counts(l, end)).then_some(Shape {
            latch,
            end,
            exit,
            while_true: first == l.header,
        })
    }
}

/// Whether the condition compares a value that advances by a step. What it is compared with may still be
/// computed in the loop: LLVM moves it out later.
fn counts(l: &Loop, end: Instruction) -> bool {
    let condition = end.as_value().operands()[0].as_instruction();
    let Some(test) = condition.filter(|i| i.opcode() == Opcode::LLVMICmp) else {
        return false;
    };
    test.as_value()
        .operands()
        .into_iter()
        .filter_map(Value::as_instruction)
        .any(|i| {
            let kinds = [
                Opcode::LLVMAdd,
                Opcode::LLVMSub,
                Opcode::LLVMGetElementPtr,
                Opcode::LLVMPHI,
            ];
            l.blocks.contains(&i.block()) && kinds.contains(&i.opcode())
        })
}

/// A phi of the header becomes two: one that begins a strip, one in it.
fn split_phi(
    builder: &Builder,
    l: &Loop,
    shape: &Shape,
    phi: Instruction,
    strip: Block,
    pause: Block,
) {
    let ty = phi.as_value().ty();
    let incoming = phi.incoming();
    let next = incoming
        .iter()
        .find(|(_, from)| *from == shape.latch)
        .map(|(value, _)| *value);
    let next = next.expect("the latch enters the header");
    builder.at_end(strip);
    let outer = builder.phi(ty);
    builder.before(phi);
    let inner = builder.phi(ty);
    let next = if next == phi.as_value() {
        inner.as_value()
    } else {
        next
    };
    for (value, from) in incoming {
        if !l.blocks.contains(&from) {
            outer.add_incoming(value, from);
        }
    }
    inner.add_incoming(outer.as_value(), strip);
    inner.add_incoming(next, shape.latch);
    outer.add_incoming(next, pause);
    phi.as_value().replace_all_uses(inner.as_value());
    phi.erase();
}

/// Ends a strip when there were enough rounds.
fn end_strips(
    builder: &Builder,
    l: &Loop,
    shape: &Shape,
    counter: Option<Counter>,
    strip: Block,
    pause: Block,
) {
    let condition = shape.end.as_value().operands()[0];
    let within = match counter {
        Some(counter) => strip_counter::begin_at_zero(builder, l, counter, strip, shape.end),
        None => {
            builder.before(l.header.instructions()[0]);
            let rounds = builder.phi(builder.integer(32));
            builder.before(shape.end);
            let more = builder.add(rounds.as_value(), builder.word(1));
            rounds.add_incoming(builder.word(0), strip);
            rounds.add_incoming(more, shape.latch);
            let goes_on = if shape.while_true {
                condition
            } else {
                builder.not(condition)
            };
            builder.and(goes_on, builder.below(more, builder.word(ROUNDS)))
        }
    };
    let done = builder.block(l.header.function(), "rtx.done");
    builder.before(shape.end);
    let end = builder.branch(within, l.header, done);
    end.copy_metadata(shape.end, "llvm.loop");
    builder.at_end(done);
    builder.locate_like(shape.end);
    let (then, otherwise) = if shape.while_true {
        (pause, shape.exit)
    } else {
        (shape.exit, pause)
    };
    builder.branch(condition, then, otherwise);
    shape.end.erase();
    for phi in shape.exit.phis() {
        builder.before(phi);
        let copy = builder.phi(phi.as_value().ty());
        for (value, from) in phi.incoming() {
            copy.add_incoming(value, if from == shape.latch { done } else { from });
        }
        phi.as_value().replace_all_uses(copy.as_value());
        phi.erase();
    }
}
