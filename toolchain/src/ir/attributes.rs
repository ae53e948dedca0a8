//! Attributes of functions and calls.

use llvm_sys::core::*;
use llvm_sys::prelude::LLVMAttributeRef;

use super::{Function, Instruction};

/// What an attribute says something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The function itself.
    Function,
    /// What it returns.
    Return,
    /// A parameter, counted from 0.
    Parameter(usize),
}

impl Place {
    fn index(self) -> u32 {
        match self {
            Place::Function => u32::MAX,
            Place::Return => 0,
            Place::Parameter(number) => number as u32 + 1,
        }
    }
}

/// LLVM's number of a named attribute.
fn kind(name: &str) -> u32 {
    // SAFETY: the text is copied.
    unsafe { LLVMGetEnumAttributeKindForName(name.as_ptr().cast(), name.len()) }
}

/// Attributes that say what a value can be; they do not hold for the value that a function returns
/// while its thread is leaving.
const ON_VALUES: [&str; 8] = [
    "noundef",
    "nonnull",
    "dereferenceable",
    "dereferenceable_or_null",
    "range",
    "noalias",
    "align",
    "nofpclass",
];
/// Attributes that a function with equivalence points does not keep.
const ON_FUNCTIONS: [&str; 9] = [
    "memory",
    "willreturn",
    "nofree",
    "nosync",
    "norecurse",
    "nocallback",
    "speculatable",
    "noreturn",
    "returns_twice",
];

impl Function {
    /// Whether it has the attribute.
    pub fn has(self, place: Place, name: &str) -> bool {
        // SAFETY: the handle is alive, see the module's contract. So in all of this file.
        unsafe { !LLVMGetEnumAttributeAtIndex(self.0, place.index(), kind(name)).is_null() }
    }

    /// Removes the attribute.
    pub fn remove(self, place: Place, name: &str) {
        // SAFETY: alive.
        unsafe { LLVMRemoveEnumAttributeAtIndex(self.0, place.index(), kind(name)) }
    }

    /// Adds an attribute without a value.
    pub fn add(self, place: Place, name: &str) {
        // SAFETY: alive; the attribute belongs to the context of the function.
        unsafe {
            let context = LLVMGetTypeContext(self.ty().0);
            LLVMAddAttributeAtIndex(
                self.0,
                place.index(),
                LLVMCreateEnumAttribute(context, kind(name), 0),
            );
        }
    }

    /// The value of one of our own attributes (a text).
    pub fn note(self, key: &str) -> Option<String> {
        // SAFETY: alive; LLVM returns a pointer to `length` bytes that it owns.
        unsafe {
            let found = LLVMGetStringAttributeAtIndex(
                self.0,
                u32::MAX,
                key.as_ptr().cast(),
                key.len() as u32,
            );
            if found.is_null() {
                return None;
            }
            let mut length = 0;
            let text = LLVMGetStringAttributeValue(found, &mut length);
            Some(
                String::from_utf8_lossy(std::slice::from_raw_parts(text.cast(), length as usize))
                    .into_owned(),
            )
        }
    }

    /// Adds one of our own attributes.
    pub fn set_note(self, key: &str, value: &str) {
        // SAFETY: alive; the texts are copied.
        unsafe {
            let context = LLVMGetTypeContext(self.ty().0);
            let attribute = LLVMCreateStringAttribute(
                context,
                key.as_ptr().cast(),
                key.len() as u32,
                value.as_ptr().cast(),
                value.len() as u32,
            );
            LLVMAddAttributeAtIndex(self.0, u32::MAX, attribute);
        }
    }

    /// Removes an attribute that is a text.
    pub fn remove_note(self, key: &str) {
        // SAFETY: alive.
        unsafe {
            LLVMRemoveStringAttributeAtIndex(
                self.0,
                u32::MAX,
                key.as_ptr().cast(),
                key.len() as u32,
            )
        }
    }

    /// The function's own attributes.
    fn list(self) -> Vec<LLVMAttributeRef> {
        // SAFETY: alive; the buffer has room for all.
        unsafe {
            let mut list =
                vec![std::ptr::null_mut(); LLVMGetAttributeCountAtIndex(self.0, u32::MAX) as usize];
            LLVMGetAttributesAtIndex(self.0, u32::MAX, list.as_mut_ptr());
            list
        }
    }

    /// Takes over from `other` what steers code generation (the attributes that are texts).
    pub fn copy_notes(self, other: Function) {
        for attribute in other.list() {
            // SAFETY: an attribute of a function of the same context.
            unsafe {
                if LLVMIsStringAttribute(attribute) != 0 {
                    LLVMAddAttributeAtIndex(self.0, u32::MAX, attribute);
                }
            }
        }
    }

    /// Removes what no longer holds once the function has equivalence points.
    pub fn loosen(self) {
        for name in ON_FUNCTIONS {
            self.remove(Place::Function, name);
        }
        for name in ON_VALUES {
            self.remove(Place::Return, name);
        }
        for parameter in 0..self.parameters().len() {
            self.remove(Place::Parameter(parameter), "returned");
            // Saving a frame reads the data that parameters point to, later and elsewhere.
            for name in ["nocapture", "readonly", "readnone", "writeonly"] {
                self.remove(Place::Parameter(parameter), name);
            }
        }
    }
}

impl Instruction {
    /// Whether a call has the attribute, itself or through the function it names.
    pub fn call_has(self, place: Place, name: &str) -> bool {
        // SAFETY: a call.
        let own =
            unsafe { !LLVMGetCallSiteEnumAttribute(self.0, place.index(), kind(name)).is_null() };
        own || self.called_function().is_some_and(|f| f.has(place, name))
    }

    /// Whether the call itself has the attribute.
    pub fn call_has_itself(self, place: Place, name: &str) -> bool {
        // SAFETY: a call.
        unsafe { !LLVMGetCallSiteEnumAttribute(self.0, place.index(), kind(name)).is_null() }
    }

    /// Removes an attribute from a call.
    pub fn call_remove(self, place: Place, name: &str) {
        // SAFETY: a call.
        unsafe { LLVMRemoveCallSiteEnumAttribute(self.0, place.index(), kind(name)) }
    }

    /// Removes from a call what does not hold when the thread can leave during it.
    pub fn loosen(self) {
        for name in ON_FUNCTIONS {
            self.call_remove(Place::Function, name);
        }
        for name in ON_VALUES {
            self.call_remove(Place::Return, name);
        }
        for parameter in 0..self.arguments().len() {
            for name in ["returned", "nocapture", "readonly", "readnone", "writeonly"] {
                self.call_remove(Place::Parameter(parameter), name);
            }
        }
        for metadata in ["range", "noundef", "nonnull", "align", "dereferenceable"] {
            self.drop_metadata(metadata);
        }
        self.set_not_tail();
    }
}

/// The type that a parameter passed `byval` points to.
pub(super) fn byval(function: Function, parameter: usize) -> Option<super::Type> {
    // SAFETY: alive.
    unsafe {
        let found = LLVMGetEnumAttributeAtIndex(
            function.0,
            Place::Parameter(parameter).index(),
            kind("byval"),
        );
        (!found.is_null()).then(|| super::Type(LLVMGetTypeAttributeValue(found)))
    }
}

impl Function {
    /// The type that a parameter passed `byval` points to.
    pub fn byval(self, parameter: usize) -> Option<super::Type> {
        byval(self, parameter)
    }
}
