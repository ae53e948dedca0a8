//! The pass: turns a program into one whose threads can leave at equivalence points and go on
//! elsewhere. It works on the whole program in one form for all instruction sets, between LLVM's
//! simplification and its optimisation.
//!
//! [`pins`] finds what cannot migrate when a file is compiled, [`own_isa`] gives that a body for each
//! instruction set, [`names`] makes addresses comparable. At link time [`instrument`] inserts the
//! equivalence points ([`polls`], [`strips`]), the way home before a fork ([`homeward`]), the code that saves frames ([`sites`]) and the clones that take them
//! up again ([`resume`]), and [`targets`] makes one program for each instruction set of it. What LLVM has made of that
//! for aarch64 is given the traps that only x86-64 has ([`divisions`]).

pub mod brackets;
mod control_flow;
mod counting;
mod data_stack;
pub mod divisions;
pub mod homeward;
mod liveness;
pub mod names;
pub mod own_isa;
pub mod pins;
mod polls;
mod resume;
mod runtime_calls;
mod sites;
mod strip_counter;
mod strips;
pub mod tables;
pub mod targets;
pub mod thread_locals;
pub mod thread_words;

use std::collections::HashSet;

use crate::ir::{
    Builder, Function, Global, Instruction, IrError, Linkage, Location, Module, Opcode, Place,
    ResumeDebug,
};
use thread_locals::ThreadLocals;

pub use thread_words::Isa;

/// What `main` is called in the finished program; the runtime's own main calls it.
pub const USER_MAIN: &str = "__rtx_user_main";

/// LLVM's passes before ours: make values of variables, inline, simplify, put loops in order.
const BEFORE: &str = "function(sroa,early-cse,simplifycfg,instcombine<no-verify-fixpoint>),always-inline,\
     cgscc(inline,function(sroa,early-cse,simplifycfg,instcombine<no-verify-fixpoint>)),globaldce,\
     function(tailcallelim,simplifycfg,loop-simplify,lcssa,loop(loop-rotate),loop-mssa(licm),sroa,\
     instcombine<no-verify-fixpoint>,simplifycfg)";

/// A call site, for the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteEntry {
    /// Its number in the function.
    pub number: u32,
    /// Whether it is an equivalence point.
    pub is_point: bool,
    /// Bytes that a frame saves here.
    pub bytes: u64,
    /// The types of what is saved, in order.
    pub types: Vec<String>,
    /// Where it is.
    pub location: Option<Location>,
}

/// An instrumented function, for the tables. Its number is its place in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionEntry {
    /// Its name.
    pub name: String,
    /// Bytes of its frame on the data stack.
    pub data: u64,
    /// Its call sites.
    pub sites: Vec<SiteEntry>,
}

/// What the pass has done.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The instrumented functions.
    pub functions: Vec<FunctionEntry>,
    /// Functions without equivalence points, and why (the name of the warning).
    pub fixed: Vec<(String, String)>,
    /// Where thread-local variables are.
    pub thread_locals: ThreadLocals,
}

