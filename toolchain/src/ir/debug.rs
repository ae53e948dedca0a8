//! Places in the source, and the debug information of resume clones.

use llvm_sys::core::*;
use llvm_sys::debuginfo::*;
use llvm_sys::prelude::*;

use super::{Function, Instruction, Module};

/// A place in the source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The file, as the compiler was given it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1; 0 when unknown.
    pub column: u32,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column.max(1))
    }
}

impl Location {
    /// The place of an instruction or function.
    pub(super) fn of(value: LLVMValueRef) -> Option<Location> {
        // SAFETY: alive; an instruction or function, for which all three are defined. LLVM returns a
        // pointer to `length` bytes that it owns, or null without debug information.
        unsafe {
            let mut length = 0;
            let file = LLVMGetDebugLocFilename(value, &mut length);
            if file.is_null() || length == 0 {
                return None;
            }
            let file =
                String::from_utf8_lossy(std::slice::from_raw_parts(file.cast(), length as usize))
                    .into_owned();
            let mut length = 0;
            let directory = LLVMGetDebugLocDirectory(value, &mut length);
            let directory = if directory.is_null() {
                String::new()
            } else {
                String::from_utf8_lossy(std::slice::from_raw_parts(
                    directory.cast(),
                    length as usize,
                ))
                .into_owned()
            };
            let file = as_given(file, &directory);
            let column = if LLVMIsAInstruction(value).is_null() {
                1
            } else {
                LLVMGetDebugLocColumn(value)
            };
            Some(Location {
                file,
                line: LLVMGetDebugLocLine(value),
                column,
            })
        }
    }
}

/// clang cuts what a path has in common with the working directory; this puts it together again.
fn as_given(file: String, directory: &str) -> String {
    let here = std::env::current_dir().is_ok_and(|here| here == std::path::Path::new(directory));
    if here || directory.is_empty() {
        return file;
    }
    std::path::Path::new(directory)
        .join(file)
        .display()
        .to_string()
}

/// Gives resume clones debug information of their own: LLVM forbids two functions to share one
/// subprogram, and drops the lines of functions that have none.
pub struct ResumeDebug {
    builder: LLVMDIBuilderRef,
    context: LLVMContextRef,
    unit: std::cell::Cell<LLVMMetadataRef>,
}

impl Drop for ResumeDebug {
    fn drop(&mut self) {
        // SAFETY: made in `new`, owned here; finalised once, before the module is used further.
        unsafe {
            LLVMDIBuilderFinalize(self.builder);
            LLVMDisposeDIBuilder(self.builder);
        }
    }
}

impl ResumeDebug {
    /// For the clones of one module.
    pub fn new(module: &Module) -> ResumeDebug {
        // SAFETY: the module is alive.
        let builder = unsafe { LLVMCreateDIBuilder(module.raw()) };
        ResumeDebug {
            builder,
            context: module.context(),
            unit: std::cell::Cell::new(std::ptr::null_mut()),
        }
    }

    fn unit(&self, file: LLVMMetadataRef) -> LLVMMetadataRef {
        if self.unit.get().is_null() {
            // SAFETY: the builder is alive; the texts are copied.
            let unit = unsafe {
                LLVMDIBuilderCreateCompileUnit(
                    self.builder,
                    LLVMDWARFSourceLanguage::LLVMDWARFSourceLanguageC11,
                    file,
                    c"rtx-cc".as_ptr(),
                    6,
                    1,
                    std::ptr::null(),
                    0,
                    0,
                    std::ptr::null(),
                    0,
                    LLVMDWARFEmissionKind::LLVMDWARFEmissionKindLineTablesOnly,
                    0,
                    0,
                    0,
                    std::ptr::null(),
                    0,
                    std::ptr::null(),
                    0,
                )
            };
            self.unit.set(unit);
        }
        self.unit.get()
    }

    /// Lets `clone` be at the lines of `original`. What was inlined is at the line of its call.
    pub fn cover(&self, original: Function, clone: Function) {
        // SAFETY: both functions are alive; metadata is of their context; texts are copied.
        unsafe {
            let of = LLVMGetSubprogram(original.0);
            if of.is_null() {
                for instruction in clone.instructions() {
                    LLVMInstructionSetDebugLoc(instruction.0, std::ptr::null_mut());
                }
                return;
            }
            let file = LLVMDIScopeGetFile(of);
            let line = LLVMDISubprogramGetLine(of);
            let name = clone.name();
            let ty =
                LLVMDIBuilderCreateSubroutineType(self.builder, file, std::ptr::null_mut(), 0, 0);
            let unit = self.unit(file);
            let subprogram = LLVMDIBuilderCreateFunction(
                self.builder,
                unit,
                name.as_ptr().cast(),
                name.len(),
                name.as_ptr().cast(),
                name.len(),
                file,
                line,
                ty,
                1,
                1,
                line,
                0,
                1,
            );
            LLVMSetSubprogram(clone.0, subprogram);
            for instruction in clone.instructions() {
                self.relocate(instruction, subprogram);
            }
        }
    }

    fn relocate(&self, instruction: Instruction, subprogram: LLVMMetadataRef) {
        // It names places of the original.
        instruction.drop_metadata("llvm.loop");
        // SAFETY: the instruction is alive; a location's parent chain ends.
        unsafe {
            let mut at = LLVMInstructionGetDebugLoc(instruction.0);
            let (mut line, mut column) = (0, 0);
            while !at.is_null() {
                (line, column) = (LLVMDILocationGetLine(at), LLVMDILocationGetColumn(at));
                at = LLVMDILocationGetInlinedAt(at);
            }
            let place = LLVMDIBuilderCreateDebugLocation(
                self.context,
                line,
                column,
                subprogram,
                std::ptr::null_mut(),
            );
            LLVMInstructionSetDebugLoc(instruction.0, place);
        }
    }
}
