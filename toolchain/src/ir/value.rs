//! Any value: an instruction, an argument, a constant, a function, a block.

use std::ffi::{CStr, c_char};

use llvm_sys::core::*;
use llvm_sys::prelude::LLVMValueRef;

use super::{Block, Function, Global, Instruction, Type, c_string};

/// A value of the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(pub(super) LLVMValueRef);

/// Takes a message that LLVM allocated.
///
/// # Safety
/// `text` is null or a C string from LLVM that nobody else frees.
pub(super) unsafe fn take_message(text: *mut c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: by contract.
    unsafe {
        let copy = CStr::from_ptr(text).to_string_lossy().into_owned();
        LLVMDisposeMessage(text);
        copy
    }
}

impl Value {
    /// Its type.
    pub fn ty(self) -> Type {
        // SAFETY: the handle is alive, see the module's contract. So in all of this file.
        Type(unsafe { LLVMTypeOf(self.0) })
    }

    /// Its name; empty when it has none.
    pub fn name(self) -> String {
        let mut length = 0;
        // SAFETY: LLVM returns a pointer to `length` bytes that it owns.
        unsafe {
            let text = LLVMGetValueName2(self.0, &mut length);
            String::from_utf8_lossy(std::slice::from_raw_parts(text.cast(), length)).into_owned()
        }
    }

    /// Gives it a name; LLVM adds a number when the name is taken.
    pub fn set_name(self, name: &str) {
        // SAFETY: alive; the text is copied.
        unsafe { LLVMSetValueName2(self.0, name.as_ptr().cast(), name.len()) }
    }

    /// The instruction, when it is one.
    pub fn as_instruction(self) -> Option<Instruction> {
        // SAFETY: alive.
        (unsafe { !LLVMIsAInstruction(self.0).is_null() }).then_some(Instruction(self.0))
    }

    /// The function, when it is one.
    pub fn as_function(self) -> Option<Function> {
        // SAFETY: alive.
        (unsafe { !LLVMIsAFunction(self.0).is_null() }).then_some(Function(self.0))
    }

    /// The variable, when it is one.
    pub fn as_global(self) -> Option<Global> {
        // SAFETY: alive.
        (unsafe { !LLVMIsAGlobalVariable(self.0).is_null() }).then_some(Global(self.0))
    }

    /// The block, when it is one.
    pub fn as_block(self) -> Option<Block> {
        // SAFETY: alive; the value is a block.
        unsafe {
            (LLVMValueIsBasicBlock(self.0) != 0).then(|| Block(LLVMValueAsBasicBlock(self.0)))
        }
    }

    /// Whether it is an argument of a function.
    pub fn is_argument(self) -> bool {
        // SAFETY: alive.
        unsafe { !LLVMIsAArgument(self.0).is_null() }
    }

    /// Whether it lives in a frame: an argument or what an instruction computes.
    pub fn is_local(self) -> bool {
        self.is_argument() || self.as_instruction().is_some()
    }

    /// Whether it is a constant (functions and variables are constants: their addresses).
    pub fn is_constant(self) -> bool {
        // SAFETY: alive.
        unsafe { LLVMIsConstant(self.0) != 0 }
    }

    /// The number of a constant integer, sign-extended.
    pub fn as_integer(self) -> Option<i64> {
        // SAFETY: alive; the value is an integer constant of at most 64 bits.
        unsafe {
            let constant = LLVMIsAConstantInt(self.0);
            (!constant.is_null() && LLVMGetIntTypeWidth(LLVMTypeOf(constant)) <= 64)
                .then(|| LLVMConstIntGetSExtValue(constant))
        }
    }

    /// The operands.
    pub fn operands(self) -> Vec<Value> {
        // SAFETY: the value is a user (instruction or constant); indices are in range. Null operands
        // (of some constants) are left out.
        unsafe {
            if LLVMIsAUser(self.0).is_null() {
                return Vec::new();
            }
            (0..LLVMGetNumOperands(self.0))
                .map(|i| LLVMGetOperand(self.0, i as u32))
                .filter(|operand| !operand.is_null())
                .map(Value)
                .collect()
        }
    }

    /// Replaces operand `index`.
    pub fn set_operand(self, index: usize, value: Value) {
        // SAFETY: the value is a user with more than `index` operands, all of the module.
        unsafe { LLVMSetOperand(self.0, index as u32, value.0) }
    }

    /// Who uses it; a user that uses it twice is listed twice.
    pub fn users(self) -> Vec<Value> {
        let mut list = Vec::new();
        // SAFETY: alive; the list of uses is not changed meanwhile.
        unsafe {
            let mut at = LLVMGetFirstUse(self.0);
            while !at.is_null() {
                list.push(Value(LLVMGetUser(at)));
                at = LLVMGetNextUse(at);
            }
        }
        list
    }

    /// Makes all users use `other`.
    pub fn replace_all_uses(self, other: Value) {
        // SAFETY: both alive and of one type.
        unsafe { LLVMReplaceAllUsesWith(self.0, other.0) }
    }

    /// As LLVM prints it.
    pub fn text(self) -> String {
        // SAFETY: LLVM returns a string that we own.
        unsafe { take_message(LLVMPrintValueToString(self.0)) }
    }

    /// The text of inline assembly, when the value is that.
    pub fn inline_assembly(self) -> Option<String> {
        // SAFETY: alive; LLVM returns a pointer to `length` bytes that it owns.
        unsafe {
            if LLVMIsAInlineAsm(self.0).is_null() {
                return None;
            }
            let mut length = 0;
            let text = LLVMGetInlineAsmAsmString(self.0, &mut length);
            Some(
                String::from_utf8_lossy(std::slice::from_raw_parts(text.cast(), length))
                    .into_owned(),
            )
        }
    }

    /// Attaches the metadata node `node` as `kind`.
    pub(super) fn kind_id(kind: &str) -> u32 {
        // SAFETY: the text is copied.
        unsafe { LLVMGetMDKindID(c_string(kind).as_ptr(), kind.len() as u32) }
    }
}
