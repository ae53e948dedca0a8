//! Making instructions, at a place that is set first.

use llvm_sys::core::*;
use llvm_sys::debuginfo::LLVMInstructionGetDebugLoc;
use llvm_sys::prelude::{LLVMBuilderRef, LLVMContextRef};
use llvm_sys::{LLVMAtomicOrdering, LLVMIntPredicate};

use super::{Block, Function, Instruction, Module, Predicate, Type, Value, c_string};

/// Makes instructions of one module.
pub struct Builder {
    raw: LLVMBuilderRef,
    pub(super) context: LLVMContextRef,
    /// Weights that say: the first way is unlikely.
    unlikely: llvm_sys::prelude::LLVMMetadataRef,
}

impl Drop for Builder {
    fn drop(&mut self) {
        // SAFETY: made in `new`, owned here.
        unsafe { LLVMDisposeBuilder(self.raw) }
    }
}

const UNNAMED: *const std::ffi::c_char = c"".as_ptr();

impl Builder {
    /// A builder for `module`, at no place yet.
    pub fn new(module: &Module) -> Builder {
        let context = module.context();
        // SAFETY: the context is alive. The node is {"branch_weights", 1, 1048575}, as clang's
        // __builtin_expect gives. So in all of this file: the handles are alive.
        unsafe {
            let word = LLVMInt32TypeInContext(context);
            let weight = |n| LLVMValueAsMetadata(LLVMConstInt(word, n, 0));
            let mut parts = [
                LLVMMDStringInContext2(context, c"branch_weights".as_ptr(), 14),
                weight(1),
                weight((1 << 20) - 1),
            ];
            let unlikely = LLVMMDNodeInContext2(context, parts.as_mut_ptr(), parts.len());
            Builder {
                raw: LLVMCreateBuilderInContext(context),
                context,
                unlikely,
            }
        }
    }

    /// Goes on at the end of a block.
    pub fn at_end(&self, block: Block) {
        // SAFETY: alive.
        unsafe {
            LLVMPositionBuilderAtEnd(self.raw, block.0);
            LLVMSetCurrentDebugLocation2(self.raw, std::ptr::null_mut());
        }
    }

    /// Goes on before an instruction, at its place in the source.
    pub fn before(&self, instruction: Instruction) {
        // SAFETY: alive, in a block.
        unsafe {
            LLVMPositionBuilderBefore(self.raw, instruction.0);
            LLVMSetCurrentDebugLocation2(self.raw, LLVMInstructionGetDebugLoc(instruction.0));
        }
    }

    /// As [`Builder::before`], and before what a debugger is told there of variables.
    pub fn before_debug_records(&self, instruction: Instruction) {
        self.before(instruction);
        // SAFETY: alive, in a block.
        unsafe { LLVMPositionBuilderBeforeInstrAndDbgRecords(self.raw, instruction.0) }
    }

    /// Lets what follows be at the place of `instruction` in the source.
    pub fn locate_like(&self, instruction: Instruction) {
        // SAFETY: alive.
        unsafe { LLVMSetCurrentDebugLocation2(self.raw, LLVMInstructionGetDebugLoc(instruction.0)) }
    }

    /// An empty block at the end of a function.
    pub fn block(&self, function: Function, name: &str) -> Block {
        // SAFETY: alive; the text is copied.
        Block(unsafe {
            LLVMAppendBasicBlockInContext(self.context, function.0, c_string(name).as_ptr())
        })
    }

    /// An empty block before another.
    pub fn block_before(&self, block: Block, name: &str) -> Block {
        // SAFETY: alive; the text is copied.
        Block(unsafe {
            LLVMInsertBasicBlockInContext(self.context, block.0, c_string(name).as_ptr())
        })
    }

    /// Takes an instruction out of its block and puts it here.
    pub fn move_here(&self, instruction: Instruction) {
        // SAFETY: alive; it stays in the function.
        unsafe {
            LLVMInstructionRemoveFromParent(instruction.0);
            LLVMInsertIntoBuilder(self.raw, instruction.0);
        }
    }

    /// Puts an instruction that is in no block here.
    pub fn insert(&self, instruction: Instruction) {
        // SAFETY: alive, in no block.
        unsafe { LLVMInsertIntoBuilder(self.raw, instruction.0) }
    }

    /// Goes on at `block`.
    pub fn jump(&self, block: Block) {
        // SAFETY: alive.
        unsafe { LLVMBuildBr(self.raw, block.0) };
    }

