//! Backtraces of programs that were built and run for it, on both instruction sets.

mod trace_subject;

use proptest::prelude::*;
use rtx_runtime::trace::{End, MAX_FRAMES, Program, Snapshot, backtrace};
use trace_subject::{Subject, shown};

const ISAS: [&str; 2] = ["x86_64", "aarch64"];
const FLAGS: [&[&str]; 3] = [
    &["-g", "-O0"],
    &["-g", "-O2"],
    // The other section for the same thing.
    &["-g", "-O1", "-fno-asynchronous-unwind-tables"],
];

/// Recursion to a depth, as it is shown.
fn recursion(depth: usize) -> Vec<String> {
    let mut expected = vec!["leaf bare.c:13", "folded bare.c:19", "recurse bare.c:30"];
    expected.extend(vec!["recurse bare.c:28"; depth]);
    expected.into_iter().map(ToOwned::to_owned).collect()
}

/// Every expected frame is there, in this order; between them may be others, which have no line.
fn check(trace: &rtx_runtime::trace::Backtrace, expected: &[String], what: &str) {
    let shown = shown(trace);
    let with_line: Vec<&String> = shown.iter().filter(|f| f.contains(".c:")).collect();
    let ours = with_line
        .iter()
        .filter(|f| !f.contains("begin") && !f.contains("main"));
    let ours: Vec<&str> = ours.map(|f| f.as_str()).collect();
    assert_eq!(ours, expected, "{what}:\n{trace}");
}

#[test]
fn both_instruction_sets_give_function_file_and_line() {
    for isa in ISAS {
        for flags in FLAGS {
            let subject = Subject::bare(isa, flags);
            let what = format!("{isa} {flags:?}");
            for depth in [0, 7, 60] {
                let trace = subject.backtrace(&["0", &depth.to_string()]);
                check(&trace, &recursion(depth), &what);
                assert_eq!(trace.end, End::Bottom, "{what}:\n{trace}");
                assert!(
                    trace.frames[1].inlined && !trace.frames[2].inlined,
                    "{what}"
                );
                assert!(trace.frames.iter().all(|f| !f.guessed), "{what}:\n{trace}");
            }
        }
    }
}

#[test]
fn functions_of_which_nothing_is_known_are_passed() {
    for isa in ISAS {
        for flags in FLAGS {
            let subject = Subject::bare(isa, flags);
            for (way, caller) in [
                ("1", "through_blind bare.c:36"),
                ("2", "through_jump bare.c:42"),
                ("3", "sized bare.c:50"),
            ] {
                let trace = subject.backtrace(&[way, "5"]);
                let mut expected = recursion(5);
                expected.push(caller.into());
                check(&trace, &expected, &format!("{isa} {flags:?} {way}"));
                let shown = shown(&trace);
                assert!(
                    shown.iter().any(|f| f == "_start"),
                    "{isa} {flags:?} {way}:\n{trace}"
                );
            }
        }
    }
}

#[test]
fn a_call_of_nowhere_and_a_signals_handler_are_seen_through() {
    for isa in ISAS {
        for flags in FLAGS {
            let subject = Subject::bare(isa, flags);
            let what = format!("{isa} {flags:?}");
            let trace = subject.backtrace(&["4", "5"]);
            assert_eq!(trace.frames[0].address, 0, "{what}");
            check(&trace, &["null_call bare.c:57".into()], &what);
            let trace = subject.backtrace(&["5", "5"]);
            let shown = shown(&trace);
            let position = |name: &str| {
                let found = shown.iter().position(|f| f.starts_with(name));
                found.unwrap_or_else(|| panic!("{what}: no {name}:\n{trace}"))
            };
            assert!(
                position("handler bare.c:84") < position("restore"),
                "{what}:\n{trace}"
            );
            assert!(
                position("restore") < position("interrupted bare.c:"),
                "{what}:\n{trace}"
            );
        }
    }
}

#[test]
fn endless_recursion_is_cut() {
    let subject = Subject::bare("x86_64", &["-g", "-O1"]);
    let trace = subject.backtrace(&["0", "400"]);
    assert_eq!(trace.end, End::TooMany);
    assert_eq!(trace.frames.len(), MAX_FRAMES + 1, "one is inlined");
    let text = trace.to_string();
    assert!(text.lines().count() < 10, "recursion is one line:\n{text}");
}

#[test]
fn a_stripped_program_gives_addresses() {
    for isa in ISAS {
        let subject = Subject::bare(isa, &["-g", "-O2"]);
        let whole = subject.backtrace(&["0", "7"]);
        subject.strip();
        let trace = subject.backtrace(&["0", "7"]);
        assert!(
            trace
                .frames
                .iter()
                .all(|f| f.function.is_none() && f.file.is_none())
        );
        let addresses = |trace: &rtx_runtime::trace::Backtrace| -> Vec<u64> {
            let own = trace.frames.iter().filter(|f| !f.inlined);
            own.map(|f| f.address).collect()
        };
        let (ours, theirs) = (addresses(&trace), addresses(&whole));
        assert_eq!(ours[..9], theirs[..9], "{isa}:\n{trace}");
        assert!(trace.to_string().starts_with("#0 0x"));
    }
}

