//! The words of a thread that compiled code reads and writes: they follow the six words that musl
//! keeps at the beginning of struct pthread, to which the thread pointer points on every instruction
//! set. Instrumented code reaches them through pseudo functions, so that one form of the program
//! serves both; [`lower`] replaces those when the target is known.

use crate::ir::{Builder, Function, Instruction, Module, Type, Value};

/// An instruction set that rtx-cc writes programs for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isa {
    /// x86-64.
    X86_64,
    /// AArch64.
    Aarch64,
}

impl Isa {
    /// Both, in the order in which they are built.
    pub const ALL: [Isa; 2] = [Isa::X86_64, Isa::Aarch64];

    /// Its name in triples and directories.
    pub fn name(self) -> &'static str {
        match self {
            Isa::X86_64 => "x86_64",
            Isa::Aarch64 => "aarch64",
        }
    }

    /// The target that clang is given.
    pub fn triple(self) -> String {
        format!("{}-unknown-linux-musl", self.name())
    }

    /// LLVM's data layout of the target.
    pub fn data_layout(self) -> &'static str {
        match self {
            Isa::X86_64 => {
                "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
            }
            Isa::Aarch64 => "e-m:e-i8:8:32-i16:16:32-i64:64-i128:128-n32:64-S128-Fn32",
        }
    }
}

/// A word of the thread. The offsets are part of the ABI (docs/continuations.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// NORMAL, UNWINDING or REWINDING; 32 bits.
    Mode,
    /// How many frames on the stack forbid to leave; 32 bits.
    Held,
    /// The top of the data stack; a pointer.
    DataStack,
}

impl Word {
    const ALL: [Word; 3] = [Word::Mode, Word::Held, Word::DataStack];

    /// Bytes from the thread pointer.
    pub fn offset(self) -> u64 {
        match self {
            Word::Mode => 48,
            Word::Held => 52,
            Word::DataStack => 56,
        }
    }

    fn ty(self, builder: &Builder) -> Type {
        if self == Word::DataStack {
            builder.pointer()
        } else {
            builder.integer(32)
        }
    }

    fn reader(self) -> String {
        format!("rtx.read.{}", self.offset())
    }

    fn writer(self) -> String {
        format!("rtx.write.{}", self.offset())
    }

    /// Reads the word.
    pub fn read(self, module: &Module, builder: &Builder) -> Value {
        let ty = builder.function_type(self.ty(builder), &[]);
        let reader = module.declare(&self.reader(), ty);
        builder.call(ty, reader.as_value(), &[]).as_value()
    }

    /// Writes the word.
    pub fn write(self, module: &Module, builder: &Builder, value: Value) {
        let ty = builder.function_type(builder.void(), &[self.ty(builder)]);
        let writer = module.declare(&self.writer(), ty);
        builder.call(ty, writer.as_value(), &[value]);
    }
}

/// Replaces the pseudo functions by loads and stores of `isa`.
pub fn lower(module: &Module, isa: Isa) {
    let builder = Builder::new(module);
    for word in Word::ALL {
        for name in [word.reader(), word.writer()] {
            let Some(function) = module.function(&name) else {
                continue;
            };
            for call in calls_of(function) {
                lower_call(module, &builder, isa, word, call);
            }
            function.delete();
        }
    }
}

fn calls_of(function: Function) -> Vec<Instruction> {
    function
        .as_value()
        .users()
        .into_iter()
        .filter_map(Value::as_instruction)
        .collect()
}

fn lower_call(module: &Module, builder: &Builder, isa: Isa, word: Word, call: Instruction) {
    builder.before(call);
    let place = match isa {
        Isa::X86_64 => builder.in_thread_segment(word.offset()),
        Isa::Aarch64 => {
            // Read anew each time: kept in a register, the thread pointer would cost one in every function.
            let ty = builder.function_type(builder.integer(64), &[builder.metadata()]);
            let read = module.declare("llvm.read_volatile_register.i64", ty);
            let address = builder.call(ty, read.as_value(), &[builder.text_metadata("tpidr_el0")]);
            builder.offset(
                builder.pointer_at(address.as_value()),
                builder.long(word.offset()),
            )
        }
    };
    match call.arguments().first() {
        Some(value) => {
            let store = builder.store(*value, place);
            if word == Word::DataStack {
                // Signal handlers read it.
                store.set_volatile();
            }
        }
        None => {
            let loaded = builder.load(word.ty(builder), place);
            call.as_value().replace_all_uses(loaded.as_value());
        }
    }
    call.erase();
}
