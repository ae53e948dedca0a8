//! Functions.

use llvm_sys::core::*;
use llvm_sys::prelude::LLVMValueRef;

use super::debug::Location;
use super::{Block, Global, Instruction, Type, Value};

/// A function, defined or declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Function(pub(super) LLVMValueRef);

impl Function {
    /// The function as its address.
    pub fn as_value(self) -> Value {
        Value(self.0)
    }

    /// Its name.
    pub fn name(self) -> String {
        self.as_value().name()
    }

    /// Linkage, section and the like.
    pub fn as_global(self) -> Global {
        Global(self.0)
    }

    /// Its type.
    pub fn ty(self) -> Type {
        // SAFETY: the handle is alive, see the module's contract. So in all of this file.
        Type(unsafe { LLVMGlobalGetValueType(self.0) })
    }

    /// Whether it has no body.
    pub fn is_declaration(self) -> bool {
        // SAFETY: alive.
        unsafe { LLVMIsDeclaration(self.0) != 0 }
    }

    /// Whether it is an intrinsic of LLVM.
    pub fn is_intrinsic(self) -> bool {
        // SAFETY: alive.
        unsafe { LLVMGetIntrinsicID(self.0) != 0 }
    }

    /// Its blocks, the entry first.
    pub fn blocks(self) -> Vec<Block> {
        let mut list = Vec::new();
        // SAFETY: alive; nothing is changed meanwhile.
        unsafe {
            let mut at = LLVMGetFirstBasicBlock(self.0);
            while !at.is_null() {
                list.push(Block(at));
                at = LLVMGetNextBasicBlock(at);
            }
        }
        list
    }

    /// The block it begins with.
    pub fn entry(self) -> Block {
        // SAFETY: the function has a body.
        Block(unsafe { LLVMGetEntryBasicBlock(self.0) })
    }

    /// All its instructions in order.
    pub fn instructions(self) -> Vec<Instruction> {
        self.blocks()
            .into_iter()
            .flat_map(Block::instructions)
            .collect()
    }

    /// Its parameters.
    pub fn parameters(self) -> Vec<Value> {
        // SAFETY: alive; indices are in range.
        unsafe {
            (0..LLVMCountParams(self.0))
                .map(|i| Value(LLVMGetParam(self.0, i)))
                .collect()
        }
    }

    /// Deletes a function that nothing uses.
    pub fn delete(self) {
        // SAFETY: alive and unused.
        unsafe { LLVMDeleteFunction(self.0) }
    }

    /// Where it is in the source.
    pub fn location(self) -> Option<Location> {
        Location::of(self.0)
    }
}