#[test]
fn a_stack_that_is_elsewhere_ends_a_trace() {
    for isa in ISAS {
        let subject = Subject::bare(isa, &["-g", "-O0"]);
        let (entry, mut snapshot) = subject.snapshot(&["0", "30"]);
        let file = subject.file();
        let program = Program::parse(&file, Some(entry)).unwrap();
        snapshot.stack.truncate(512);
        let trace = backtrace(&program, &snapshot).unwrap();
        assert_eq!(trace.end, End::Memory);
        assert!((3..30).contains(&trace.frames.len()), "{trace}");
        assert!(
            trace
                .to_string()
                .ends_with("(the rest of its stack is not here)")
        );
        snapshot.stack.clear();
        let trace = backtrace(&program, &snapshot).unwrap();
        assert_eq!(shown(&trace)[0], "leaf bare.c:13");
        snapshot.registers.pop();
        assert_eq!(backtrace(&program, &snapshot), None);
    }
}

/// musl keeps no unwind tables, and a thread that waits is always in it.
#[test]
fn threads_are_found_where_they_wait_in_musl() {
    for flags in [&["-g", "-O0"][..], &["-g", "-O2"]] {
        let subject = Subject::hosted(flags);
        for (way, expected) in [
            ("s", &["compare hosted.c:21", "sorts hosted.c:30"][..]),
            ("w", &["waits hosted.c:37"]),
            ("t", &["waits hosted.c:37", "worker hosted.c:46"]),
            ("j", &["joins hosted.c:54"]),
            ("a", &["gives_up hosted.c:60"]),
        ] {
            let expected: Vec<String> = expected.iter().map(|&f| f.to_owned()).collect();
            let trace = subject.backtrace(&[way]);
            check(&trace, &expected, &format!("{flags:?} {way}"));
        }
    }
}

/// Registers and stacks of a broken program are arbitrary, and so is what a board sends.
#[test]
fn garbage_neither_panics_nor_loops() {
    for isa in ISAS {
        let subject = Subject::bare(isa, &["-g", "-O1"]);
        let file = subject.file();
        let (entry, real) = subject.snapshot(&["3", "3"]);
        let program = Program::parse(&file, Some(entry)).unwrap();
        let stack_word = prop_oneof![
            3 => any::<u64>(),
            3 => (0..0x3000u64).prop_map(move |n| (entry & !0xfff) + n),
            3 => (0..0x400u64).prop_map({ let sp = real.sp; move |n| sp + 8 * n }),
            1 => Just(0),
        ];
        let size = real.registers.len() / 8;
        let registers = proptest::collection::vec(stack_word.clone(), size);
        let stack = proptest::collection::vec(stack_word, 0..600);
        let strategy = (registers, stack, any::<bool>());
        let bytes = |words: Vec<u64>| {
            words
                .into_iter()
                .flat_map(u64::to_le_bytes)
                .collect::<Vec<u8>>()
        };
        let mut runner = proptest::test_runner::TestRunner::default();
        runner
            .run(&strategy, |(registers, stack, keep)| {
                let snapshot = Snapshot {
                    registers: if keep {
                        real.registers.clone()
                    } else {
                        bytes(registers)
                    },
                    sp: real.sp,
                    stack: bytes(stack),
                };
                let trace = backtrace(&program, &snapshot).unwrap();
                prop_assert!(!trace.frames.is_empty());
                let own = trace.frames.iter().filter(|f| !f.inlined).count();
                prop_assert!(own <= MAX_FRAMES);
                let _ = trace.to_string();
                Ok(())
            })
            .unwrap();
    }
}

#[test]
fn damaged_files_neither_panic_nor_loop() {
    for isa in ISAS {
        let subject = Subject::bare(isa, &["-g", "-O1"]);
        let file = subject.file();
        let (entry, snapshot) = subject.snapshot(&["0", "3"]);
        let mut runner = proptest::test_runner::TestRunner::default();
        let damage = proptest::collection::vec((0..file.len(), any::<u8>()), 1..40);
        runner
            .run(&damage, |changes| {
                let mut damaged = file.clone();
                for (at, value) in changes {
                    damaged[at] = value;
                }
                if let Ok(program) = Program::parse(&damaged, Some(entry)) {
                    let _ = backtrace(&program, &snapshot).map(|trace| trace.to_string());
                }
                Ok(())
            })
            .unwrap();
    }
    assert!(Program::parse(b"", None).is_err());
    assert!(Program::parse(b"#!/bin/sh\n", None).is_err());
}
