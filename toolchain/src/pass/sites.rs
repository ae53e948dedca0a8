//! Call sites: the places at which a frame can be saved. After a call that may have led to an
//! equivalence point the code looks whether the thread is leaving. If so it saves what it needs to go
//! on, and returns.

use super::liveness::Liveness;
use super::runtime_calls::Runtime;
use super::thread_words::Word;
use crate::ir::{Block, Builder, Function, Instruction, Location, Module, Value};

/// What a thread's word `Mode` says while it leaves.
pub const UNWINDING: u32 = 1;

/// One call site of an instrumented function.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its number in the function.
    pub number: u32,
    /// The call.
    pub call: Instruction,
    /// Whether the call is the slow path of a poll.
    pub is_poll: bool,
    /// Where the function goes on.
    pub rest: Block,
    /// Where the frame is saved.
    pub save: Block,
    /// What is saved, and at how many bytes from the beginning of the record.
    pub live: Vec<(Value, u64)>,
    /// Bytes of the record.
    pub bytes: u64,
    /// Where it is in the source.
    pub location: Option<Location>,
}

/// Prepares the calls of a function, in order. `identity` is the function's number.
pub fn prepare(
    module: &Module,
    builder: &Builder,
    runtime: &Runtime,
    function: Function,
    identity: u32,
    calls: &[Instruction],
) -> Vec<Site> {
    let slow = runtime.slow.function();
    // Backwards: a split leaves the rest of the block in place, also the rests of later sites.
    let mut sites: Vec<Site> = calls
        .iter()
        .enumerate()
        .rev()
        .map(|(number, call)| {
            let is_poll = call.called_function() == Some(slow);
            if !is_poll {
                call.loosen();
            }
            let rest = call.block();
            let next = call.next().expect("a call does not end a block");
            rest.split_before(next, builder);
            Site {
                number: number as u32,
                call: *call,
                is_poll,
                rest,
                save: builder.block(function, "rtx.save"),
                live: Vec::new(),
                bytes: 0,
                location: call.location(),
            }
        })
        .collect();
    sites.reverse();
    // The blocks for saving are empty so far, and nothing leads to them: liveness is that of the code.
    for site in &sites {
        builder.at_end(site.save);
        builder.unreachable();
    }
    let liveness = Liveness::of(function);
    for site in &mut sites {
        for value in liveness.at(site.rest) {
            if value != site.call.as_value() {
                let begin = site.bytes.next_multiple_of(8);
                site.live.push((value, begin));
                site.bytes = begin + module.size_of(value.ty());
            }
        }
        site.bytes = site.bytes.next_multiple_of(8);
    }
    for site in &sites {
        fill_save(builder, runtime, function, identity, site);
        leave_after(module, builder, site);
    }
    sites
}

/// After the call: leave, if the thread is leaving.
fn leave_after(module: &Module, builder: &Builder, site: &Site) {
    let jump = site.call.block().terminator().expect("the split ended it");
    builder.before(jump);
    builder.locate_like(site.call);
    let leaving = if site.is_poll {
        builder.differs(site.call.as_value(), builder.word(0))
    } else {
        is_unwinding(module, builder)
    };
    builder.branch_rarely(leaving, site.save, site.rest);
    jump.erase();
}

/// Whether the thread is leaving.
pub fn is_unwinding(module: &Module, builder: &Builder) -> Value {
    let mode = Word::Mode.read(module, builder);
    builder.equal(mode, builder.word(UNWINDING))
}

fn fill_save(builder: &Builder, runtime: &Runtime, function: Function, identity: u32, site: &Site) {
    if let Some(placeholder) = site.save.terminator() {
        placeholder.erase();
    }
    builder.at_end(site.save);
    builder.locate_like(site.call);
    let bytes = u32::try_from(site.bytes).expect("a frame is smaller than 4 GiB");
    let numbers = [
        builder.word(identity),
        builder.word(site.number),
        builder.word(bytes),
    ];
    let record = runtime.push.call(builder, &numbers).as_value();
    for (value, begin) in &site.live {
        builder
            .store(*value, builder.offset(record, builder.long(*begin)))
            .set_alignment(8);
    }
    let returned = function.ty().returned();
    builder.give_back((!returned.is_void()).then(|| returned.zero()));
}
