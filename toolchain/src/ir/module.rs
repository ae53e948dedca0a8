//! A module: one program, or a part of one, in one context of its own.

use std::path::{Path, PathBuf};

use llvm_sys::analysis::{LLVMVerifierFailureAction, LLVMVerifyModule};
use llvm_sys::bit_reader::LLVMParseBitcodeInContext2;
use llvm_sys::bit_writer::LLVMWriteBitcodeToMemoryBuffer;
use llvm_sys::core::*;
use llvm_sys::error::{LLVMDisposeErrorMessage, LLVMGetErrorMessage};
use llvm_sys::linker::LLVMLinkModules2;
use llvm_sys::prelude::*;
use llvm_sys::target::*;
use llvm_sys::target_machine::*;
use llvm_sys::transforms::pass_builder::*;

use super::value::take_message;
use super::{Function, Global, Linkage, Type, Value, c_string};

/// What LLVM can refuse.
#[derive(Debug, thiserror::Error)]
pub enum IrError {
    /// A file of bitcode cannot be read.
    #[error("cannot read {}", .0.display())]
    Read(PathBuf, #[source] std::io::Error),
    /// Bitcode that LLVM does not understand.
    #[error("{0} holds no bitcode of LLVM 19")]
    Parse(String),
    /// Two modules do not fit together; LLVM has said why.
    #[error("the modules cannot be linked: a symbol is defined twice, or in two ways")]
    Link,
    /// A pass pipeline failed.
    #[error("LLVM refused the passes '{0}': {1}")]
    Passes(String, String),
    /// The module is broken: a defect of rtx-cc.
    #[error("the instrumented program is not valid; this is a defect of rtx-cc: {0}")]
    Broken(String),
}

/// A module and its context.
#[derive(Debug)]
pub struct Module {
    context: LLVMContextRef,
    raw: LLVMModuleRef,
}

impl Drop for Module {
    fn drop(&mut self) {
        // SAFETY: both made in `parse`, owned here; the module goes first.
        unsafe {
            LLVMDisposeModule(self.raw);
            LLVMContextDispose(self.context);
        }
    }
}

impl Module {
    /// Reads the bitcode in a file.
    ///
    /// # Errors
    /// When the file cannot be read or holds something else.
    pub fn read(path: &Path) -> Result<Module, IrError> {
        let bytes = std::fs::read(path).map_err(|error| IrError::Read(path.to_owned(), error))?;
        Module::parse(&bytes, &path.display().to_string())
    }

    /// Reads bitcode; `origin` names it in errors.
    ///
    /// # Errors
    /// When it is no bitcode of this LLVM.
    pub fn parse(bytes: &[u8], origin: &str) -> Result<Module, IrError> {
        // SAFETY: a fresh context owns the module; on failure the context is disposed of.
        unsafe {
            let context = LLVMContextCreate();
            match parse_in(context, bytes) {
                Some(raw) => Ok(Module { context, raw }),
                None => {
                    LLVMContextDispose(context);
                    Err(IrError::Parse(origin.to_owned()))
                }
            }
        }
    }

    /// Adds to this module what is in `bytes`.
    ///
    /// # Errors
    /// When it is no bitcode, or does not fit.
    pub fn link(&self, bytes: &[u8], origin: &str) -> Result<(), IrError> {
        // SAFETY: the other module is of the same context; linking consumes it.
        unsafe {
            let other =
                parse_in(self.context, bytes).ok_or_else(|| IrError::Parse(origin.to_owned()))?;
            if LLVMLinkModules2(self.raw, other) != 0 {
                Err(IrError::Link)
            } else {
                Ok(())
            }
        }
    }

    /// The module as bitcode.
    pub fn bitcode(&self) -> Vec<u8> {
        // SAFETY: the module is alive; the buffer is ours and copied from before it goes.
        unsafe {
            let buffer = LLVMWriteBitcodeToMemoryBuffer(self.raw);
            let bytes = std::slice::from_raw_parts(
                LLVMGetBufferStart(buffer).cast(),
                LLVMGetBufferSize(buffer),
            )
            .to_vec();
            LLVMDisposeMemoryBuffer(buffer);
            bytes
        }
    }

