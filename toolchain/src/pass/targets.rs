//! One program for each instruction set out of the instrumented one.

use std::collections::HashSet;

use rtx_origin::note;

use super::thread_words::{self, Isa};
use super::{Outcome, brackets, own_isa, pins};
use crate::ir::{Builder, Global, IrError, Module};

/// Makes the module of the instrumented program one for `isa`. `own` is the second front end's output,
/// cut down, for the instruction set of that front end.
///
/// # Errors
/// When the two do not fit together.
pub fn make(
    program: &[u8],
    own: Option<&Module>,
    outcome: &Outcome,
    isa: Isa,
    build: &[u8; 32],
) -> Result<Module, IrError> {
    let module = Module::parse(program, "the instrumented program")?;
    if isa != Isa::X86_64 {
        module.set_target(&isa.triple(), isa.data_layout());
        forget_processor(&module);
        for function in module.functions() {
            if function.note(pins::OWN_ISA).is_some() && !function.is_declaration() {
                own_isa::declare_again(&module, function);
            }
        }
        if let Some(own) = own {
            outcome.thread_locals.replace(own);
            let points: HashSet<String> =
                outcome.functions.iter().map(|f| f.name.clone()).collect();
            for function in own.functions().into_iter().filter(|f| !f.is_declaration()) {
                brackets::bracket(own, function, |callee| points.contains(&callee.name()));
            }
            module.link(&own.bitcode(), "the second front end's output")?;
        }
    }
    thread_words::lower(&module, isa);
    add_note(&module, isa, build);
    module.verify()?;
    Ok(module)
}

/// What steers code generation for x86-64 says nothing to another.
fn forget_processor(module: &Module) {
    for function in module.functions() {
        for key in ["target-cpu", "target-features", "tune-cpu"] {
            function.remove_note(key);
        }
    }
}

/// The note that both files carry; see docs/continuations.md for its bytes.
fn add_note(module: &Module, isa: Isa, build: &[u8; 32]) {
    let builder = Builder::new(module);
    let symbol = |name: &str| {
        module
            .global(name)
            .unwrap_or_else(|| module.add_global(name, builder.integer(8)))
    };
    let addresses = [
        "__rtx_indicator",
        "__rtx_requests",
        "__rtx_resume",
        "__rtx_data_start",
        "__rtx_data_end",
        "__rtx_text_start",
        "__rtx_text_end",
    ];
    let mut parts = vec![
        builder.word(note::ABI),
        builder.word(isa as u32),
        builder.bytes(build),
        builder.long(0),
    ];
    parts.extend(addresses.iter().map(|name| symbol(name).as_value()));
    let description = builder.packed(&parts);
    let bytes = module.size_of(description.ty()) as u32;
    let whole = builder.packed(&[
        builder.word(4),
        builder.word(bytes),
        builder.word(note::TYPE),
        builder.bytes(&[note::NAME, b"\0"].concat()),
        description,
    ]);
    let global: Global = module.add_global("__rtx_note", whole.ty());
    global.set_initializer(whole);
    global.set_constant();
    global.set_section(note::SECTION);
    global.set_alignment(4);
    module.keep(&[global.as_value()]);
}