    /// Goes to `rare` if `condition`, which is unlikely, else to `usual`.
    pub fn branch_rarely(&self, condition: Value, rare: Block, usual: Block) -> Instruction {
        // SAFETY: alive; the weights belong to this context.
        unsafe {
            let branch = LLVMBuildCondBr(self.raw, condition.0, rare.0, usual.0);
            LLVMSetMetadata(
                branch,
                Value::kind_id("prof"),
                LLVMMetadataAsValue(self.context, self.unlikely),
            );
            Instruction(branch)
        }
    }

    /// Goes to `then` if `condition`, else to `otherwise`.
    pub fn branch(&self, condition: Value, then: Block, otherwise: Block) -> Instruction {
        // SAFETY: alive.
        Instruction(unsafe { LLVMBuildCondBr(self.raw, condition.0, then.0, otherwise.0) })
    }

    /// Ends `block` by going to the case that equals `value`; there is one.
    pub fn switch(&self, block: Block, value: Value, cases: &[(u32, Block)]) {
        let impossible = self.block(block.function(), "rtx.impossible");
        self.at_end(impossible);
        self.unreachable();
        self.at_end(block);
        // SAFETY: alive; the case values are of the type of `value`, 32 bits.
        unsafe {
            let switch = LLVMBuildSwitch(self.raw, value.0, impossible.0, cases.len() as u32);
            for (number, block) in cases {
                LLVMAddCase(switch, self.word(*number).0, block.0);
            }
        }
    }

    /// Says that this place is never reached.
    pub fn unreachable(&self) {
        // SAFETY: at the end of a block.
        unsafe { LLVMBuildUnreachable(self.raw) };
    }

    /// Returns `value`.
    pub fn give_back(&self, value: Option<Value>) {
        // SAFETY: alive.
        unsafe {
            match value {
                Some(value) => LLVMBuildRet(self.raw, value.0),
                None => LLVMBuildRetVoid(self.raw),
            };
        }
    }

    /// Calls `callee`, whose type is `ty`.
    pub fn call(&self, ty: Type, callee: Value, arguments: &[Value]) -> Instruction {
        let mut list: Vec<_> = arguments.iter().map(|v| v.0).collect();
        // SAFETY: alive; the arguments are of the types that `ty` names.
        Instruction(unsafe {
            LLVMBuildCall2(
                self.raw,
                ty.0,
                callee.0,
                list.as_mut_ptr(),
                list.len() as u32,
                UNNAMED,
            )
        })
    }

    /// Sets the calling convention of a call or function.
    pub fn set_convention(value: Value, convention: u32) {
        if value.as_function().is_some() {
            // SAFETY: a function.
            unsafe { LLVMSetFunctionCallConv(value.0, convention) }
        } else {
            // SAFETY: a call.
            unsafe { LLVMSetInstructionCallConv(value.0, convention) }
        }
    }

    /// Loads a value of type `ty`.
    pub fn load(&self, ty: Type, from: Value) -> Instruction {
        // SAFETY: `from` is a pointer.
        Instruction(unsafe { LLVMBuildLoad2(self.raw, ty.0, from.0, UNNAMED) })
    }

    /// Stores a value.
    pub fn store(&self, value: Value, to: Value) -> Instruction {
        // SAFETY: `to` is a pointer.
        Instruction(unsafe { LLVMBuildStore(self.raw, value.0, to.0) })
    }

    /// Keeps accesses to memory on their side of this place, as a signal handler of the thread sees them. No
    /// instruction comes of it.
    pub fn fence(&self) {
        let order = LLVMAtomicOrdering::LLVMAtomicOrderingSequentiallyConsistent;
        // SAFETY: alive.
        unsafe { LLVMBuildFence(self.raw, order, 1, UNNAMED) };
    }

    /// Room for a value of type `ty` in the frame.
    pub fn alloca(&self, ty: Type, name: &str) -> Instruction {
        // SAFETY: alive; the text is copied.
        Instruction(unsafe { LLVMBuildAlloca(self.raw, ty.0, c_string(name).as_ptr()) })
    }

    /// `base` plus a number of bytes, within one object.
    pub fn offset(&self, base: Value, bytes: Value) -> Value {
        // SAFETY: a pointer and an integer.
        Value(unsafe {
            LLVMBuildInBoundsGEP2(
                self.raw,
                self.integer(8).0,
                base.0,
                &mut { bytes.0 },
                1,
                UNNAMED,
            )
        })
    }

    /// `base` plus a number of bytes that may lead out of its object.
    pub fn far_offset(&self, base: Value, bytes: i64) -> Value {
        // SAFETY: a pointer and an integer.
        Value(unsafe {
            LLVMBuildGEP2(
                self.raw,
                self.integer(8).0,
                base.0,
                &mut { self.long(bytes as u64).0 },
                1,
                UNNAMED,
            )
        })
    }

