//! The example programs and edge cases, built by rtx-cc, compute what another compiler's programs compute:
//! natively, on aarch64, and while their threads leave and come back all the time.

mod support;

use std::path::Path;
use std::process::Command;

use support::{On, Program, directory, source, succeed};

fn reference(directory: &Path, file: &Path) -> String {
    let program = directory.join("reference");
    let mut compile = Command::new("gcc");
    compile
        .args(["-O1", "-w", "-pthread", "-ffp-contract=off", "-o"])
        .arg(&program)
        .arg(file)
        .arg("-lm");
    succeed(&mut compile);
    String::from_utf8(succeed(&mut Command::new(&program)).stdout).unwrap()
}

#[test]
fn examples_compute_the_same_everywhere() {
    let directory = directory("examples");
    for entry in std::fs::read_dir(source("../examples")).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|end| end != "c") {
            continue;
        }
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let program = Program::build(&directory, &name, &[&file], &["-pthread", "-lm"]);
        let expected = last_line(&program.run(On::X86, &[]).out);
        assert!(expected.starts_with("checksum: "), "{name}: {expected}");
        assert_eq!(
            last_line(&reference(&directory, &file)),
            expected,
            "{name}, another compiler"
        );
        for (on, settings) in [
            (On::Arm, &[][..]),
            (On::X86, &[("INPLACE", "3")]),
            (On::X86, &[("INPLACE", "101")]),
            (On::Arm, &[("INPLACE", "211")]),
        ] {
            let run = program.run(on, settings);
            assert_eq!(
                (run.status, last_line(&run.out)),
                (Some(0), expected.clone()),
                "{name} {on:?} {settings:?}: {}",
                run.err
            );
        }
    }
}

fn last_line(text: &str) -> String {
    text.trim_end()
        .lines()
        .last()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn loops_end_where_they_should() {
    let directory = directory("loops");
    let file = source("tests/programs/loops.c");
    let program = Program::build(&directory, "loops", &[&file], &[]);
    let expected = reference(&directory, &file);
    for on in [On::X86, On::Arm] {
        assert_eq!(program.run(on, &[]).out, expected);
        assert_eq!(program.run(on, &[("INPLACE", "1")]).out, expected);
    }
}
