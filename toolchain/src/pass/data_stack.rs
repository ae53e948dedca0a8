//! Locals whose address is taken live on the thread's data stack: memory that is shared and has the
//! same address on every instruction set, so that pointers to them stay right when the thread moves.

use super::thread_words::Word;
use crate::ir::{Builder, Function, Instruction, Module, Opcode, Value};

/// The data stack keeps this alignment between frames.
const FRAME: u64 = 16;

/// Moves the allocas of a function to the data stack. Returns the bytes of its frame there.
///
/// The function must have none of dynamic size. A signal handler may begin at any instruction, on any instruction
/// set, and takes the thread's word for the top: it is raised before the first use of a local and lowered
/// after the last, and no compiler may move that.
pub fn move_locals(module: &Module, builder: &Builder, function: Function) -> u64 {
    let allocas: Vec<Instruction> = function
        .instructions()
        .into_iter()
        .filter(|i| i.opcode() == Opcode::LLVMAlloca)
        .collect();
    if allocas.is_empty() {
        return 0;
    }
    for alloca in &allocas {
        drop_lifetimes(*alloca);
    }
    let first = *function
        .entry()
        .instructions()
        .iter()
        .find(|i| i.opcode() != Opcode::LLVMAlloca)
        .expect("a block ends with a terminator");
    builder.before(first);
    let base = Word::DataStack.read(module, builder);
    let wide = allocas
        .iter()
        .map(|a| a.alignment())
        .max()
        .unwrap_or(1)
        .max(FRAME);
    let aligned = if wide > FRAME {
        let up = builder.add(builder.address(base), builder.long(wide - 1));
        builder.pointer_at(builder.and(up, builder.long(!(wide - 1))))
    } else {
        base
    };
    let mut bytes = 0u64;
    for alloca in allocas {
        bytes = bytes.next_multiple_of(alloca.alignment().max(8));
        builder.before(first);
        let place = builder.offset(aligned, builder.long(bytes));
        place.set_name(&alloca.as_value().name());
        bytes += size(module, alloca);
        alloca.as_value().replace_all_uses(place);
        alloca.erase();
    }
    bytes = bytes.next_multiple_of(FRAME).next_multiple_of(wide);
    builder.before(first);
    Word::DataStack.write(
        module,
        builder,
        builder.offset(aligned, builder.long(bytes)),
    );
    builder.fence();
    for block in function.blocks() {
        if let Some(end) = block.terminator().filter(|t| t.opcode() == Opcode::LLVMRet) {
            builder.before(end);
            builder.fence();
            Word::DataStack.write(module, builder, base);
        }
    }
    bytes
}

fn size(module: &Module, alloca: Instruction) -> u64 {
    let count = alloca
        .as_value()
        .operands()
        .first()
        .and_then(|n| n.as_integer())
        .unwrap_or(1);
    module.size_of(alloca.allocated()) * count.max(1).unsigned_abs()
}

/// LLVM may only be told of the lifetimes of allocas.
fn drop_lifetimes(alloca: Instruction) {
    for user in alloca.as_value().users() {
        if let Some(call) = user.as_instruction().filter(|i| i.is_call())
            && call
                .intrinsic()
                .is_some_and(|name| name.starts_with("llvm.lifetime."))
        {
            call.erase();
        }
    }
}

/// Copies structures that are passed by value in the function that gets them, as a plain pointer to
/// the caller's: one rule for every instruction set.
pub fn copy_values(module: &Module) {
    let builder = Builder::new(module);
    for function in module.functions() {
        for (number, parameter) in function.parameters().into_iter().enumerate() {
            let Some(ty) = function.byval(number) else {
                continue;
            };
            function.remove(crate::ir::Place::Parameter(number), "byval");
            if function.is_declaration() {
                continue;
            }
            let alignment = module.align_of(ty).max(8);
            let first = function.entry().instructions()[0];
            builder.before(first);
            let copy = builder.alloca(ty, "rtx.value");
            copy.set_alignment(alignment);
            let copy: Value = copy.as_value();
            parameter.replace_all_uses(copy);
            builder.copy_memory(copy, parameter, 8, module.size_of(ty));
        }
        for call in function.instructions().into_iter().filter(|i| i.is_call()) {
            for number in 0..call.arguments().len() {
                call.call_remove(crate::ir::Place::Parameter(number), "byval");
            }
        }
    }
}
