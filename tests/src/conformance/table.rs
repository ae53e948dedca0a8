//! All programs in all modes, as a table.

use super::judge::{Verdict, judge};
use super::mode::Mode;
use super::program::Program;
use super::way::Way;
use super::workers::in_order;

/// Runs all programs in all modes, some at a time, and prints a row for each and what is wrong with
/// it. Answers how many fields of the table differ.
pub fn print(programs: &[Program], modes: &[Mode], jobs: usize, way: &Way) -> usize {
    let width = programs.iter().map(|p| p.path().len()).max().unwrap_or(0);
    let head: Vec<String> = modes.iter().map(Mode::to_string).collect();
    println!("{}", row("", width, modes, &head));
    let mut differ = 0;
    let work = |index: usize| {
        let program: &Program = &programs[index];
        judge(program, modes, way)
    };
    in_order(
        jobs,
        programs.len(),
        work,
        |index, verdicts: Vec<Verdict>| {
            let program = &programs[index];
            let cell =
                |verdict: &Verdict| if verdict.is_ok() { "ok" } else { "DIFFERS" }.to_owned();
            let cells: Vec<String> = verdicts.iter().map(cell).collect();
            println!("{}", row(&program.path(), width, modes, &cells));
            for (mode, verdict) in modes.iter().zip(verdicts) {
                if let Err(what) = verdict {
                    differ += 1;
                    tell(&program.path(), *mode, &what);
                }
            }
        },
    );
    println!(
        "{} programs, {} modes, {differ} differ",
        programs.len(),
        modes.len()
    );
    differ
}

/// What is wrong with a run, and how to have it again.
pub fn tell(program: &str, mode: Mode, what: &str) {
    println!("--- {program}, {mode}: {what}");
    if let Mode::Shuffle(seed) = mode {
        println!("--- again: rtx-conformance --seed {seed} {program}");
    }
}

fn row(name: &str, width: usize, modes: &[Mode], cells: &[String]) -> String {
    let mut line = format!("{name:<width$}");
    for (mode, cell) in modes.iter().zip(cells) {
        let width = mode.to_string().len().max("DIFFERS".len());
        line.push_str(&format!("  {cell:<width$}"));
    }
    line.trim_end().to_owned()
}
