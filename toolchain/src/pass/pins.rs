//! What a front end's output holds that cannot migrate, function by function, and why.

use std::collections::HashSet;

use crate::ir::{Function, Instruction, Location, Module, Opcode, Place, Type};

/// The note on a function that has no equivalence points; its value is the [`Reason::option`].
pub const FIXED: &str = "rtx-fixed";
/// The note on a function whose body each instruction set's own front end makes.
pub const OWN_ISA: &str = "rtx-own-isa";

/// Why a function cannot migrate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A call that returns twice.
    Setjmp,
    /// A frame whose size is known at run time only.
    DynamicStack,
    /// Labels as values.
    ComputedGoto,
    /// A tail call that must be one.
    Musttail,
    /// Assembly.
    InlineAssembly,
    /// `long double`, in its frame only.
    LongDouble,
    /// It looks at a list of variable arguments.
    VariableArguments,
    /// A call whose arguments or result are passed in another form on the other instruction set.
    Signature,
    /// An intrinsic of one instruction set.
    Intrinsic,
}

impl Reason {
    /// The name of the warning, after `-Wrtx-`.
    pub fn option(self) -> &'static str {
        match self {
            Reason::Setjmp => "setjmp",
            Reason::DynamicStack => "dynamic-stack",
            Reason::ComputedGoto => "computed-goto",
            Reason::Musttail => "musttail",
            Reason::InlineAssembly => "inline-asm",
            Reason::LongDouble => "long-double",
            Reason::VariableArguments => "varargs",
            Reason::Signature => "signature",
            Reason::Intrinsic => "intrinsic",
        }
    }

    /// What stands in the way.
    pub fn text(self) -> &'static str {
        match self {
            Reason::Setjmp => "calls a function that returns twice (setjmp, vfork)",
            Reason::DynamicStack => {
                "takes stack memory of variable size (a variable-length array or alloca)"
            }
            Reason::ComputedGoto => "uses labels as values",
            Reason::Musttail => "has a musttail call",
            Reason::InlineAssembly => "has inline assembly",
            Reason::LongDouble => "uses long double",
            Reason::VariableArguments => "takes variable arguments",
            Reason::Signature => {
                "makes a call whose arguments differ in form between the instruction sets"
            }
            Reason::Intrinsic => "uses an instruction of one instruction set",
        }
    }

    /// Whether one body does not serve both instruction sets.
    pub fn needs_own_body(self) -> bool {
        !matches!(
            self,
            Reason::Setjmp | Reason::DynamicStack | Reason::ComputedGoto | Reason::Musttail
        )
    }

    /// The reason of that name.
    pub fn by_option(option: &str) -> Option<Reason> {
        use Reason::*;
        [
            Setjmp,
            DynamicStack,
            ComputedGoto,
            Musttail,
            InlineAssembly,
            LongDouble,
            VariableArguments,
            Signature,
            Intrinsic,
        ]
        .into_iter()
        .find(|reason| reason.option() == option)
    }
}

/// A function that cannot migrate.
#[derive(Debug, Clone)]
pub struct Pin {
    /// The function.
    pub function: Function,
    /// Why, first the reasons that need a body for each instruction set.
    pub reason: Reason,
    /// The place of what stands in the way.
    pub location: Option<Location>,
}

/// What could be wrong on the other instruction set: the program must not be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The place, where known.
    pub location: Option<Location>,
    /// What is wrong.
    pub text: String,
}

/// Looks at the output of the x86-64 front end. `other` is that of the other front end, when it has one.
pub fn find(module: &Module, other: Option<&Module>) -> Vec<Pin> {
    let differing = other
        .map(|other| differing_calls(module, other))
        .unwrap_or_default();
    module
        .functions()
        .into_iter()
        .filter(|f| !f.is_declaration())
        .filter_map(|f| pin_of(f, &differing))
        .collect()
}