    pub(super) fn raw(&self) -> LLVMModuleRef {
        self.raw
    }

    pub(super) fn context(&self) -> LLVMContextRef {
        self.context
    }

    /// Its functions.
    pub fn functions(&self) -> Vec<Function> {
        let mut list = Vec::new();
        // SAFETY: alive; nothing is changed meanwhile.
        unsafe {
            let mut at = LLVMGetFirstFunction(self.raw);
            while !at.is_null() {
                list.push(Function(at));
                at = LLVMGetNextFunction(at);
            }
        }
        list
    }

    /// Its variables.
    pub fn globals(&self) -> Vec<Global> {
        let mut list = Vec::new();
        // SAFETY: alive; nothing is changed meanwhile.
        unsafe {
            let mut at = LLVMGetFirstGlobal(self.raw);
            while !at.is_null() {
                list.push(Global(at));
                at = LLVMGetNextGlobal(at);
            }
        }
        list
    }

    /// Its aliases: each name, and what it stands for.
    pub fn aliases(&self) -> Vec<(Global, Value)> {
        let mut list = Vec::new();
        // SAFETY: alive; nothing is changed meanwhile.
        unsafe {
            let mut at = LLVMGetFirstGlobalAlias(self.raw);
            while !at.is_null() {
                list.push((Global(at), Value(LLVMAliasGetAliasee(at))));
                at = LLVMGetNextGlobalAlias(at);
            }
        }
        list
    }

    /// The function of that name.
    pub fn function(&self, name: &str) -> Option<Function> {
        // SAFETY: alive; the text is copied.
        let found = unsafe { LLVMGetNamedFunction(self.raw, c_string(name).as_ptr()) };
        (!found.is_null()).then_some(Function(found))
    }

    /// The variable of that name.
    pub fn global(&self, name: &str) -> Option<Global> {
        // SAFETY: alive; the text is copied.
        let found = unsafe { LLVMGetNamedGlobal(self.raw, c_string(name).as_ptr()) };
        (!found.is_null()).then_some(Global(found))
    }

    /// A new function, declared.
    pub fn add_function(&self, name: &str, ty: Type) -> Function {
        // SAFETY: a function type of this context; the text is copied.
        Function(unsafe { LLVMAddFunction(self.raw, c_string(name).as_ptr(), ty.0) })
    }

    /// The function of that name, declared if it is not there.
    pub fn declare(&self, name: &str, ty: Type) -> Function {
        self.function(name)
            .unwrap_or_else(|| self.add_function(name, ty))
    }

    /// A new variable, declared.
    pub fn add_global(&self, name: &str, ty: Type) -> Global {
        // SAFETY: a type of this context; the text is copied.
        Global(unsafe { LLVMAddGlobal(self.raw, ty.0, c_string(name).as_ptr()) })
    }

    /// How many bytes a value of type `ty` takes in an array.
    pub fn size_of(&self, ty: Type) -> u64 {
        // SAFETY: the data layout lives as long as the module.
        unsafe { LLVMABISizeOfType(LLVMGetModuleDataLayout(self.raw), ty.0) }
    }

    /// How a value of type `ty` is aligned, in bytes.
    pub fn align_of(&self, ty: Type) -> u64 {
        // SAFETY: as for `size_of`.
        u64::from(unsafe { LLVMABIAlignmentOfType(LLVMGetModuleDataLayout(self.raw), ty.0) })
    }

    /// Makes it a module for another target: the triple and the data layout of that target.
    pub fn set_target(&self, triple: &str, layout: &str) {
        // SAFETY: alive; the texts are copied.
        unsafe {
            LLVMSetTarget(self.raw, c_string(triple).as_ptr());
            LLVMSetDataLayout(self.raw, c_string(layout).as_ptr());
        }
    }

