//! Frames that forbid to leave. A function without equivalence points (of libc, or one that cannot
//! migrate) may call one that has some, directly or through a pointer. While it waits for that call
//! its own frame cannot be saved, so the call is bracketed: the thread's word `Held` is raised before
//! it and restored after it.

use super::thread_words::Word;
use crate::ir::{Builder, Function, Instruction, Module, Place, Value};

/// Brackets the calls in `function`, which has no equivalence points, for which `may_have_points` holds
/// and those through pointers. Restores the thread's words where a call returns twice.
pub fn bracket(module: &Module, function: Function, may_have_points: impl Fn(Function) -> bool) {
    let builder = Builder::new(module);
    let calls: Vec<Instruction> = function
        .instructions()
        .into_iter()
        .filter(|i| i.is_call())
        .collect();
    let twice: Vec<Instruction> = calls
        .iter()
        .copied()
        .filter(|call| call.call_has(Place::Function, "returns_twice"))
        .collect();
    if !twice.is_empty() {
        restore_after(module, &builder, function, &twice);
    }
    for call in calls {
        let callee = call.callee();
        let through_pointer = callee.as_function().is_none() && callee.inline_assembly().is_none();
        if !twice.contains(&call)
            && (through_pointer || callee.as_function().is_some_and(&may_have_points))
        {
            hold_during(module, &builder, call);
        }
    }
}

fn hold_during(module: &Module, builder: &Builder, call: Instruction) {
    if call.is_musttail() {
        return;
    }
    call.set_not_tail();
    builder.before(call);
    let held = Word::Held.read(module, builder);
    Word::Held.write(module, builder, builder.add(held, builder.word(1)));
    if let Some(next) = call.next() {
        builder.before(next);
        builder.locate_like(call);
        Word::Held.write(module, builder, held);
    }
}

/// longjmp leaves out the ends of the frames it skips; what these would have restored is restored here.
fn restore_after(module: &Module, builder: &Builder, function: Function, calls: &[Instruction]) {
    let Some(first) = function.entry().instructions().first().copied() else {
        return;
    };
    builder.before(first);
    let keep = |word: Word, value: Value| {
        let slot = builder.alloca(value.ty(), "rtx.kept").as_value();
        builder.store(value, slot).set_volatile();
        (word, slot, value.ty())
    };
    let kept = [
        keep(Word::Held, Word::Held.read(module, builder)),
        keep(Word::DataStack, Word::DataStack.read(module, builder)),
    ];
    for call in calls {
        let Some(next) = call.next() else { continue };
        builder.before(next);
        builder.locate_like(*call);
        for (word, slot, ty) in kept {
            let value = builder.load(ty, slot);
            value.set_volatile();
            word.write(module, builder, value.as_value());
        }
    }
}