fn pin_of(function: Function, differing: &HashSet<String>) -> Option<Pin> {
    let mut found: Option<(Reason, Option<Location>)> = None;
    if function.ty().is_variadic() {
        found = Some((Reason::VariableArguments, function.location()));
    } else if signature_types(function.ty())
        .iter()
        .any(|ty| ty.has_long_double())
    {
        found = Some((Reason::LongDouble, function.location()));
    }
    for instruction in function.instructions() {
        let Some(reason) = reason_of(instruction, differing) else {
            continue;
        };
        let stronger = found
            .as_ref()
            .is_none_or(|(old, _)| reason.needs_own_body() && !old.needs_own_body());
        if stronger {
            found = Some((
                reason,
                instruction.location().or_else(|| function.location()),
            ));
        }
    }
    found.map(|(reason, location)| Pin {
        function,
        reason,
        location,
    })
}

fn signature_types(ty: Type) -> Vec<Type> {
    let mut list = ty.parameters();
    list.push(ty.returned());
    list
}

fn reason_of(instruction: Instruction, differing: &HashSet<String>) -> Option<Reason> {
    match instruction.opcode() {
        Opcode::LLVMIndirectBr => return Some(Reason::ComputedGoto),
        Opcode::LLVMCallBr => return Some(Reason::InlineAssembly),
        Opcode::LLVMVAArg => return Some(Reason::VariableArguments),
        Opcode::LLVMGetElementPtr if is_argument_list(instruction.gep_type()) => {
            return Some(Reason::VariableArguments);
        }
        Opcode::LLVMAlloca => {
            if is_argument_list(instruction.allocated()) {
                return Some(Reason::VariableArguments);
            }
            if instruction.allocated().has_long_double() {
                return Some(Reason::LongDouble);
            }
            let constant = instruction
                .as_value()
                .operands()
                .first()
                .is_none_or(|n| n.is_constant());
            if !constant {
                return Some(Reason::DynamicStack);
            }
        }
        Opcode::LLVMCall => return reason_of_call(instruction, differing),
        _ => {}
    }
    let touched = instruction
        .as_value()
        .operands()
        .into_iter()
        .map(|v| v.ty())
        .any(|ty| ty.has_long_double());
    (touched || instruction.as_value().ty().has_long_double()).then_some(Reason::LongDouble)
}

fn reason_of_call(call: Instruction, differing: &HashSet<String>) -> Option<Reason> {
    if call.call_has(Place::Function, "returns_twice") {
        return Some(Reason::Setjmp);
    }
    if call.is_musttail() {
        return Some(Reason::Musttail);
    }
    if call
        .callee()
        .inline_assembly()
        .is_some_and(|text| !text.trim().is_empty())
    {
        return Some(Reason::InlineAssembly);
    }
    if signature_types(call.called_type())
        .iter()
        .any(|ty| ty.has_long_double())
        || call.arguments().iter().any(|v| v.ty().has_long_double())
    {
        return Some(Reason::LongDouble);
    }
    if let Some(name) = call.intrinsic() {
        if name.starts_with("llvm.va_") {
            return Some(Reason::VariableArguments);
        }
        if name.starts_with("llvm.x86.") {
            return Some(Reason::Intrinsic);
        }
        return None;
    }
    // A structure among variable arguments is taken apart by the front end, by its own rules.
    let variadic = call.called_type().is_variadic();
    let by_value =
        (0..call.arguments().len()).any(|n| call.call_has_itself(Place::Parameter(n), "byval"));
    if variadic && by_value {
        return Some(Reason::Signature);
    }
    call.called_function()
        .filter(|f| differing.contains(&f.name()))
        .map(|_| Reason::Signature)
}

/// Whether a type is x86-64's list of variable arguments.
fn is_argument_list(ty: Type) -> bool {
    ty.struct_name()
        .is_some_and(|name| name.starts_with("struct.__va_list_tag"))
        || ty.parts().into_iter().any(is_argument_list)
}

