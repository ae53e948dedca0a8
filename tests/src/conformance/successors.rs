//! Old system calls that newer ISAs do not have: there the C library makes others in their place.

use std::collections::BTreeSet;

/// Calls and those that do the same, where the first do not exist.
const SUCCESSORS: [(&str, &str); 12] = [
    ("eventfd", "eventfd2"),
    ("fork", "clone"),
    ("open", "openat"),
    ("pause", "ppoll"),
    ("pipe", "pipe2"),
    ("poll", "ppoll"),
    ("readlink", "readlinkat"),
    ("rename", "renameat"),
    ("select", "pselect6"),
    ("symlink", "symlinkat"),
    ("unlink", "unlinkat"),
    ("vfork", "clone"),
];

/// The name of what is made on this ISA when a program makes the call `name`.
pub fn on_this_isa(name: &str) -> &str {
    if cfg!(target_arch = "x86_64") {
        return name;
    }
    let successor = SUCCESSORS.iter().find(|(old, _)| *old == name);
    successor.map_or(name, |(_, new)| new)
}

/// Whether the call `name` is among those that a board, perhaps of an ISA without it, has `made`.
pub fn is_made_as(name: &str, made: &BTreeSet<String>) -> bool {
    let successor = SUCCESSORS.iter().find(|(old, _)| *old == name);
    made.contains(name) || successor.is_some_and(|(_, new)| made.contains(*new))
}
