//! Basic blocks.

use llvm_sys::core::*;
use llvm_sys::prelude::LLVMBasicBlockRef;

use super::{Builder, Function, Instruction, Opcode, Value};

/// A basic block of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Block(pub(super) LLVMBasicBlockRef);

impl Block {
    /// The block as a value (an operand of branches).
    pub fn as_value(self) -> Value {
        // SAFETY: the handle is alive, see the module's contract. So in all of this file.
        Value(unsafe { LLVMBasicBlockAsValue(self.0) })
    }

    /// The function it is in.
    pub fn function(self) -> Function {
        // SAFETY: alive and in a function.
        Function(unsafe { LLVMGetBasicBlockParent(self.0) })
    }

    /// Its instructions in order.
    pub fn instructions(self) -> Vec<Instruction> {
        let mut list = Vec::new();
        // SAFETY: alive; nothing is changed meanwhile.
        unsafe {
            let mut at = LLVMGetFirstInstruction(self.0);
            while !at.is_null() {
                list.push(Instruction(at));
                at = LLVMGetNextInstruction(at);
            }
        }
        list
    }

    /// The phi instructions at its beginning.
    pub fn phis(self) -> Vec<Instruction> {
        self.instructions()
            .into_iter()
            .take_while(|i| i.opcode() == Opcode::LLVMPHI)
            .collect()
    }

    /// The first instruction that is not a phi.
    pub fn first_after_phis(self) -> Option<Instruction> {
        self.instructions()
            .into_iter()
            .find(|i| i.opcode() != Opcode::LLVMPHI)
    }

    /// The last instruction, which ends the block.
    pub fn terminator(self) -> Option<Instruction> {
        // SAFETY: alive.
        let last = unsafe { LLVMGetBasicBlockTerminator(self.0) };
        (!last.is_null()).then_some(Instruction(last))
    }

    /// Where it can go, in the order of its terminator; may name a block twice.
    pub fn successors(self) -> Vec<Block> {
        self.terminator()
            .map(Instruction::successors)
            .unwrap_or_default()
    }

    /// The terminators that go here; one that does so twice is listed twice.
    pub fn entering(self) -> Vec<Instruction> {
        let users = self.as_value().users();
        users
            .into_iter()
            .filter_map(Value::as_instruction)
            .filter(|i| i.is_terminator())
            .collect()
    }

    /// Puts an empty block before this one.
    pub fn insert_before(self, builder: &Builder, name: &str) -> Block {
        builder.block_before(self, name)
    }

    /// Splits the block before `at`: what stands before moves to a new block, which all that came
    /// here now enters, and which goes on here. Returns the new block. (LLVM's C interface cannot
    /// change the blocks named by phis; this way those of the successors stay right.)
    pub fn split_before(self, at: Instruction, builder: &Builder) -> Block {
        let head = self.insert_before(builder, "");
        for terminator in self.entering() {
            terminator.redirect(self, head);
        }
        builder.at_end(head);
        for instruction in self.instructions().into_iter().take_while(|i| *i != at) {
            builder.move_here(instruction);
        }
        builder.jump(self);
        head
    }
}
