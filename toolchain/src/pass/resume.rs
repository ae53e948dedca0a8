//! Resume clones: for each instrumented function F a cold function F.rtx.resume that takes a frame of
//! F from the continuation, reloads what was saved, has the next frame resumed and goes on after the
//! call. It is a copy of F that is entered at its call sites.
//!
//! Values that are saved somewhere get a slot, written where they are computed or reloaded and read
//! where they are used; LLVM turns the slots into registers again.

use std::collections::{HashMap, HashSet};

use rtx_origin::RESUME_SUFFIX;

use super::runtime_calls::Runtime;
use super::sites::{Site, is_unwinding};
use crate::ir::{
    Block, Builder, Function, Instruction, Linkage, Module, Opcode, Place, ResumeDebug, Value,
};

/// Sites times saved values above which a clone is not optimised: it can be entered at each site with
/// each value, and what LLVM does to make registers of them grows faster than that.
const SIMPLE: usize = 8192;

/// Old values, blocks as values among them, and what they are in the clone.
type Copies = HashMap<Value, Value>;

/// Makes the resume clone of a function whose sites are prepared.
pub fn make(
    module: &Module,
    builder: &Builder,
    runtime: &Runtime,
    debug: &ResumeDebug,
    function: Function,
    identity: u32,
    sites: &[Site],
) -> Function {
    let ty = builder.function_type(function.ty().returned(), &[]);
    let clone = module.add_function(&format!("{}{RESUME_SUFFIX}", function.name()), ty);
    clone.as_global().set_linkage(Linkage::LLVMInternalLinkage);
    clone.copy_notes(function);
    for attribute in ["cold", "noinline"] {
        clone.add(Place::Function, attribute);
    }
    for attribute in ["zeroext", "signext"] {
        if function.has(Place::Return, attribute) {
            clone.add(Place::Return, attribute);
        }
    }
    let copies = copy_body(builder, function, clone);
    debug.cover(function, clone);
    let entry = clone.entry();
    let start = entry.insert_before(builder, "rtx.slots");
    let slots = give_slots(builder, start, sites, &copies);
    if sites.len() * slots.len() > SIMPLE {
        clone.add(Place::Function, "optnone");
    }
    dispatch(
        module, builder, runtime, clone, identity, start, sites, &copies, &slots,
    );
    clone
}

fn copy_body(builder: &Builder, function: Function, clone: Function) -> Copies {
    let mut copies = Copies::new();
    for parameter in function.parameters() {
        copies.insert(parameter, parameter.ty().poison());
    }
    for block in function.blocks() {
        copies.insert(
            block.as_value(),
            builder.block(clone, &block.as_value().name()).as_value(),
        );
    }
    let mut pairs: Vec<(Instruction, Instruction)> = Vec::new();
    for block in function.blocks() {
        builder.at_end(copied_block(&copies, block));
        for instruction in block.instructions() {
            let copy = if instruction.opcode() == Opcode::LLVMPHI {
                builder.phi(instruction.as_value().ty())
            } else {
                let copy = instruction.copy();
                builder.insert(copy);
                copy
            };
            copies.insert(instruction.as_value(), copy.as_value());
            pairs.push((instruction, copy));
        }
    }
    for (instruction, copy) in pairs {
        if instruction.opcode() == Opcode::LLVMPHI {
            for (value, from) in instruction.incoming() {
                copy.add_incoming(
                    *copies.get(&value).unwrap_or(&value),
                    copied_block(&copies, from),
                );
            }
        } else {
            for (index, operand) in instruction.as_value().operands().into_iter().enumerate() {
                if let Some(copied) = copies.get(&operand) {
                    copy.as_value().set_operand(index, *copied);
                }
            }
        }
    }
    copies
}

fn copied_block(copies: &Copies, block: Block) -> Block {
    copies[&block.as_value()]
        .as_block()
        .expect("a block's copy is a block")
}

/// Gives each value that is saved somewhere, and each result of a call site that is used, a slot.
/// The keys are the values of the original. (What an argument was is known from the record alone.)
fn give_slots(
    builder: &Builder,
    start: Block,
    sites: &[Site],
    copies: &Copies,
) -> HashMap<Value, Value> {
    let mut slots = HashMap::new();
    let mut order = Vec::new();
    let results = sites
        .iter()
        .filter(|s| !s.is_poll && !s.call.as_value().users().is_empty());
    let saved = sites
        .iter()
        .flat_map(|s| s.live.iter().map(|(value, _)| *value));
    let all: Vec<Value> = saved.chain(results.map(|s| s.call.as_value())).collect();
    for value in all {
        slots.entry(value).or_insert_with(|| {
            builder.at_end(start);
            let slot = builder.alloca(value.ty(), "rtx.slot").as_value();
            order.push((value, slot));
            slot
        });
    }
    for (value, slot) in order {
        if value.is_argument() {
            read_arguments_from_slot(builder, value, slot, copies);
        } else {
            demote(builder, copies[&value], slot);
        }
    }
    slots
}

