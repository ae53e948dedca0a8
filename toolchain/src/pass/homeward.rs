//! The way home before a fork. A process that is forked begins at home, on home's instruction set; so a thread
//! that runs on a board of another must be at home before it forks. The runtime's `__rtx_go_home`, whose
//! loop has an equivalence point, sees to that; here it is called before each call that forks.
//!
//! A function that cannot migrate cannot leave either: where one may fork, directly or through others
//! like it, its callers go home before they call it.

use std::collections::HashSet;

use super::pins;
use crate::ir::{Builder, Function, Instruction, Module};

/// The runtime's function, among the objects that have equivalence points.
pub const GO_HOME: &str = "__rtx_go_home";

/// Functions of libc that fork.
const FORKING: [&str; 11] = [
    "fork",
    "_Fork",
    "vfork",
    "clone",
    "posix_spawn",
    "posix_spawnp",
    "system",
    "popen",
    "daemon",
    "forkpty",
    "wordexp",
];

/// Functions of libc for which, or for what they begin, threads must be at home: memory that boards cannot have,
/// priority-inheriting mutexes, timers and limits by CPU time.
const KEPT_HOME: [&str; 8] = [
    "shmat",
    "sem_open",
    "timer_create",
    "setitimer",
    "setrlimit",
    "prlimit",
    "pthread_mutexattr_setprotocol",
    "pkey_mprotect",
];

/// Functions of libc that open files, and which argument is the path: memory opened as a file is used at home.
const OPENING: [(&str, usize); 4] = [("open", 0), ("openat", 1), ("fopen", 0), ("freopen", 0)];

/// `PROT_EXEC` (asm-generic/mman-common.h): what is made executable at run time is code of home's instruction set.
const PROT_EXEC: i64 = 4;

/// `MAP_SHARED`, and its part of `MAP_SHARED_VALIDATE` (asm-generic/mman-common.h).
const MAP_SHARED: i64 = 1;

/// Whether a program that names `symbol` may need the way home for it.
pub fn forks(symbol: &str) -> bool {
    FORKING.contains(&symbol)
        || KEPT_HOME.contains(&symbol)
        || ["syscall", "mmap", "mprotect"].contains(&symbol)
        || OPENING.iter().any(|(name, _)| *name == symbol)
}

/// What `syscall()` makes at home, by x86-64's numbers: calls that fork, calls that aarch64's kernel does not have,
/// calls whose flags or structures it has in another form, userfaultfd, and protection keys.
const AT_HOME: [std::ops::RangeInclusive<i64>; 41] = [
    2..=2,
    4..=7,
    21..=23,
    33..=34,
    37..=37,
    56..=58,
    66..=66,
    72..=72,
    78..=78,
    82..=90,
    92..=92,
    94..=94,
    111..=111,
    132..=134,
    136..=136,
    139..=139,
    154..=154,
    156..=156,
    158..=158,
    172..=174,
    177..=178,
    181..=185,
    201..=201,
    205..=205,
    211..=211,
    213..=215,
    222..=222,
    232..=233,
    235..=236,
    253..=253,
    257..=257,
    261..=262,
    281..=282,
    284..=284,
    304..=304,
    323..=323,
    329..=331,
    425..=427,
    435..=435,
    437..=437,
    441..=441,
];

