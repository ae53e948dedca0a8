//! Tables about the program: the resume clones, which the runtime calls by number, and a list of
//! functions and call sites for people and for checking that two files belong together.

use std::fmt::Write;

use super::sites::Site;
use super::{FunctionEntry, SiteEntry};
use crate::ir::{Builder, Function, Module};

/// The symbol of the resume clones: an array of addresses, by function number.
pub const RESUME_TABLE: &str = "__rtx_resume_table";
/// How many there are.
const RESUME_COUNT: &str = "__rtx_resume_count";

pub(super) fn entry(function: Function, data: u64, sites: &[Site]) -> FunctionEntry {
    let sites = sites
        .iter()
        .map(|site| SiteEntry {
            number: site.number,
            is_point: site.is_poll,
            bytes: site.bytes,
            types: site
                .live
                .iter()
                .map(|(value, _)| value.ty().text())
                .collect(),
            location: site.location.clone(),
        })
        .collect();
    FunctionEntry {
        name: function.name(),
        data,
        sites,
    }
}

pub(super) fn add_resume_table(module: &Module, builder: &Builder, clones: &[Function]) {
    let mut addresses: Vec<_> = clones.iter().map(|clone| clone.as_value()).collect();
    if addresses.is_empty() {
        // Without a size the table would have no place that both programs agree on.
        addresses.push(builder.pointer().zero());
    }
    for (name, content) in [
        (RESUME_TABLE, builder.array(builder.pointer(), &addresses)),
        (RESUME_COUNT, builder.word(clones.len() as u32)),
    ] {
        let global = module.add_global(name, content.ty());
        global.set_initializer(content);
        global.set_constant();
    }
}

/// The table as text, one line for a function (`function NUMBER NAME data BYTES`) and one for each of its
/// sites (`site NUMBER point|call BYTES FILE:LINE:COLUMN TYPES`), then one for each function without
/// points (`fixed NAME REASON`).
pub fn text(functions: &[FunctionEntry], fixed: &[(String, String)]) -> String {
    let mut out = String::new();
    for (number, function) in functions.iter().enumerate() {
        let _ = writeln!(
            out,
            "function {number} {} data {}",
            function.name, function.data
        );
        for site in &function.sites {
            let kind = if site.is_point { "point" } else { "call" };
            let place = site
                .location
                .as_ref()
                .map_or_else(|| "-".to_owned(), ToString::to_string);
            let types = site.types.join(",");
            let _ = writeln!(
                out,
                "site {} {kind} {} {place} {types}",
                site.number, site.bytes
            );
        }
    }
    for (name, reason) in fixed {
        let _ = writeln!(out, "fixed {name} {reason}");
    }
    out
}
