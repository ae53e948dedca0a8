//! Instructions.

use llvm_sys::core::*;
use llvm_sys::prelude::LLVMValueRef;

use super::debug::Location;
use super::{Block, Function, Type, Value};

/// What an instruction does, as LLVM names it.
pub use llvm_sys::LLVMOpcode as Opcode;

/// What an integer comparison asks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Predicate(pub(super) llvm_sys::LLVMIntPredicate);

impl Predicate {
    /// Whether a counter that goes up by one ends where this stops holding for it and a bound: "unequal",
    /// "below" or "at most".
    pub fn counts_up(self) -> bool {
        use llvm_sys::LLVMIntPredicate::*;
        matches!(
            self.0,
            LLVMIntNE | LLVMIntULT | LLVMIntSLT | LLVMIntULE | LLVMIntSLE
        )
    }

    /// Whether it is "at most".
    pub fn includes_bound(self) -> bool {
        matches!(
            self.0,
            llvm_sys::LLVMIntPredicate::LLVMIntULE | llvm_sys::LLVMIntPredicate::LLVMIntSLE
        )
    }

    /// Whether it is "unequal".
    pub fn is_inequality(self) -> bool {
        self.0 == llvm_sys::LLVMIntPredicate::LLVMIntNE
    }
}

/// An instruction in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Instruction(pub(super) LLVMValueRef);

impl Instruction {
    /// The instruction as the value it computes.
    pub fn as_value(self) -> Value {
        Value(self.0)
    }

    /// What it does.
    pub fn opcode(self) -> Opcode {
        // SAFETY: the handle is alive, see the module's contract. So in all of this file.
        unsafe { LLVMGetInstructionOpcode(self.0) }
    }

    /// The block it is in.
    pub fn block(self) -> Block {
        // SAFETY: alive and in a block.
        Block(unsafe { LLVMGetInstructionParent(self.0) })
    }

    /// The one after it.
    pub fn next(self) -> Option<Instruction> {
        // SAFETY: alive and in a block.
        let next = unsafe { LLVMGetNextInstruction(self.0) };
        (!next.is_null()).then_some(Instruction(next))
    }

    /// Whether it ends its block.
    pub fn is_terminator(self) -> bool {
        // SAFETY: alive.
        unsafe { !LLVMIsATerminatorInst(self.0).is_null() }
    }

    /// Where a terminator goes.
    pub fn successors(self) -> Vec<Block> {
        // SAFETY: a terminator; indices are in range.
        unsafe {
            (0..LLVMGetNumSuccessors(self.0))
                .map(|i| Block(LLVMGetSuccessor(self.0, i)))
                .collect()
        }
    }

    /// Makes a terminator go to `to` where it went to `from`.
    pub fn redirect(self, from: Block, to: Block) {
        for (index, block) in self.successors().into_iter().enumerate() {
            if block == from {
                // SAFETY: a terminator; the index is in range.
                unsafe { LLVMSetSuccessor(self.0, index as u32, to.0) }
            }
        }
    }

    /// Erases it; nothing may use it any more.
    pub fn erase(self) {
        // SAFETY: alive, in a block, unused.
        unsafe { LLVMInstructionEraseFromParent(self.0) }
    }

    /// What a phi takes, and from which block.
    pub fn incoming(self) -> Vec<(Value, Block)> {
        // SAFETY: a phi; indices are in range.
        unsafe {
            (0..LLVMCountIncoming(self.0))
                .map(|i| {
                    (
                        Value(LLVMGetIncomingValue(self.0, i)),
                        Block(LLVMGetIncomingBlock(self.0, i)),
                    )
                })
                .collect()
        }
    }

    /// Lets a phi take `value` from `block`.
    pub fn add_incoming(self, value: Value, block: Block) {
        // SAFETY: a phi; the arrays hold one element.
        unsafe { LLVMAddIncoming(self.0, &mut { value.0 }, &mut { block.0 }, 1) }
    }

    /// What an integer comparison asks.
    pub fn predicate(self) -> Predicate {
        // SAFETY: an integer comparison.
        Predicate(unsafe { LLVMGetICmpPredicate(self.0) })
    }

    /// The opposite of what it asks.
    pub fn inverse_predicate(self) -> Predicate {
        use llvm_sys::LLVMIntPredicate::*;
        Predicate(match self.predicate().0 {
            LLVMIntEQ => LLVMIntNE,
            LLVMIntNE => LLVMIntEQ,
            LLVMIntUGT => LLVMIntULE,
            LLVMIntUGE => LLVMIntULT,
            LLVMIntULT => LLVMIntUGE,
            LLVMIntULE => LLVMIntUGT,
            LLVMIntSGT => LLVMIntSLE,
            LLVMIntSGE => LLVMIntSLT,
            LLVMIntSLT => LLVMIntSGE,
            LLVMIntSLE => LLVMIntSGT,
        })
    }