/// Inserts the way home in a whole program.
pub fn insert(module: &Module) {
    let Some(go_home) = module.function(GO_HOME) else {
        return;
    };
    let builder = Builder::new(module);
    let bodies: Vec<Function> = module
        .functions()
        .into_iter()
        .filter(|f| !f.is_declaration() && *f != go_home)
        .collect();
    let (fixed, able): (Vec<Function>, Vec<Function>) = bodies.into_iter().partition(is_fixed);
    let calls = |function: &Function| -> Vec<Instruction> {
        function
            .instructions()
            .into_iter()
            .filter(|i| i.is_call())
            .collect()
    };
    let mut forking: HashSet<Function> = HashSet::new();
    loop {
        // All that is called below a function that cannot migrate is held with it.
        let found: Vec<Function> = fixed
            .iter()
            .chain(&able)
            .copied()
            .filter(|f| !forking.contains(f))
            .filter(|f| {
                calls(f)
                    .into_iter()
                    .any(|call| leads_to_fork(call, &forking))
            })
            .collect();
        if found.is_empty() {
            break;
        }
        forking.extend(found);
    }
    let fixed: HashSet<Function> = fixed.into_iter().filter(|f| forking.contains(f)).collect();
    let ty = go_home.ty();
    for function in able {
        for call in calls(&function) {
            if leads_to_fork(call, &fixed) && !call.is_musttail() {
                builder.before(call);
                builder.locate_like(call);
                builder.call(ty, go_home.as_value(), &[]);
            }
        }
    }
}

fn is_fixed(function: &Function) -> bool {
    function.note(pins::FIXED).is_some() || function.note(pins::OWN_ISA).is_some()
}

/// Whether a call forks, or is one of a function among `known`.
fn leads_to_fork(call: Instruction, known: &HashSet<Function>) -> bool {
    let Some(callee) = call.called_function() else {
        return false;
    };
    if known.contains(&callee) {
        return true;
    }
    if !callee.is_declaration() {
        return false;
    }
    let name = callee.name();
    if name == "syscall" {
        let number = call.arguments().first().and_then(|n| n.as_integer());
        return number.is_some_and(|n| AT_HOME.iter().any(|range| range.contains(&n)));
    }
    if ["mmap", "mprotect"].contains(&name.as_str()) {
        let arguments = call.arguments();
        let number = |at: usize| arguments.get(at).and_then(|n| n.as_integer());
        // Flags that are not known may be these.
        let may_share = |flags: i64| flags & MAP_SHARED != 0;
        let shares = arguments.len() > 3 && number(3).is_none_or(may_share);
        return shares || number(2).is_some_and(|protection| protection & PROT_EXEC != 0);
    }
    if let Some((_, at)) = OPENING.iter().find(|(opening, _)| *opening == name) {
        let path = call.arguments().get(*at).and_then(|p| p.as_global());
        return path
            .and_then(|p| p.text())
            .is_some_and(|path| opens_memory(&path));
    }
    FORKING.contains(&name.as_str()) || KEPT_HOME.contains(&name.as_str())
}

/// Whether the file with this path is memory, for which all threads must be at home. Of a path that is made while the
/// program runs nobody knows.
fn opens_memory(path: &[u8]) -> bool {
    let path = path.strip_suffix(b"\0").unwrap_or(path);
    let in_proc = path.starts_with(b"/proc/");
    let memory = [b"/mem".as_slice(), b"/pagemap", b"/clear_refs"];
    in_proc && memory.iter().any(|name| path.ends_with(name)) || path == b"/dev/userfaultfd"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_known_by_its_path() {
        for path in [
            "/proc/self/mem\0",
            "/proc/self/task/7/pagemap\0",
            "/dev/userfaultfd\0",
        ] {
            assert!(opens_memory(path.as_bytes()), "{path}");
        }
        for path in [
            "/proc/self/maps\0",
            "/dev/mem\0",
            "/tmp/x/mem\0",
            "mem\0",
            "",
        ] {
            assert!(!opens_memory(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn the_numbers_are_those_that_fork_or_that_aarch64_lacks() {
        let at_home = |n: i64| AT_HOME.iter().any(|range| range.contains(&n));
        for (name, number) in [
            ("open", 2),
            ("stat", 4),
            ("clone", 56),
            ("fork", 57),
            ("vfork", 58),
            ("poll", 7),
            ("eventfd", 284),
            ("clone3", 435),
            ("fstat", 5),
        ] {
            assert!(at_home(number), "{name}");
        }
        for (name, number) in [("read", 0), ("futex", 202), ("gettid", 186), ("mmap", 9)] {
            assert!(!at_home(number), "{name}");
        }
    }
}