/// The functions that both front ends only declare, and declare differently.
fn differing_calls(module: &Module, other: &Module) -> HashSet<String> {
    let mut names = HashSet::new();
    for function in module
        .functions()
        .into_iter()
        .filter(|f| f.is_declaration() && !f.is_intrinsic())
    {
        if let Some(theirs) = other.function(&function.name())
            && !same_form(function, theirs)
        {
            names.insert(function.name());
        }
    }
    names
}

/// Whether arguments and result travel in the same registers or memory by both declarations.
pub fn same_form(ours: Function, theirs: Function) -> bool {
    let flat =
        |f: Function| -> Vec<String> {
            let mut list: Vec<String> = vec![form(f.ty().returned()).join(" ")];
            list.extend(f.ty().parameters().into_iter().enumerate().map(
                |(n, ty)| match f.byval(n) {
                    Some(_) => "byval".to_owned(),
                    None => form(ty).join(" "),
                },
            ));
            list
        };
    let count = |f: Function| flat(f)[1..].join(" ");
    flat(ours)[0] == flat(theirs)[0] && count(ours) == count(theirs)
}

/// A type as the list of its scalars; integers of up to 64 bits count alike, each fills one register.
fn form(ty: Type) -> Vec<String> {
    use llvm_sys::LLVMTypeKind::*;
    match ty.kind() {
        LLVMStructTypeKind => ty.parts().into_iter().flat_map(form).collect(),
        LLVMArrayTypeKind => {
            let count = ty
                .text()
                .trim_start_matches('[')
                .split(' ')
                .next()
                .and_then(|n| n.parse().ok())
                .unwrap_or(1);
            std::iter::repeat_with(|| form(ty.parts()[0]))
                .take(count)
                .flatten()
                .collect()
        }
        LLVMIntegerTypeKind if ty.text() != "i128" => vec!["integer".to_owned()],
        LLVMVoidTypeKind => vec!["void".to_owned()],
        _ => vec![ty.text()],
    }
}

/// Memory that would be read wrongly on the other instruction set: `long double` outside frames.
pub fn shared_long_doubles(module: &Module) -> Vec<Fault> {
    let mut faults = Vec::new();
    for global in module.globals() {
        if !global.is_private() && global.ty().has_long_double() && !global.is_declaration() {
            faults.push(Fault {
                location: None,
                text: format!("the variable '{}' holds a long double, whose form differs between the instruction sets", global.name()),
            });
        }
    }
    for function in module.functions() {
        let instructions = function.instructions();
        // What va_arg reads lies in the caller's frame.
        let takes_lists = instructions
            .iter()
            .any(|i| i.opcode() == Opcode::LLVMGetElementPtr && is_argument_list(i.gep_type()));
        for instruction in instructions.into_iter().filter(|_| !takes_lists) {
            let (value, place) = match instruction.opcode() {
                Opcode::LLVMLoad => (instruction.as_value(), instruction.as_value().operands()[0]),
                Opcode::LLVMStore => {
                    let operands = instruction.as_value().operands();
                    (operands[0], operands[1])
                }
                _ => continue,
            };
            if value.ty().has_long_double() && !is_in_frame(place) {
                faults.push(Fault {
                    location: instruction.location(),
                    text: "a long double is kept in memory that threads share, where its form would differ between the instruction sets".to_owned(),
                });
            }
        }
    }
    faults
}

/// Whether a pointer surely leads into the function's own frame, or to the arguments it was given.
fn is_in_frame(mut place: crate::ir::Value) -> bool {
    for _ in 0..32 {
        if place.as_global().is_some() {
            return false;
        }
        let Some(instruction) = place.as_instruction() else {
            return false;
        };
        match instruction.opcode() {
            Opcode::LLVMAlloca => return true,
            Opcode::LLVMGetElementPtr => place = instruction.as_value().operands()[0],
            _ => return false,
        }
    }
    false
}
