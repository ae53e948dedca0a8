//! What must hold for frames while signal handlers run and jumps are made.

mod support;

use std::path::Path;
use std::process::Command;

use support::{On, Program, directory, source, succeed};

#[test]
fn handlers_leave_the_locals_of_what_they_interrupt_alone() {
    let directory = directory("handlers");
    let file = source("tests/programs/handlers.c");
    let program = Program::build(&directory, "handlers", &[&file], &[]);
    for on in [On::X86, On::Arm] {
        for settings in [&[][..], &[("INPLACE", "7")]] {
            let run = program.run(on, settings);
            assert_eq!(
                (run.status, run.out.as_str()),
                (Some(0), "0\n"),
                "{on:?} {settings:?}: {}",
                run.err
            );
        }
    }
}

#[test]
fn only_divisions_that_are_made_are_looked_at() {
    // That they trap is tested on a real kernel (tests/conformance/signals/divisions.c); qemu takes the signal for its own.
    let directory = directory("divisions");
    let build = |name: &str, what: &str| {
        let source = directory.join(name).with_extension("c");
        let text =
            format!("int main(int n, char **v) {{ int zero = n - 1; (void)v; return {what}; }}");
        std::fs::write(&source, text).unwrap();
        let program = Program::build(&directory, name, &[&source], &["-O2"]);
        let looks = |path: &Path| {
            let mut disassembler = Command::new("llvm-objdump-19");
            disassembler.args(["-d", "--disassemble-symbols=__rtx_user_main"]);
            let code = succeed(disassembler.arg(path)).stdout;
            let code = String::from_utf8_lossy(&code);
            assert!(code.contains("<__rtx_user_main>:"), "{code}");
            code.contains("<__rtx_division_traps>")
        };
        let other = program.path().with_extension("aarch64");
        assert!(!looks(program.path()), "{name}");
        (program, looks(&other))
    };
    let (made, looks) = build("made", "4321 / (zero + 2) % (zero + 3)");
    assert!(looks);
    let (unwanted, looks) = build("unwanted", "0 * (n / zero)");
    assert!(!looks);
    let (constant, looks) = build("constant", "n / 7 + n % 9");
    assert!(!looks);
    for on in [On::X86, On::Arm] {
        for (program, status) in [(&made, 0), (&unwanted, 0), (&constant, 1)] {
            assert_eq!(program.run(on, &[]).status, Some(status), "{on:?}");
        }
    }
}

#[test]
fn computed_gotos_lead_to_divisions() {
    let directory = directory("gotos");
    let source = directory.join("gotos.c");
    let text = r#"
        #include <stdio.h>
        static const int ways[] = {0, 1, 0, 2, 1, 0, 2, 3};
        static int calculate(int n, int by) {
            static void *const to[] = {&&divide, &&remain, &&add, &&out};
            const int *way = ways;
            int sum = 0;
            goto *to[*way++];
        divide: sum += n / by; by++; goto *to[*way++];
        remain: sum += n % by; n -= 3; goto *to[*way++];
        add: sum += by; goto *to[*way++];
        out: return sum;
        }
        int main(int argc, char **argv) { (void)argv; printf("%d\n", calculate(1000 * argc, argc + 6)); return 0; }
    "#;
    std::fs::write(&source, text).unwrap();
    let program = Program::build(&directory, "gotos", &[&source], &["-O2", "-w"]);
    let run = program.run(On::X86, &[]);
    // 1000 / 7, 1000 % 8, 997 / 8, 9, 997 % 9, 994 / 9, 10
    assert_eq!(
        (run.status, run.out.as_str()),
        (Some(0), "402\n"),
        "{run:?}"
    );
    assert_eq!(program.run(On::Arm, &[]), run);
}

#[test]
fn a_jump_to_the_other_instruction_set_ends_the_program() {
    let directory = directory("jumps");
    let file = source("tests/programs/jumps.c");
    let program = Program::build(&directory, "jumps", &[&file], &[]);
    let whole = program.run(On::X86, &[]);
    assert_eq!((whole.status, whole.out.as_str()), (Some(0), "right\n"));
    for from in [On::X86, On::Arm] {
        // A jump within the new instruction set is right.
        let dump = directory.join("dump");
        assert_eq!(program.cross(from, 50, &dump), whole, "from {from:?}");
        let jumping = program.clone().with(&["jump"]);
        let run = jumping.cross(from, 50, &dump);
        assert_eq!((run.status, run.out.as_str()), (Some(99), "right\n"));
        assert!(
            run.err.contains("setjmp marked on another instruction set"),
            "{}",
            run.err
        );
    }
}

#[test]
fn processes_begin_as_they_should_without_a_supervisor() {
    let directory = directory("forks");
    let file = source("tests/programs/forks.c");
    let program = Program::build(&directory, "forks", &[&file], &[]);
    let expected = "fork 6\nvfork 45\nposix_spawn 0 7\nposix_spawnp 0 7\nsystem 3\nrun 4\npopen 1 0\nclone 15\n\
                    clone of memory 15\nnumber 6\n3 fcc\n";
    for (on, settings) in [
        (On::X86, &[][..]),
        (On::X86, &[("INPLACE", "1")]),
        (On::Arm, &[]),
    ] {
        let run = program.run(on, settings);
        // aarch64's kernel has no fork by number, and qemu makes a fork of vfork.
        let expected = if on == On::Arm {
            expected
                .replace("number 6", "number -1")
                .replace("vfork 45", "vfork 5")
        } else {
            expected.to_owned()
        };
        assert_eq!(
            (run.status, run.out.as_str()),
            (Some(0), expected.as_str()),
            "{on:?} {settings:?}: {}",
            run.err
        );
    }
}

#[test]
fn threads_resume_with_nothing_but_the_contract_on_both_instruction_sets() {
    let directory = directory("resume");
    for (name, options) in [("threads", &["-pthread"][..]), ("mixed", &[])] {
        let file = source(&format!("tests/programs/{name}.c"));
        let program = Program::build(&directory, name, &[&file], options);
        let whole = program.run(On::X86, &[]);
        assert_eq!(whole.status, Some(0), "{whole:?}");
        for on in [On::X86, On::Arm] {
            let run = program.run(on, &[("INPLACE", "20"), ("JUMP", "1")]);
            assert_eq!(run, whole, "{name} on {on:?}");
        }
    }
}