/// Instruments a whole program. `wanted` names the symbols that others (libc, the second module) use.
///
/// # Errors
/// When LLVM finds the program broken: a defect of this pass.
pub fn instrument(module: &Module, wanted: &HashSet<String>) -> Result<Outcome, IrError> {
    names::pin(module);
    homeward::insert(module);
    data_stack::copy_values(module);
    if let Some(main) = module.function("main") {
        main.as_value().set_name(USER_MAIN);
    }
    let thread_locals = thread_locals::lay_out(module);
    hide(module, wanted);
    module.run_passes(BEFORE)?;
    let instrumented = choose(module);
    let builder = Builder::new(module);
    let runtime = runtime_calls::Runtime::declare(module, &builder);
    let debug = ResumeDebug::new(module);
    let mut outcome = Outcome {
        thread_locals,
        ..Outcome::default()
    };
    let chosen: HashSet<Function> = instrumented.iter().copied().collect();
    for function in module
        .functions()
        .into_iter()
        .filter(|f| !f.is_declaration() && !chosen.contains(f))
    {
        brackets::bracket(module, function, |callee| chosen.contains(&callee));
        let note = function
            .note(pins::FIXED)
            .or_else(|| function.note(pins::OWN_ISA));
        outcome
            .fixed
            .extend(note.map(|reason| (function.name(), reason)));
    }
    let mut clones = Vec::new();
    for (identity, function) in instrumented.iter().enumerate() {
        let data = data_stack::move_locals(module, &builder, *function);
        function.loosen();
        let mut calls: HashSet<Instruction> = polls::insert(&builder, &runtime, *function, &chosen)
            .into_iter()
            .collect();
        calls.extend(
            function
                .instructions()
                .into_iter()
                .filter(|i| may_lead_to_point(*i, &chosen)),
        );
        let calls: Vec<Instruction> = function
            .instructions()
            .into_iter()
            .filter(|i| calls.contains(i))
            .collect();
        let identity = identity as u32;
        let sites = sites::prepare(module, &builder, &runtime, *function, identity, &calls);
        clones.push(resume::make(
            module, &builder, &runtime, &debug, *function, identity, &sites,
        ));
        outcome
            .functions
            .push(tables::entry(*function, data, &sites));
    }
    drop(debug);
    tables::add_resume_table(module, &builder, &clones);
    module.verify()?;
    Ok(outcome)
}

/// Hides what nothing outside the program names, so that unused functions go away.
fn hide(module: &Module, wanted: &HashSet<String>) {
    let keeps =
        |name: &str| name == USER_MAIN || wanted.contains(name) || name.starts_with("llvm.");
    let globals = module
        .functions()
        .into_iter()
        .map(Function::as_global)
        .chain(module.globals());
    for global in globals {
        if !global.is_declaration()
            && !keeps(&global.name())
            && global.linkage() == Linkage::LLVMExternalLinkage
        {
            global.set_linkage(Linkage::LLVMInternalLinkage);
        }
    }
    // LLVM would find that the address of some constants does not matter, and merge them for each instruction
    // set by itself. It does matter: a frame may hold it.
    let constants = module.globals().into_iter().filter(|g| {
        !g.is_declaration() && g.is_private() && !g.name().starts_with("llvm.") && g.is_constant()
    });
    module.keep(&constants.map(Global::as_value).collect::<Vec<_>>());
}

/// The functions that get equivalence points, in the order of the module.
fn choose(module: &Module) -> Vec<Function> {
    let able: Vec<Function> = module
        .functions()
        .into_iter()
        .filter(|f| is_able(*f))
        .collect();
    let mut candidates: HashSet<Function> = able.iter().copied().collect();
    // A function needs none when it has no loops and calls only such functions.
    loop {
        let leaves: Vec<Function> = candidates
            .iter()
            .copied()
            .filter(|f| is_leaf(*f, &candidates))
            .collect();
        if leaves.is_empty() {
            break;
        }
        for leaf in leaves {
            candidates.remove(&leaf);
        }
    }
    able.into_iter()
        .filter(|f| candidates.contains(f))
        .collect()
}

fn is_able(function: Function) -> bool {
    !function.is_declaration()
        && !function.ty().is_variadic()
        && function.note(pins::FIXED).is_none()
        && function.note(pins::OWN_ISA).is_none()
        && function.instructions().into_iter().all(|i| {
            // Inlining and simplifying could have brought these in.
            i.opcode() != Opcode::LLVMIndirectBr
                && !i.is_musttail_call()
                && !(i.is_call() && i.call_has(Place::Function, "returns_twice"))
        })
}

fn is_leaf(function: Function, candidates: &HashSet<Function>) -> bool {
    if function.name() == USER_MAIN {
        return false;
    }
    let (loops, irregular) = control_flow::ControlFlow::of(function).loops();
    loops.is_empty()
        && irregular.is_empty()
        && !function
            .instructions()
            .into_iter()
            .any(|i| may_lead_to_point(i, candidates))
}

/// Whether an instruction is a call during which the thread may leave.
fn may_lead_to_point(instruction: Instruction, instrumented: &HashSet<Function>) -> bool {
    if !instruction.is_call() {
        return false;
    }
    let callee = instruction.callee();
    match callee.as_function() {
        Some(function) => instrumented.contains(&function),
        None => callee.inline_assembly().is_none(),
    }
}
