//! Types and constants, which need no place.

use llvm_sys::core::*;

use super::{Builder, Type, Value};

impl Builder {
    /// The type of integers of `bits` bits.
    pub fn integer(&self, bits: u32) -> Type {
        // SAFETY: the context is alive.
        Type(unsafe { LLVMIntTypeInContext(self.context, bits) })
    }

    /// The type of pointers.
    pub fn pointer(&self) -> Type {
        // SAFETY: the context is alive.
        Type(unsafe { LLVMPointerTypeInContext(self.context, 0) })
    }

    /// The type of nothing.
    pub fn void(&self) -> Type {
        // SAFETY: the context is alive.
        Type(unsafe { LLVMVoidTypeInContext(self.context) })
    }

    /// The type of functions.
    pub fn function_type(&self, returned: Type, parameters: &[Type]) -> Type {
        let mut list: Vec<_> = parameters.iter().map(|t| t.0).collect();
        // SAFETY: types of this context; the array is copied.
        Type(unsafe { LLVMFunctionType(returned.0, list.as_mut_ptr(), list.len() as u32, 0) })
    }

    /// The number `value` in 32 bits.
    pub fn word(&self, value: u32) -> Value {
        // SAFETY: a type of this context.
        Value(unsafe { LLVMConstInt(self.integer(32).0, u64::from(value), 0) })
    }

    /// The number `value` in 64 bits.
    pub fn long(&self, value: u64) -> Value {
        // SAFETY: a type of this context.
        Value(unsafe { LLVMConstInt(self.integer(64).0, value, 0) })
    }

    /// A number of the type of another.
    pub fn number_like(&self, other: Value, number: u64) -> Value {
        // SAFETY: an integer type.
        Value(unsafe { LLVMConstInt(other.ty().0, number, 0) })
    }

    /// The constant address `address` in the segment that begins at the thread pointer (x86-64: fs).
    pub fn in_thread_segment(&self, address: u64) -> Value {
        // SAFETY: a constant integer and a pointer type of this context.
        Value(unsafe {
            LLVMConstIntToPtr(
                self.long(address).0,
                LLVMPointerTypeInContext(self.context, 257),
            )
        })
    }

    /// The metadata `!{!"text"}` as an argument.
    pub fn text_metadata(&self, text: &str) -> Value {
        // SAFETY: the text is copied.
        unsafe {
            let mut text = LLVMMDStringInContext2(self.context, text.as_ptr().cast(), text.len());
            Value(LLVMMetadataAsValue(
                self.context,
                LLVMMDNodeInContext2(self.context, &mut text, 1),
            ))
        }
    }

    /// The type of metadata arguments.
    pub fn metadata(&self) -> Type {
        // SAFETY: the context is alive.
        Type(unsafe { LLVMMetadataTypeInContext(self.context) })
    }

    /// A constant structure without padding.
    pub fn packed(&self, parts: &[Value]) -> Value {
        let mut list: Vec<_> = parts.iter().map(|v| v.0).collect();
        // SAFETY: constants of this context; the array is copied.
        Value(unsafe {
            LLVMConstStructInContext(self.context, list.as_mut_ptr(), list.len() as u32, 1)
        })
    }

    /// A constant array of values of one type.
    pub fn array(&self, ty: Type, parts: &[Value]) -> Value {
        let mut list: Vec<_> = parts.iter().map(|v| v.0).collect();
        // SAFETY: constants of type `ty`; the array is copied.
        Value(unsafe { LLVMConstArray2(ty.0, list.as_mut_ptr(), list.len() as u64) })
    }

    /// Constant bytes.
    pub fn bytes(&self, bytes: &[u8]) -> Value {
        // SAFETY: the bytes are copied.
        Value(unsafe {
            LLVMConstStringInContext2(self.context, bytes.as_ptr().cast(), bytes.len(), 1)
        })
    }
}
