//! The functions and the variable of the in-guest runtime that instrumented code uses
//! (toolchain/runtime/rtx.h).

use crate::ir::{Builder, Function, Instruction, Module, Type, Value};

/// LLVM's number of the calling convention under which the callee saves nearly all registers.
const PRESERVE_MOST: u32 = 14;
/// LLVM's number of the usual calling convention.
const USUAL: u32 = 0;

/// One function of the runtime.
#[derive(Clone, Copy)]
pub struct Routine {
    ty: Type,
    function: Function,
    convention: u32,
}

impl Routine {
    fn declare(module: &Module, name: &str, ty: Type, convention: u32) -> Routine {
        let function = module.declare(name, ty);
        Builder::set_convention(function.as_value(), convention);
        function.add(crate::ir::Place::Function, "cold");
        function.add(crate::ir::Place::Function, "nounwind");
        Routine {
            ty,
            function,
            convention,
        }
    }

    /// Calls it here.
    pub fn call(&self, builder: &Builder, arguments: &[Value]) -> Instruction {
        let call = builder.call(self.ty, self.function.as_value(), arguments);
        Builder::set_convention(call.as_value(), self.convention);
        call
    }

    /// Its function.
    pub fn function(&self) -> Function {
        self.function
    }
}

/// What instrumented code uses.
pub struct Runtime {
    /// The word that is polled.
    pub indicator: Value,
    /// Called when the word is not 0; tells whether the thread leaves.
    pub slow: Routine,
    /// (function, site, bytes): room in the continuation for a frame.
    pub push: Routine,
    /// (function): the frame that was pushed last, which must be of that function.
    pub pop: Routine,
    /// The resume clone of the function whose frame comes next.
    pub next: Routine,
    /// All frames are back.
    pub arrived: Routine,
}

impl Runtime {
    /// Declares all of it in a module.
    pub fn declare(module: &Module, builder: &Builder) -> Runtime {
        let (word, pointer, void) = (builder.integer(32), builder.pointer(), builder.void());
        let routine = |name: &str, returned, parameters: &[Type], convention| {
            Routine::declare(
                module,
                name,
                builder.function_type(returned, parameters),
                convention,
            )
        };
        let indicator = module
            .global("__rtx_indicator")
            .unwrap_or_else(|| module.add_global("__rtx_indicator", word));
        // It is in this program, not in a library: its address takes no instruction and no register.
        indicator.set_hidden();
        Runtime {
            indicator: indicator.as_value(),
            slow: routine("__rtx_slow", word, &[], PRESERVE_MOST),
            push: routine("__rtx_push", pointer, &[word, word, word], USUAL),
            pop: routine("__rtx_pop", pointer, &[word], USUAL),
            next: routine("__rtx_next", pointer, &[], USUAL),
            arrived: routine("__rtx_arrived", void, &[], USUAL),
        }
    }
}
