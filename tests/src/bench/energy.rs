//! What `--policy energy` is worth: jobs per kilojoule with a server and three boards on links of 100 Mb/s,
//! against the server alone. Joules are those of the report.
//!
//! The machines are modelled. Home has the first processor, which stands for all of the server's; the three
//! boards share the second, so each is a third as fast as home. Energy is made of watts and processor time.

use super::measure::{TIMEOUT, median};
use super::netns::Star;
use super::results::{Sample, Target};
use crate::agent::free_port;
use crate::report::Report;
use crate::{Agent, Guest, Run};

/// By which the group is asked for.
pub const NAMES: [&str; 4] = [
    "energy_matmul",
    "energy_multireader",
    "energy_refuses",
    "energy_refuses_moves",
];

/// Boards, and child threads of the programs.
const BOARDS: usize = 3;
/// Of each board's cable.
const MBIT: u32 = 100;
/// Idle and busy watts of a server with one Xeon: of the size that published results of SPECpower_ssj2008
/// have.
const SERVER: &str = "60-165";
/// Idle watts of a Raspberry Pi 4 B, and what four busy cores add (the Pi Dramble's measurements, 2.7 and
/// 6.4 W).
const BOARD: (f64, f64) = (2.7, 3.7);
/// A program with this many stays on boards has been tried out and no more.
const PROBE: f64 = 2.0;
/// Home and boards burn their idle watts for the program alone, as the report counts them. Three threads on one
/// processor are three times slower than the policy's measure, a core for each, wherever they are.
const ENERGY: &str = "energy:idle=own,slowdown=10";

/// A program, and the gain it should have.
struct App {
    name: &'static str,
    args: &'static [&'static str],
    /// The policy that leaves all at home.
    alone: &'static str,
    gain: f64,
}

/// The gains that are wanted. Against them the server works alone, without boards that take their idle watts.
const GAIN: [App; 2] = [
    App {
        name: "matmul",
        // Cables carry what grows with the square of that, the work is its cube.
        args: &["--size", "6144"],
        alone: "never",
        gain: 1.18,
    },
    App {
        name: "multireader",
        args: &["--size", "80000000"],
        alone: "never",
        gain: 1.22,
    },
];

/// Its threads hand work to each other all the time.
const LOSER: App = App {
    name: "pipeline",
    args: &["--size", "300000"],
    // The boards are on all the same.
    alone: "static:placement=*@home",
    gain: 0.98,
};
/// The same with less to do: on boards it takes fifty times as long.
const LESS: App = App {
    args: &["--size", "10000"],
    ..LOSER
};
/// Where that would be.
const AWAY: &str = "static:placement=1@b1/2@b2/3@b3";

/// The machines of all runs.
struct Testbed {
    star: Star,
    agents: Vec<Agent>,
}

impl Testbed {
    fn new() -> Self {
        let star = Star::new(BOARDS, MBIT);
        let agents = star.boards.iter().enumerate().map(|(number, machine)| {
            let address = format!("{}:{}", Star::address(number), free_port());
            // A second of the shared processor is a second of each board's.
            let (idle, adds) = BOARD;
            let watts = format!("{idle}-{}", idle + adds * BOARDS as f64);
            let arrange = |run: Run| {
                let run = run.args(["--insecure", "--watts", &watts]);
                machine.enter(run)
            };
            Agent::launch(&format!("b{}", number + 1), &address, arrange)
        });
        let agents = agents.collect();
        Self { star, agents }
    }

    fn report(&self, app: &App, policy: &str) -> Report {
        let boards: Vec<String> = self.agents.iter().map(Agent::address).collect();
        let threads = BOARDS.to_string();
        let run = Run::supervised(Guest::example(app.name).path())
            .flags([
                "--policy",
                policy,
                "--insecure",
                "--boards",
                &boards.join(","),
            ])
            .report()
            .variable("RTX_HOME_WATTS", SERVER)
            .args(app.args.iter().copied())
            .args(["--threads", &threads])
            .timeout(TIMEOUT);
        self.star.home.enter(run).finish().succeeded().report()
    }

    /// Jobs per kilojoule under the policy and at home alone, and how often threads have left.
    fn compare(&self, app: &App, runs: u32) -> (f64, f64, f64) {
        let (mut ours, mut alone, mut offloads) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..runs {
            let report = self.report(app, ENERGY);
            offloads.push(report.offloads() as f64);
            ours.push(jobs_per_kilojoule(&report));
            alone.push(jobs_per_kilojoule(&self.report(app, app.alone)));
        }
        (median(ours), median(alone), median(offloads))
    }
}

fn jobs_per_kilojoule(report: &Report) -> f64 {
    let energy = report.energy.as_ref().expect("watts are known");
    // A counter would have counted all that runs on this machine.
    assert_eq!(energy.source, "modelled");
    1000.0 / energy.joules
}

/// All of them.
pub fn measure(runs: u32) -> Vec<Sample> {
    let testbed = Testbed::new();
    let sample = |name, app: &App, ours, alone| {
        Sample::new(name, ours, alone, "jobs/kJ", runs).target(Target::AtLeast(app.gain))
    };
    let [gain, refuses] = [&NAMES[..2], &NAMES[2..]];
    let mut samples: Vec<Sample> = gain
        .iter()
        .zip(&GAIN)
        .map(|(name, app)| {
            let (ours, alone, _) = testbed.compare(app, runs);
            sample(name, app, ours, alone)
        })
        .collect();
    let [away, home] = [AWAY, LESS.alone].map(|policy| testbed.report(&LESS, policy));
    let lost = jobs_per_kilojoule(&away) / jobs_per_kilojoule(&home);
    assert!(lost < 0.9, "{} does not lose by moving: {lost}", LESS.name);
    let (ours, alone, offloads) = testbed.compare(&LOSER, runs);
    samples.push(sample(refuses[0], &LOSER, ours, alone));
    let moves = Sample::new(refuses[1], offloads, PROBE, "moves", runs);
    samples.push(moves.target(Target::AtMost(1.0)));
    testbed.agents.into_iter().for_each(Agent::stop);
    samples
}
