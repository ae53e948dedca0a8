//! Names for what has none. The layout gives data the same address on both instruction sets by name,
//! so every constant needs one that both compilations agree on: nameless constants are named for their
//! content.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::ir::{Global, Linkage, Module, Value};

/// Names the nameless constants of a module, and lets all addresses matter.
pub fn pin(module: &Module) {
    let mut nameless: Vec<Global> = module
        .globals()
        .into_iter()
        .filter(|g| is_nameless(*g))
        .collect();
    let mut seen: HashMap<String, usize> = HashMap::new();
    // A constant that points to others is named after them.
    loop {
        let (ready, rest): (Vec<Global>, Vec<Global>) = nameless
            .iter()
            .partition(|g| !refers_to_any(**g, &nameless));
        let (ready, rest) = if ready.is_empty() {
            (rest, ready)
        } else {
            (ready, rest)
        };
        if ready.is_empty() {
            break;
        }
        for global in ready {
            let content = global.initializer().map(Value::text).unwrap_or_default();
            let digest = Sha256::digest(content.as_bytes());
            let name: String = digest[..8]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let number = seen.entry(name.clone()).or_default();
            global.as_value().set_name(&format!("rtxc.{name}.{number}"));
            *number += 1;
            global.set_linkage(Linkage::LLVMInternalLinkage);
        }
        nameless = rest;
    }
    let mut keep = Vec::new();
    for global in module.globals() {
        if !global.is_declaration() && !global.name().starts_with("llvm.") {
            global.set_address_matters();
            if global.is_private() {
                keep.push(global.as_value());
            }
        }
    }
    module.keep(&keep);
}

fn is_nameless(global: Global) -> bool {
    !global.is_declaration()
        && global.linkage() == Linkage::LLVMPrivateLinkage
        && !global.name().starts_with("llvm.")
}

fn refers_to_any(global: Global, others: &[Global]) -> bool {
    let mut todo: Vec<Value> = global.initializer().into_iter().collect();
    while let Some(value) = todo.pop() {
        match value.as_global() {
            Some(found) if found != global && others.contains(&found) => return true,
            Some(_) => {}
            None if value.as_function().is_none() => todo.extend(value.operands()),
            None => {}
        }
    }
    false
}