    /// Whether it is a call (of a function, an intrinsic or inline assembly).
    pub fn is_call(self) -> bool {
        self.opcode() == Opcode::LLVMCall
    }

    /// What a call calls.
    pub fn callee(self) -> Value {
        // SAFETY: a call.
        Value(unsafe { LLVMGetCalledValue(self.0) })
    }

    /// The function that a call names.
    pub fn called_function(self) -> Option<Function> {
        self.is_call()
            .then(|| self.callee().as_function())
            .flatten()
    }

    /// The name of the intrinsic that it calls.
    pub fn intrinsic(self) -> Option<String> {
        self.called_function()
            .filter(|f| f.is_intrinsic())
            .map(|f| f.as_value().name())
    }

    /// The type of the function that a call calls.
    pub fn called_type(self) -> Type {
        // SAFETY: a call.
        Type(unsafe { LLVMGetCalledFunctionType(self.0) })
    }

    /// The arguments of a call.
    pub fn arguments(self) -> Vec<Value> {
        // SAFETY: a call; indices are in range.
        unsafe {
            (0..LLVMGetNumArgOperands(self.0))
                .map(|i| Value(LLVMGetOperand(self.0, i)))
                .collect()
        }
    }

    /// Whether a call is `musttail`.
    pub fn is_musttail(self) -> bool {
        // SAFETY: a call.
        unsafe {
            LLVMGetTailCallKind(self.0) == llvm_sys::LLVMTailCallKind::LLVMTailCallKindMustTail
        }
    }

    /// Whether it is a call that must be a tail call.
    pub fn is_musttail_call(self) -> bool {
        self.is_call() && self.is_musttail()
    }

    /// Lets a call need its caller's frame.
    pub fn set_not_tail(self) {
        // SAFETY: a call.
        unsafe { LLVMSetTailCallKind(self.0, llvm_sys::LLVMTailCallKind::LLVMTailCallKindNone) }
    }

    /// The type that an alloca makes room for.
    pub fn allocated(self) -> Type {
        // SAFETY: an alloca.
        Type(unsafe { LLVMGetAllocatedType(self.0) })
    }

    /// The alignment of an alloca, load or store, in bytes.
    pub fn alignment(self) -> u64 {
        // SAFETY: an alloca, load or store.
        u64::from(unsafe { LLVMGetAlignment(self.0) })
    }

    /// Sets the alignment of an alloca, load or store.
    pub fn set_alignment(self, bytes: u64) {
        // SAFETY: an alloca, load or store; a power of two.
        unsafe { LLVMSetAlignment(self.0, bytes as u32) }
    }

    /// Makes a load or store volatile.
    pub fn set_volatile(self) {
        // SAFETY: a load or store.
        unsafe { LLVMSetVolatile(self.0, 1) }
    }

    /// The type from which a getelementptr counts.
    pub fn gep_type(self) -> Type {
        // SAFETY: a getelementptr.
        Type(unsafe { LLVMGetGEPSourceElementType(self.0) })
    }

    /// Takes over whether a getelementptr stays within its object.
    pub fn copy_bounds_flag(self, other: Instruction) {
        // SAFETY: both are a getelementptr.
        unsafe { LLVMSetIsInBounds(self.0, LLVMIsInBounds(other.0)) }
    }

    /// Takes over what an addition says about wrapping.
    pub fn copy_wrap_flags(self, other: Instruction) {
        // SAFETY: both are additions.
        unsafe {
            LLVMSetNUW(self.0, LLVMGetNUW(other.0));
            LLVMSetNSW(self.0, LLVMGetNSW(other.0));
        }
    }

    /// Removes metadata of a kind.
    pub fn drop_metadata(self, kind: &str) {
        // SAFETY: alive; null removes.
        unsafe { LLVMSetMetadata(self.0, Value::kind_id(kind), std::ptr::null_mut()) }
    }

    /// Takes over metadata of a kind.
    pub fn copy_metadata(self, other: Instruction, kind: &str) {
        // SAFETY: both alive, of one context; null removes.
        unsafe {
            LLVMSetMetadata(
                self.0,
                Value::kind_id(kind),
                LLVMGetMetadata(other.0, Value::kind_id(kind)),
            )
        }
    }

    /// A copy that is in no block yet and uses the same operands.
    pub fn copy(self) -> Instruction {
        // SAFETY: alive.
        Instruction(unsafe { LLVMInstructionClone(self.0) })
    }

    /// Where it is in the source.
    pub fn location(self) -> Option<Location> {
        Location::of(self.0)
    }
}