/// Stores a value in its slot where it is computed, and loads it where it is used.
fn demote(builder: &Builder, value: Value, slot: Value) {
    let made = value
        .as_instruction()
        .expect("an instruction's copy is one");
    let users: Vec<Instruction> = distinct(value.users());
    for user in users {
        replace_in(builder, user, value, slot);
    }
    let after = if made.opcode() == Opcode::LLVMPHI {
        made.block().first_after_phis()
    } else {
        made.next()
    };
    builder.before(after.expect("a value is not computed at the end of a block"));
    builder.store(value, slot);
}

/// Each once, in the order of use: that of addresses would be another in each build.
fn distinct(users: Vec<Value>) -> Vec<Instruction> {
    let mut seen = HashSet::new();
    users
        .into_iter()
        .filter_map(Value::as_instruction)
        .filter(|user| seen.insert(*user))
        .collect()
}

/// Lets `user` use what is in `slot` instead of `value`.
fn replace_in(builder: &Builder, user: Instruction, value: Value, slot: Value) {
    if user.opcode() == Opcode::LLVMPHI {
        let mut loaded: HashMap<Block, Value> = HashMap::new();
        for (index, (incoming, from)) in user.incoming().into_iter().enumerate() {
            if incoming == value {
                let load = *loaded.entry(from).or_insert_with(|| {
                    builder.before(from.terminator().expect("a block ends with a terminator"));
                    builder.load(value.ty(), slot).as_value()
                });
                user.as_value().set_operand(index, load);
            }
        }
        return;
    }
    builder.before(user);
    let load = builder.load(value.ty(), slot).as_value();
    for (index, operand) in user.as_value().operands().into_iter().enumerate() {
        if operand == value {
            user.as_value().set_operand(index, load);
        }
    }
}

/// The copies use poison for arguments; where the original uses the argument, the copy reads the slot.
fn read_arguments_from_slot(builder: &Builder, argument: Value, slot: Value, copies: &Copies) {
    for user in distinct(argument.users()) {
        let copy = copies[&user.as_value()]
            .as_instruction()
            .expect("an instruction's copy is one");
        if user.opcode() == Opcode::LLVMPHI {
            let mut loaded: HashMap<Block, Value> = HashMap::new();
            let froms: Vec<Block> = copy.incoming().into_iter().map(|(_, from)| from).collect();
            for (index, (incoming, _)) in user.incoming().into_iter().enumerate() {
                if incoming == argument {
                    let load = *loaded.entry(froms[index]).or_insert_with(|| {
                        builder.before(
                            froms[index]
                                .terminator()
                                .expect("a block ends with a terminator"),
                        );
                        builder.load(argument.ty(), slot).as_value()
                    });
                    copy.as_value().set_operand(index, load);
                }
            }
            continue;
        }
        builder.before(copy);
        let load = builder.load(argument.ty(), slot).as_value();
        for (index, operand) in user.as_value().operands().into_iter().enumerate() {
            if operand == argument {
                copy.as_value().set_operand(index, load);
            }
        }
    }
}

/// Enters the clone at the site that the record names.
#[allow(clippy::too_many_arguments)]
fn dispatch(
    module: &Module,
    builder: &Builder,
    runtime: &Runtime,
    clone: Function,
    identity: u32,
    start: Block,
    sites: &[Site],
    copies: &Copies,
    slots: &HashMap<Value, Value>,
) {
    let place = sites
        .iter()
        .find_map(|s| copies[&s.call.as_value()].as_instruction());
    builder.at_end(start);
    if let Some(place) = place {
        builder.locate_like(place);
    }
    let record = runtime
        .pop
        .call(builder, &[builder.word(identity)])
        .as_value();
    let number = builder.load(builder.integer(32), record).as_value();
    let blocks: Vec<(u32, Block)> = sites
        .iter()
        .map(|s| (s.number, builder.block(clone, "rtx.back")))
        .collect();
    builder.switch(start, number, &blocks);
    for (site, (_, block)) in sites.iter().zip(&blocks) {
        builder.at_end(*block);
        let call = copies[&site.call.as_value()]
            .as_instruction()
            .expect("a call's copy is a call");
        builder.locate_like(call);
        for (value, begin) in &site.live {
            let from = builder.offset(record, builder.long(HEADER + begin));
            let load = builder.load(value.ty(), from);
            load.set_alignment(8);
            builder.store(load.as_value(), slots[value]);
        }
        let rest = copied_block(copies, site.rest);
        if site.is_poll {
            runtime.arrived.call(builder, &[]);
            builder.jump(rest);
            continue;
        }
        let resume = runtime.next.call(builder, &[]).as_value();
        let returned = site.call.called_type().returned();
        let result = builder.call(builder.function_type(returned, &[]), resume, &[]);
        if let Some(slot) = slots.get(&site.call.as_value()) {
            builder.store(result.as_value(), *slot);
        }
        let leaving = is_unwinding(module, builder);
        builder.branch(leaving, copied_block(copies, site.save), rest);
    }
}

/// Bytes of a record before its values: the number of the site, and padding.
const HEADER: u64 = 8;
