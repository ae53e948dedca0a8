//! That `--policy congestion` never costs much: every example on a busy machine, under the policy and at home alone.

use super::crowd::{Crowd, at_home, beside_home};
use super::measure::median;
use super::results::{Sample, Target};
use crate::{Guest, Run};

/// Jobs that run beside the program.
const BESIDE: usize = 2;

/// The examples, with what makes each use some seconds of a processor.
const EXAMPLES: [(&str, &str, &[&str]); 10] = [
    (
        "blackscholes",
        "congested_blackscholes",
        &["--size", "393216"],
    ),
    ("matmul", "congested_matmul", &["--size", "1536"]),
    (
        "multireader",
        "congested_multireader",
        &["--size", "25000000"],
    ),
    (
        "multiwriter",
        "congested_multiwriter",
        &["--size", "200000"],
    ),
    ("pipeline", "congested_pipeline", &["--size", "80000"]),
    ("printer", "congested_printer", &["--size", "4000"]),
    (
        "singlewriter",
        "congested_singlewriter",
        &["--size", "40000"],
    ),
    (
        "stackshare",
        "congested_stackshare",
        &["--size", "1024", "--work", "2000000"],
    ),
    (
        "stencil",
        "congested_stencil",
        &["--size", "2048", "--sweeps", "400"],
    ),
    ("textsearch", "congested_textsearch", &["--size", "524288"]),
];

/// By which the group is asked for.
pub const NAMES: [&str; 1] = ["congested"];

/// A sample for each example.
pub fn measure(runs: u32) -> Vec<Sample> {
    let (agent, board) = beside_home();
    let crowd = Crowd::of(BESIDE);
    let seconds = |run: Run, args: &[&str]| {
        let run = run.args(args.iter().copied()).args(["--threads", "4"]);
        let outcome = at_home(run).finish();
        let outcome = outcome.succeeded();
        (outcome.wall().as_secs_f64(), outcome.stdout())
    };
    let samples = EXAMPLES.map(|(example, name, args)| {
        let guest = Guest::example(example);
        let pair = |_| {
            let (alone, expected) = seconds(Run::native(guest.path()), args);
            let policy = ["--policy", "congestion", "--boards", &board];
            let (ours, printed) = seconds(Run::supervised(guest.path()).flags(policy), args);
            assert_eq!(printed, expected, "{example} prints what it prints at home");
            (1.0 / ours, 1.0 / alone)
        };
        let (ours, alone): (Vec<f64>, Vec<f64>) = (0..runs).map(pair).unzip();
        let sample = Sample::new(name, median(ours), median(alone), "jobs/s", runs);
        sample.target(Target::AtLeast(0.95))
    });
    drop(crowd);
    agent.stop();
    samples.into()
}
