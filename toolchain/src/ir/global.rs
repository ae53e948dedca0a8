//! What functions and variables have in common, and variables.

use llvm_sys::core::*;
use llvm_sys::prelude::LLVMValueRef;

use super::{Type, Value, c_string};

/// Who sees a symbol, as LLVM names it.
pub use llvm_sys::LLVMLinkage as Linkage;

/// A function or variable of the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Global(pub(super) LLVMValueRef);

impl Global {
    /// It as its address.
    pub fn as_value(self) -> Value {
        Value(self.0)
    }

    /// Its name.
    pub fn name(self) -> String {
        self.as_value().name()
    }

    /// The type of what it holds.
    pub fn ty(self) -> Type {
        // SAFETY: the handle is alive, see the module's contract. So in all of this file.
        Type(unsafe { LLVMGlobalGetValueType(self.0) })
    }

    /// Whether it is only declared.
    pub fn is_declaration(self) -> bool {
        // SAFETY: alive.
        unsafe { LLVMIsDeclaration(self.0) != 0 }
    }

    /// Its linkage.
    pub fn linkage(self) -> Linkage {
        // SAFETY: alive.
        unsafe { LLVMGetLinkage(self.0) }
    }

    /// Whether other modules cannot see it.
    pub fn is_private(self) -> bool {
        matches!(
            self.linkage(),
            Linkage::LLVMInternalLinkage | Linkage::LLVMPrivateLinkage
        )
    }

    /// Whether nothing writes it.
    pub fn is_constant(self) -> bool {
        // SAFETY: alive; a function is none.
        unsafe { !LLVMIsAGlobalVariable(self.0).is_null() && LLVMIsGlobalConstant(self.0) != 0 }
    }

    /// The bytes of a variable that is a constant text, with its end.
    pub fn text(self) -> Option<Vec<u8>> {
        if !self.is_constant() {
            return None;
        }
        // SAFETY: alive, a variable; LLVM returns a pointer to `length` bytes that it owns.
        unsafe {
            let value = LLVMGetInitializer(self.0);
            if value.is_null()
                || LLVMIsAConstantDataSequential(value).is_null()
                || LLVMIsConstantString(value) == 0
            {
                return None;
            }
            let mut length = 0;
            let text = LLVMGetAsString(value, &mut length);
            Some(std::slice::from_raw_parts(text.cast(), length).to_vec())
        }
    }

    /// Sets its linkage.
    pub fn set_linkage(self, linkage: Linkage) {
        // SAFETY: alive.
        unsafe { LLVMSetLinkage(self.0, linkage) }
    }

    /// Lets only the file that is linked see it.
    pub fn set_hidden(self) {
        // SAFETY: alive.
        unsafe { LLVMSetVisibility(self.0, llvm_sys::LLVMVisibility::LLVMHiddenVisibility) }
    }

    /// Says that its address matters, so that it is not merged with its like.
    pub fn set_address_matters(self) {
        // SAFETY: alive.
        unsafe { LLVMSetUnnamedAddress(self.0, llvm_sys::LLVMUnnamedAddr::LLVMNoUnnamedAddr) }
    }

    /// The section it is to be in.
    pub fn set_section(self, section: &str) {
        // SAFETY: alive; the text is copied.
        unsafe { LLVMSetSection(self.0, c_string(section).as_ptr()) }
    }

    /// What a variable begins with.
    pub fn initializer(self) -> Option<Value> {
        // SAFETY: a variable.
        let value = unsafe { LLVMGetInitializer(self.0) };
        (!value.is_null()).then_some(Value(value))
    }

    /// Sets what a variable begins with.
    pub fn set_initializer(self, value: Value) {
        // SAFETY: a variable, of the type of the value.
        unsafe { LLVMSetInitializer(self.0, value.0) }
    }

    /// Makes a variable constant.
    pub fn set_constant(self) {
        // SAFETY: a variable.
        unsafe { LLVMSetGlobalConstant(self.0, 1) }
    }

    /// Whether each thread has its own.
    pub fn is_thread_local(self) -> bool {
        // SAFETY: a variable.
        unsafe { LLVMIsThreadLocal(self.0) != 0 }
    }

    /// Sets whether each thread has its own.
    pub fn set_thread_local(self, yes: bool) {
        // SAFETY: a variable.
        unsafe { LLVMSetThreadLocal(self.0, i32::from(yes)) }
    }

    /// Its alignment in bytes; 0 is that of its type.
    pub fn alignment(self) -> u64 {
        // SAFETY: alive.
        u64::from(unsafe { LLVMGetAlignment(self.0) })
    }

    /// Sets its alignment in bytes.
    pub fn set_alignment(self, bytes: u64) {
        // SAFETY: alive; a power of two.
        unsafe { LLVMSetAlignment(self.0, bytes as u32) }
    }

    /// Deletes a variable that nothing uses.
    pub fn delete(self) {
        // SAFETY: a variable, unused.
        unsafe { LLVMDeleteGlobal(self.0) }
    }
}
