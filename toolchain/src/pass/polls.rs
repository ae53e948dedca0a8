//! Equivalence points: where compiled code looks whether its thread is asked to leave.

use std::collections::HashSet;

use super::control_flow::{ControlFlow, Loop};
use super::counting::Counting;
use super::runtime_calls::Runtime;
use super::strips;
use crate::ir::{Block, Builder, Function, Instruction, Opcode};

/// Inserts the polls of a function: at its entry, and at the back edges of its loops unless a function
/// that polls is called each time round. Returns the calls of the slow path.
pub fn insert(
    builder: &Builder,
    runtime: &Runtime,
    function: Function,
    instrumented: &HashSet<Function>,
) -> Vec<Instruction> {
    let mut places = Vec::new();
    let innermost: Vec<Loop> = ControlFlow::of(function).loops().0;
    let mut in_strips = HashSet::new();
    for l in innermost.iter().filter(|l| !l.has_inner && !is_short(l)) {
        if let Some(place) = strips::cut(builder, l) {
            places.push(place);
            in_strips.insert(l.header);
        }
    }
    places.extend(back_edges(function, instrumented, &in_strips, &places));
    let entry = function.entry();
    let begin = entry
        .instructions()
        .into_iter()
        .find(|i| i.opcode() != Opcode::LLVMAlloca);
    places.insert(0, begin.expect("a block ends with a terminator"));
    places
        .into_iter()
        .map(|place| poll_before(builder, runtime, place))
        .collect()
}

/// The instructions before which loops poll.
fn back_edges(
    function: Function,
    instrumented: &HashSet<Function>,
    in_strips: &HashSet<Block>,
    done: &[Instruction],
) -> Vec<Instruction> {
    let flow = ControlFlow::of(function);
    let (loops, irregular) = flow.loops();
    let mut blocks: Vec<Block> = Vec::new();
    for l in &loops {
        if !is_covered(&flow, l, instrumented) && !is_short(l) && !in_strips.contains(&l.header) {
            blocks.extend(&l.latches);
        }
    }
    blocks.extend(irregular.into_iter().map(|(from, _)| from));
    let mut seen = HashSet::new();
    blocks.retain(|block| seen.insert(*block));
    blocks
        .into_iter()
        .filter_map(Block::terminator)
        .filter(|place| !done.contains(place))
        .collect()
}

/// Whether each round calls a function that polls when it begins.
fn is_covered(flow: &ControlFlow, l: &Loop, instrumented: &HashSet<Function>) -> bool {
    l.blocks.iter().any(|block| {
        block.instructions().iter().any(|i| {
            i.called_function()
                .is_some_and(|f| instrumented.contains(&f))
        }) && l.latches.iter().all(|latch| flow.dominates(*block, *latch))
    })
}

/// Whether the loop needs no point of its own: what bounds its rounds is a small constant.
fn is_short(l: &Loop) -> bool {
    const ROUNDS: u64 = 1024;
    let [latch] = l.latches[..] else { return false };
    let counting = latch.terminator().and_then(|end| Counting::of(l, end));
    let rounds = counting.and_then(|counting| counting.most_rounds(l));
    !l.has_inner && rounds.is_some_and(|rounds| rounds <= ROUNDS)
}

/// Polls before `place`; returns the call of the slow path, whose result says whether to leave.
fn poll_before(builder: &Builder, runtime: &Runtime, place: Instruction) -> Instruction {
    let rest = place.block();
    let head = rest.split_before(place, builder);
    let jump = head.terminator().expect("the split ended it");
    let slow = rest.insert_before(builder, "rtx.asked");
    builder.before(jump);
    builder.locate_like(place);
    let asked = builder.load(builder.integer(32), runtime.indicator);
    asked.set_volatile();
    asked.set_alignment(4);
    let asked = builder.differs(asked.as_value(), builder.word(0));
    builder.branch_rarely(asked, slow, rest);
    jump.erase();
    builder.at_end(slow);
    builder.locate_like(place);
    let call = runtime.slow.call(builder, &[]);
    builder.jump(rest);
    call
}