    /// Element `index` of an array of type `ty` that begins at `base`; may lead out of its object.
    pub fn far_element(&self, ty: Type, base: Value, index: Value) -> Value {
        // SAFETY: a type with a size, a pointer and an integer.
        Value(unsafe { LLVMBuildGEP2(self.raw, ty.0, base.0, &mut { index.0 }, 1, UNNAMED) })
    }

    /// Copies `bytes` bytes between places that do not overlap.
    pub fn copy_memory(&self, to: Value, from: Value, alignment: u64, bytes: u64) {
        // SAFETY: two pointers.
        unsafe {
            LLVMBuildMemCpy(
                self.raw,
                to.0,
                alignment as u32,
                from.0,
                alignment as u32,
                self.long(bytes).0,
            )
        };
    }

    /// Whether two integers are equal.
    pub fn equal(&self, a: Value, b: Value) -> Value {
        // SAFETY: integers of one type.
        Value(unsafe { LLVMBuildICmp(self.raw, LLVMIntPredicate::LLVMIntEQ, a.0, b.0, UNNAMED) })
    }

    /// Whether two integers differ.
    pub fn differs(&self, a: Value, b: Value) -> Value {
        // SAFETY: integers of one type.
        Value(unsafe { LLVMBuildICmp(self.raw, LLVMIntPredicate::LLVMIntNE, a.0, b.0, UNNAMED) })
    }

    /// Whether one integer is below another, both without sign.
    pub fn below(&self, a: Value, b: Value) -> Value {
        // SAFETY: integers of one type.
        Value(unsafe { LLVMBuildICmp(self.raw, LLVMIntPredicate::LLVMIntULT, a.0, b.0, UNNAMED) })
    }

    /// Whether `predicate` holds for two integers.
    pub fn compare(&self, predicate: Predicate, a: Value, b: Value) -> Value {
        // SAFETY: integers of one type.
        Value(unsafe { LLVMBuildICmp(self.raw, predicate.0, a.0, b.0, UNNAMED) })
    }

    /// `then` if `condition`, else `otherwise`.
    pub fn select(&self, condition: Value, then: Value, otherwise: Value) -> Value {
        // SAFETY: a condition and two values of one type.
        Value(unsafe { LLVMBuildSelect(self.raw, condition.0, then.0, otherwise.0, UNNAMED) })
    }

    /// The difference of two integers.
    pub fn subtract(&self, a: Value, b: Value) -> Value {
        // SAFETY: integers of one type.
        Value(unsafe { LLVMBuildSub(self.raw, a.0, b.0, UNNAMED) })
    }

    /// The sum of two integers.
    pub fn add(&self, a: Value, b: Value) -> Value {
        // SAFETY: integers of one type.
        Value(unsafe { LLVMBuildAdd(self.raw, a.0, b.0, UNNAMED) })
    }

    /// One more than an integer that is below its type's greatest, with a sign and without.
    pub fn add_one_unwrapped(&self, a: Value) -> Value {
        let sum = self.add(a, self.number_like(a, 1));
        // SAFETY: the sum of a phi and a number is an instruction, an addition.
        unsafe {
            LLVMSetNUW(sum.0, 1);
            LLVMSetNSW(sum.0, 1);
        }
        sum
    }

    /// The bits of both.
    pub fn and(&self, a: Value, b: Value) -> Value {
        // SAFETY: integers of one type.
        Value(unsafe { LLVMBuildAnd(self.raw, a.0, b.0, UNNAMED) })
    }

    /// The bits of either.
    pub fn or(&self, a: Value, b: Value) -> Value {
        // SAFETY: integers of one type.
        Value(unsafe { LLVMBuildOr(self.raw, a.0, b.0, UNNAMED) })
    }

    /// `value` without sign, negated bit by bit.
    pub fn not(&self, value: Value) -> Value {
        // SAFETY: an integer.
        Value(unsafe { LLVMBuildNot(self.raw, value.0, UNNAMED) })
    }

    /// A pointer as a number of 64 bits.
    pub fn address(&self, pointer: Value) -> Value {
        // SAFETY: a pointer.
        Value(unsafe { LLVMBuildPtrToInt(self.raw, pointer.0, self.integer(64).0, UNNAMED) })
    }

    /// A number of 64 bits as a pointer.
    pub fn pointer_at(&self, address: Value) -> Value {
        // SAFETY: an integer.
        Value(unsafe { LLVMBuildIntToPtr(self.raw, address.0, self.pointer().0, UNNAMED) })
    }

    /// A phi of type `ty` that takes nothing yet.
    pub fn phi(&self, ty: Type) -> Instruction {
        // SAFETY: alive.
        Instruction(unsafe { LLVMBuildPhi(self.raw, ty.0, UNNAMED) })
    }
}
