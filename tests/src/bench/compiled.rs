//! What equivalence points cost a program that stays where it is: programs of rtx-cc against the same compiled
//! by clang -O2 and linked with musl. Processor time, since the machine may be shared.

use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::resource::{UsageWho, getrusage};

use super::measure::{least, median};
use super::results::{Sample, Target};
use crate::{Run, checkout};

/// What both are compiled with.
const FLAGS: [&str; 5] = ["-std=gnu11", "-O2", "-ffp-contract=off", "-pthread", "-w"];

struct Bench {
    /// Its medians' name, and that of its fastest runs.
    names: [&'static str; 2],
    source: &'static str,
    arguments: &'static [&'static str],
    limit: f64,
}

const ALL: [Bench; 5] = [
    Bench {
        names: ["cc_matmul", "cc_matmul_min"],
        source: "examples/matmul.c",
        arguments: &["--threads", "1", "--size", "1536"],
        limit: 1.03,
    },
    Bench {
        names: ["cc_blackscholes", "cc_blackscholes_min"],
        source: "examples/blackscholes.c",
        arguments: &["--threads", "1", "--size", "65536"],
        limit: 1.03,
    },
    Bench {
        names: ["cc_stencil", "cc_stencil_min"],
        source: "examples/stencil.c",
        arguments: &["--threads", "1", "--size", "1024", "--sweeps", "1000"],
        limit: 1.03,
    },
    Bench {
        names: ["cc_textsearch", "cc_textsearch_min"],
        source: "examples/textsearch.c",
        arguments: &["--threads", "1", "--size", "262144"],
        limit: 1.05,
    },
    Bench {
        names: ["cc_calls", "cc_calls_min"],
        source: "tests/guests/bench_calls.c",
        arguments: &["--depth", "40"],
        limit: 1.25,
    },
];

/// The names of the benchmarks.
pub const NAMES: [&str; 10] = {
    let mut names = [""; 10];
    let mut i = 0;
    while i < ALL.len() {
        names[2 * i] = ALL[i].names[0];
        names[2 * i + 1] = ALL[i].names[1];
        i += 1;
    }
    names
};

/// Runs both in turn; medians, and the fastest of each.
pub fn measure(runs: u32) -> Vec<Sample> {
    ALL.iter().flat_map(|bench| compare(bench, runs)).collect()
}

fn compare(bench: &Bench, runs: u32) -> [Sample; 2] {
    let (ours, floor) = build(bench.source);
    let seconds = |program: &Path| {
        let before = children();
        let run = Run::native(program).args(bench.arguments.iter().copied());
        run.timeout(super::measure::TIMEOUT).finish().succeeded();
        children() - before
    };
    // The first of each reads the program.
    let (_, _) = (seconds(&ours), seconds(&floor));
    let pairs = (0..runs).map(|_| (seconds(&ours), seconds(&floor)));
    let (ours, floor): (Vec<f64>, Vec<f64>) = pairs.unzip();
    let sample = |name, ours, floor| {
        Sample::new(name, ours, floor, "s", runs).target(Target::AtMost(bench.limit))
    };
    [
        sample(bench.names[0], median(ours.clone()), median(floor.clone())),
        sample(bench.names[1], least(&ours), least(&floor)),
    ]
}

/// Processor time of the children that have ended.
fn children() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("getrusage knows children");
    let seconds = |t: nix::sys::time::TimeVal| t.tv_sec() as f64 + t.tv_usec() as f64 / 1e6;
    seconds(usage.user_time()) + seconds(usage.system_time())
}

/// Compiles a source by rtx-cc, and by clang with the distribution's musl.
fn build(source: &str) -> (PathBuf, PathBuf) {
    let root = checkout::root();
    let directory = root.join("target/bench/compiled");
    std::fs::create_dir_all(&directory).expect("target can be written");
    let name = Path::new(source).file_stem().expect("a name");
    let (ours, floor) = (
        directory.join(name),
        directory.join(name).with_extension("clang"),
    );
    let object = floor.with_extension("o");
    let compiler = std::env::var_os("RTX_CC").unwrap_or(root.join("target/release/rtx-cc").into());
    let compile = |program: &std::ffi::OsStr| {
        let mut command = Command::new(program);
        command.args(FLAGS).arg("-I").arg(root.join("examples"));
        command.arg(root.join(source));
        command
    };
    must(compile(&compiler).arg("-lm").arg("-o").arg(&ours));
    let resources = Command::new("clang-19").arg("-print-resource-dir").output();
    let resources = resources.expect("clang-19 runs; install it").stdout;
    let headers = format!("{}/include", String::from_utf8_lossy(&resources).trim_end());
    must(
        compile("clang-19".as_ref())
            .args(["--target=x86_64-linux-musl", "-fno-pic", "-c", "-nostdinc"])
            .args([
                "-isystem",
                &headers,
                "-isystem",
                "/usr/include/x86_64-linux-musl",
            ])
            .arg("-o")
            .arg(&object),
    );
    must(
        Command::new("musl-gcc")
            .args(["-static", "-no-pie", "-pthread"])
            .arg(&object)
            .arg("-lm")
            .arg("-o")
            .arg(&floor),
    );
    (ours, floor)
}

fn must(command: &mut Command) {
    let status = command.status();
    let ended = status.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(ended.success(), "{command:?} failed");
}
