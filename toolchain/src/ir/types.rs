//! Types of values.

use llvm_sys::LLVMTypeKind;
use llvm_sys::core::*;
use llvm_sys::prelude::LLVMTypeRef;

/// A type of the module's context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Type(pub(super) LLVMTypeRef);

impl Type {
    /// LLVM's kind of the type.
    pub fn kind(self) -> LLVMTypeKind {
        // SAFETY: the handle is alive, see the module's contract.
        unsafe { LLVMGetTypeKind(self.0) }
    }

    /// Whether it is `void`.
    pub fn is_void(self) -> bool {
        self.kind() == LLVMTypeKind::LLVMVoidTypeKind
    }

    /// The bits of an integer.
    pub fn integer_bits(self) -> u32 {
        // SAFETY: an integer type.
        unsafe { LLVMGetIntTypeWidth(self.0) }
    }

    /// Whether it is a pointer.
    pub fn is_pointer(self) -> bool {
        self.kind() == LLVMTypeKind::LLVMPointerTypeKind
    }

    /// Whether it is a vector.
    pub fn is_vector(self) -> bool {
        self.kind() == LLVMTypeKind::LLVMVectorTypeKind
    }

    /// The name of a named structure.
    pub fn struct_name(self) -> Option<String> {
        if self.kind() != LLVMTypeKind::LLVMStructTypeKind {
            return None;
        }
        // SAFETY: the type is a structure; LLVM returns null or a C string it owns.
        unsafe {
            let name = LLVMGetStructName(self.0);
            (!name.is_null()).then(|| {
                std::ffi::CStr::from_ptr(name)
                    .to_string_lossy()
                    .into_owned()
            })
        }
    }

    /// What a structure, array or vector consists of, each type once.
    pub fn parts(self) -> Vec<Type> {
        match self.kind() {
            LLVMTypeKind::LLVMStructTypeKind => {
                // SAFETY: the type is a structure, indices are below its count.
                unsafe {
                    (0..LLVMCountStructElementTypes(self.0))
                        .map(|i| Type(LLVMStructGetTypeAtIndex(self.0, i)))
                        .collect()
                }
            }
            LLVMTypeKind::LLVMArrayTypeKind | LLVMTypeKind::LLVMVectorTypeKind => {
                // SAFETY: the type has one element type.
                vec![Type(unsafe { LLVMGetElementType(self.0) })]
            }
            _ => Vec::new(),
        }
    }

    /// Whether the type is, or holds, a `long double`: its form differs between the instruction sets.
    pub fn has_long_double(self) -> bool {
        matches!(
            self.kind(),
            LLVMTypeKind::LLVMX86_FP80TypeKind | LLVMTypeKind::LLVMFP128TypeKind
        ) || self.parts().into_iter().any(Type::has_long_double)
    }

    /// The return type of a function type.
    pub fn returned(self) -> Type {
        // SAFETY: the caller has a function type.
        Type(unsafe { LLVMGetReturnType(self.0) })
    }

    /// The parameter types of a function type.
    pub fn parameters(self) -> Vec<Type> {
        // SAFETY: the caller has a function type; the buffer has room for its parameters.
        unsafe {
            let mut list = vec![std::ptr::null_mut(); LLVMCountParamTypes(self.0) as usize];
            LLVMGetParamTypes(self.0, list.as_mut_ptr());
            list.into_iter().map(Type).collect()
        }
    }

    /// Whether a function type ends with `...`.
    pub fn is_variadic(self) -> bool {
        // SAFETY: the caller has a function type.
        unsafe { LLVMIsFunctionVarArg(self.0) != 0 }
    }

    /// The value of all zero bits.
    pub fn zero(self) -> super::Value {
        // SAFETY: the caller has a type that values have (not void).
        super::Value(unsafe { LLVMConstNull(self.0) })
    }

    /// A value that must not be used.
    pub fn poison(self) -> super::Value {
        // SAFETY: as for `zero`.
        super::Value(unsafe { LLVMGetPoison(self.0) })
    }

    /// As LLVM prints it.
    pub fn text(self) -> String {
        // SAFETY: LLVM returns a string that we own.
        unsafe { super::value::take_message(LLVMPrintTypeToString(self.0)) }
    }
}
