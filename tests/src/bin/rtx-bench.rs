//! The benchmarks: `rtx-bench [--runs N] [NAME...]`. See `docs/testing.md`.

use std::panic::catch_unwind;
use std::process::ExitCode;

use rtx_tests::bench::results::{append, file, head};
use rtx_tests::bench::{GROUPS, Group, crowd, floor};

const USAGE: &str = "Usage: rtx-bench [--runs N] [NAME...]

Measures rtx against what the machine gives without it, prints a table and appends a JSON line
for each benchmark to target/bench/results.jsonl. NAME is one of those below, or its beginning;
without any, all are measured but those that take long (congestion, energy).

  --runs N    medians of N runs (default 5)
  --floors    only what the network between two namespaces gives
  --help      show this help
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["floor-serve", address] => floor::serve(address),
        ["floor-ping", address] => floor::ping(address),
        ["floor-pull", address, bytes] => floor::pull(address, bytes.parse().expect("a number")),
        ["spin"] => crowd::spin(),
        ["--help" | "-h"] => help(),
        ["--floors"] => print!("{}", rtx_tests::bench::network_floors()),
        ["--runs", number, ref names @ ..] => match number.parse() {
            Ok(runs) if runs > 0 => return measure(names, runs),
            _ => return misuse(&format!("--runs takes a number, not '{number}'")),
        },
        ref names => return measure(names, 5),
    }
    ExitCode::SUCCESS
}

fn help() {
    print!("{USAGE}");
    for group in &GROUPS {
        println!("\n  {}:\n    {}", group.about, group.names.join(" "));
    }
}

fn misuse(text: &str) -> ExitCode {
    eprintln!("rtx-bench: {text}. See rtx-bench --help");
    ExitCode::from(2)
}

fn is_named(group: &Group, name: &str) -> bool {
    group.names.iter().any(|known| known.starts_with(name))
}

/// Measures the groups that have a named benchmark. One that fails does not keep the others from
/// being measured.
fn measure(names: &[&str], runs: u32) -> ExitCode {
    if let Some(name) = names
        .iter()
        .find(|name| !GROUPS.iter().any(|g| is_named(g, name)))
    {
        return misuse(&format!("there is no benchmark '{name}'"));
    }
    let chosen = |group: &&Group| match names.is_empty() {
        true => !group.on_request,
        false => names.iter().any(|name| is_named(group, name)),
    };
    let mut failed: Vec<&str> = Vec::new();
    println!("{}", head());
    for group in GROUPS.iter().filter(chosen) {
        let Ok(samples) = catch_unwind(|| (group.measure)(runs)) else {
            failed.extend(group.names);
            continue;
        };
        for sample in &samples {
            println!("{}", sample.row());
            if let Err(error) = append(sample) {
                eprintln!("rtx-bench: cannot write {}: {error}", file().display());
                return ExitCode::FAILURE;
            }
        }
    }
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("rtx-bench: could not measure {}", failed.join(", "));
    ExitCode::FAILURE
}
