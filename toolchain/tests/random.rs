//! Random programs (csmith) are built, compared with another compiler's result, and cross many times.
//! RTX_RANDOM_PROGRAMS says how many (default 200), RTX_RANDOM_SEED with which seed they begin.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Crossings, Numbers, On, Program, directory, rtx_cc, succeed};

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[test]
#[ignore = "takes an hour: run by `make toolchain-random`"]
fn random_programs_cross_unchanged() {
    let mut seed = setting("RTX_RANDOM_SEED", 1);
    // Several runs with seeds of their own may go on at the same time.
    let directory = directory(&format!("random-{seed}"));
    let (mut programs, mut crossings) = (0, 0);
    while programs < setting("RTX_RANDOM_PROGRAMS", 200) {
        let source = generate(&directory, seed);
        if let Some(expected) = reference(&directory, &source) {
            crossings += check(&directory, &source, seed, &expected);
            programs += 1;
            println!("seed {seed}: {programs} programs, {crossings} crossings");
        }
        seed += 1;
    }
    println!("{programs} programs, {crossings} crossings, seeds up to {seed}");
    assert!(crossings > programs, "the programs hardly crossed");
}

fn generate(directory: &Path, seed: u64) -> PathBuf {
    let text = succeed(
        Command::new("csmith")
            .args(["--seed", &seed.to_string()])
            .args([
                "--max-funcs",
                "10",
                "--max-block-depth",
                "4",
                "--no-packed-struct",
            ]),
    );
    let source = directory.join("random.c");
    std::fs::write(&source, text.stdout).unwrap();
    source
}

/// What the program prints when clang builds it; none when it takes too long. Without optimisation too:
/// a loop that never ends and does nothing may be left out, or not.
fn reference(directory: &Path, source: &Path) -> Option<String> {
    let program = directory.join("reference");
    let result = |level: &str| {
        let mut compile = Command::new("clang-19");
        succeed(
            compile
                .args([level, "-w", "-I/usr/include/csmith", "-o"])
                .arg(&program)
                .arg(source),
        );
        let run = Command::new("timeout")
            .arg("1")
            .arg(&program)
            .output()
            .unwrap();
        run.status
            .success()
            .then(|| String::from_utf8(run.stdout).unwrap())
    };
    result("-O0").filter(|text| result("-O1").as_ref() == Some(text))
}

/// Builds the program and lets it cross; how often it did.
fn check(directory: &Path, source: &Path, seed: u64, expected: &str) -> u64 {
    let path = directory.join("random");
    succeed(
        rtx_cc()
            .args(["-O2", "-w", "-frtx-selftest", "-I/usr/include/csmith", "-o"])
            .arg(&path)
            .arg(source),
    );
    let program = Program::at(&path);
    for on in [On::X86, On::Arm] {
        let run = program.run(on, &[]);
        assert_eq!(
            (run.status, run.out.as_str()),
            (Some(0), expected),
            "seed {seed} on {on:?}"
        );
    }
    let run = program.run(On::X86, &[("INPLACE", "3")]);
    assert_eq!(
        (run.status, run.out.as_str()),
        (Some(0), expected),
        "seed {seed}, in place"
    );
    let points = program.points();
    let mut numbers = Numbers(seed);
    (0..4)
        .map(|turn| {
            let how = Crossings {
                from: if turn % 2 == 0 { On::X86 } else { On::Arm },
                first: numbers.below(points),
                stride: points / 4,
                what: &format!("seed {seed}"),
            };
            program.cross_many(directory, &how, &mut numbers, expected)
        })
        .sum()
}
