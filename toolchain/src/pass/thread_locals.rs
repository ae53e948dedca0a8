//! Thread-local variables at fixed distances below the thread pointer, on every instruction set: the
//! thread pointer points to struct pthread, which is shared memory, and musl puts the variables in
//! front of it. The linkers' own layouts differ, so rtx-cc lays them out itself and hands musl the image.

use std::collections::HashMap;

use crate::ir::{Builder, Global, Module, Value};

/// The symbol through which musl finds the image: {address, bytes, bytes rounded, alignment}.
pub const IMAGE: &str = "__rtx_tls";

/// Where the variables are.
#[derive(Debug, Default, Clone)]
pub struct ThreadLocals {
    /// Bytes from the thread pointer, negative, for each variable's name.
    places: HashMap<String, i64>,
}

/// Lays out the thread-local variables that `module` defines and replaces their uses.
pub fn lay_out(module: &Module) -> ThreadLocals {
    let variables: Vec<Global> = module
        .globals()
        .into_iter()
        .filter(|g| g.is_thread_local() && !g.is_declaration())
        .collect();
    let mut plan = ThreadLocals::default();
    if variables.is_empty() {
        return plan;
    }
    let builder = Builder::new(module);
    let alignment_of = |g: &Global| g.alignment().max(module.align_of(g.ty()));
    let alignment = variables
        .iter()
        .map(alignment_of)
        .max()
        .unwrap_or(1)
        .max(16);
    let byte = builder.integer(8);
    let (mut parts, mut at) = (Vec::new(), 0u64);
    let mut offsets = Vec::new();
    for variable in &variables {
        let begin = at.next_multiple_of(alignment_of(variable));
        parts.push(builder.array(byte, &vec![byte.zero(); (begin - at) as usize]));
        parts.push(
            variable
                .initializer()
                .unwrap_or_else(|| variable.ty().zero()),
        );
        offsets.push(begin);
        at = begin + module.size_of(variable.ty());
    }
    let whole = at.next_multiple_of(alignment);
    for (variable, offset) in variables.iter().zip(offsets) {
        plan.places
            .insert(variable.name(), offset as i64 - whole as i64);
    }
    let content = builder.packed(&parts);
    let image = module.add_global("__rtx_tls_image", content.ty());
    image.set_initializer(content);
    image.set_constant();
    image.set_alignment(alignment);
    let description = builder.packed(&[
        image.as_value(),
        builder.long(at),
        builder.long(whole),
        builder.long(alignment),
    ]);
    let global = module.add_global(IMAGE, description.ty());
    global.set_initializer(description);
    global.set_constant();
    global.set_alignment(16);
    plan.replace(module);
    for variable in variables {
        variable.set_thread_local(false);
        if variable.as_value().users().is_empty() {
            variable.delete();
        }
    }
    plan
}

impl ThreadLocals {
    /// Replaces the uses, in `module`, of the variables that have been laid out.
    pub fn replace(&self, module: &Module) {
        let builder = Builder::new(module);
        for variable in module.globals() {
            let Some(place) = self.places.get(&variable.name()) else {
                continue;
            };
            for user in variable.as_value().users() {
                let Some(call) = user.as_instruction().filter(|i| i.is_call()) else {
                    continue;
                };
                if !call
                    .intrinsic()
                    .is_some_and(|name| name.starts_with("llvm.threadlocal.address"))
                {
                    continue;
                }
                builder.before(call);
                let ty = builder.function_type(builder.pointer(), &[]);
                let thread = module.declare("llvm.thread.pointer", ty);
                let thread: Value = builder.call(ty, thread.as_value(), &[]).as_value();
                call.as_value()
                    .replace_all_uses(builder.far_offset(thread, *place));
                call.erase();
            }
        }
    }
}