    /// Keeps what the linker could believe unused (llvm.compiler.used).
    pub fn keep(&self, names: &[Value]) {
        const NAME: &str = "llvm.compiler.used";
        let mut all: Vec<Value> = names.to_vec();
        if let Some(old) = self.global(NAME) {
            all.extend(old.initializer().map(Value::operands).unwrap_or_default());
            old.delete();
        }
        all.sort_unstable();
        all.dedup();
        if all.is_empty() {
            return;
        }
        // SAFETY: all are addresses, in this context; the array is copied.
        unsafe {
            let pointer = LLVMPointerTypeInContext(self.context, 0);
            let mut list: Vec<_> = all.iter().map(|v| v.0).collect();
            let array = Value(LLVMConstArray2(
                pointer,
                list.as_mut_ptr(),
                list.len() as u64,
            ));
            let used = self.add_global(NAME, array.ty());
            used.set_initializer(array);
            used.set_linkage(Linkage::LLVMAppendingLinkage);
            used.set_section("llvm.metadata");
        }
    }

    /// Checks that the module is valid.
    ///
    /// # Errors
    /// When it is not.
    pub fn verify(&self) -> Result<(), IrError> {
        // SAFETY: alive; the message is ours.
        unsafe {
            let mut message = std::ptr::null_mut();
            let broken = LLVMVerifyModule(
                self.raw,
                LLVMVerifierFailureAction::LLVMReturnStatusAction,
                &mut message,
            );
            let message = take_message(message);
            if broken != 0 {
                Err(IrError::Broken(message))
            } else {
                Ok(())
            }
        }
    }

    /// Runs passes of LLVM, named as for `opt -passes=`, with what is known of x86-64.
    ///
    /// # Errors
    /// When there is no such pass.
    pub fn run_passes(&self, passes: &str) -> Result<(), IrError> {
        // SAFETY: alive; machine and options are ours and outlive the run; the error is ours.
        unsafe {
            let machine = x86_machine();
            let options = LLVMCreatePassBuilderOptions();
            let error = LLVMRunPasses(self.raw, c_string(passes).as_ptr(), machine, options);
            LLVMDisposePassBuilderOptions(options);
            LLVMDisposeTargetMachine(machine);
            if error.is_null() {
                return Ok(());
            }
            let text = LLVMGetErrorMessage(error);
            let copy = std::ffi::CStr::from_ptr(text)
                .to_string_lossy()
                .into_owned();
            LLVMDisposeErrorMessage(text);
            Err(IrError::Passes(passes.to_owned(), copy))
        }
    }

    /// As LLVM prints it.
    pub fn text(&self) -> String {
        // SAFETY: LLVM returns a string that we own.
        unsafe { take_message(LLVMPrintModuleToString(self.raw)) }
    }
}

/// Reads bitcode into a context.
///
/// # Safety
/// The context is alive.
unsafe fn parse_in(context: LLVMContextRef, bytes: &[u8]) -> Option<LLVMModuleRef> {
    // SAFETY: the bytes are copied into a buffer that is ours; the module does not keep it.
    unsafe {
        let buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(
            bytes.as_ptr().cast(),
            bytes.len(),
            c"bitcode".as_ptr(),
        );
        let mut raw = std::ptr::null_mut();
        let failed = LLVMParseBitcodeInContext2(context, buffer, &mut raw);
        LLVMDisposeMemoryBuffer(buffer);
        (failed == 0).then_some(raw)
    }
}

/// What LLVM knows of the costs on x86-64.
///
/// # Safety
/// The caller disposes of it.
unsafe fn x86_machine() -> LLVMTargetMachineRef {
    // SAFETY: initialising twice is harmless; the texts are static.
    unsafe {
        LLVMInitializeX86TargetInfo();
        LLVMInitializeX86Target();
        LLVMInitializeX86TargetMC();
        let triple = c"x86_64-unknown-linux-musl".as_ptr();
        let mut target = std::ptr::null_mut();
        let failed = LLVMGetTargetFromTriple(triple, &mut target, std::ptr::null_mut());
        assert_eq!(failed, 0, "LLVM 19 knows x86-64");
        LLVMCreateTargetMachine(
            target,
            triple,
            c"x86-64".as_ptr(),
            c"".as_ptr(),
            LLVMCodeGenOptLevel::LLVMCodeGenLevelDefault,
            LLVMRelocMode::LLVMRelocStatic,
            LLVMCodeModel::LLVMCodeModelDefault,
        )
    }
}
