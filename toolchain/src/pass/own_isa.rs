//! Bodies of their own for each instruction set. What one body cannot express for both (variable
//! arguments, assembly, long double) is taken from each front end. The output of the second front end is
//! cut down to these bodies; all else in it becomes a reference to the first.

use crate::ir::{Function, Linkage, Module};

use super::pins::OWN_ISA;

/// Lets symbols that only one file sees be named from another module: `tag` makes them unique.
pub fn promote(module: &Module, tag: &str) {
    let rename = |global: crate::ir::Global| {
        let name = global.name();
        if global.is_declaration() || !global.is_private() || name.starts_with("llvm.") {
            return;
        }
        if name.starts_with("rtxc.") {
            // Named for its content already: the same in every module.
            global.as_value().set_name(&format!("{name}.{tag}"));
        } else {
            global.as_value().set_name(&format!("{name}.rtx.{tag}"));
        }
        global.set_linkage(Linkage::LLVMExternalLinkage);
        global.set_hidden();
    };
    for function in module.functions() {
        rename(function.as_global());
    }
    for global in module.globals() {
        rename(global);
    }
}

/// Cuts a module down to the bodies of the functions `names` and what they refer to, declared.
pub fn cut_down(module: &Module, names: &[String]) {
    for (alias, target) in module.aliases() {
        alias.as_value().replace_all_uses(target);
    }
    if let Some(used) = module.global("llvm.compiler.used") {
        used.delete();
    }
    if let Some(used) = module.global("llvm.used") {
        used.delete();
    }
    if let Some(list) = module.global("llvm.global_ctors") {
        list.delete();
    }
    if let Some(list) = module.global("llvm.global_dtors") {
        list.delete();
    }
    for function in module.functions() {
        let name = function.name();
        if function.is_declaration() {
            continue;
        }
        if names.contains(&name) {
            function.set_note(OWN_ISA, "");
        } else {
            declare_again(module, function);
        }
    }
    for global in module.globals() {
        if global.is_declaration() || global.name().starts_with("llvm.") {
            continue;
        }
        let name = global.name();
        if global.as_value().users().is_empty() {
            global.delete();
            continue;
        }
        global.as_value().set_name("rtx.replaced");
        let declared = module.add_global(&name, global.ty());
        declared.set_thread_local(global.is_thread_local());
        global.as_value().replace_all_uses(declared.as_value());
        global.delete();
    }
    delete_unused(module);
}

/// Deletes declarations that nothing uses.
fn delete_unused(module: &Module) {
    for function in module.functions() {
        if function.is_declaration() && function.as_value().users().is_empty() {
            function.delete();
        }
    }
    for global in module.globals() {
        if global.is_declaration() && global.as_value().users().is_empty() {
            global.delete();
        }
    }
}

/// Replaces a function by its declaration.
pub fn declare_again(module: &Module, function: Function) {
    let name = function.name();
    function.as_value().set_name("rtx.replaced");
    let declared = module.add_function(&name, function.ty());
    function.as_value().replace_all_uses(declared.as_value());
    function.delete();
}
