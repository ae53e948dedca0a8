//! How much memory rtx itself takes while a gigabyte is shared.

use super::measure::{TIMEOUT, median};
use super::results::{Sample, Target};
use crate::agent::Agent;
use crate::procfs::Process;
use crate::{Guest, Run};

/// A program that supervises should fit into this.
const FLOOR_MIB: f64 = 32.0;
const SHARED_MIB: &str = "1024";

fn mib(pid: i32) -> f64 {
    let process = Process::find(pid).expect("it runs");
    process.resident().expect("it has memory") as f64 / f64::from(1 << 20)
}

/// Resident memory of `rtx-run` and of the agent, after the board has read the gigabyte.
fn shared() -> (f64, f64) {
    let agent = Agent::start("bench");
    let mut running = Run::supervised(Guest::test("bench_seq").path())
        .flags(["--policy", "static", "--boards", &agent.address()])
        .args([SHARED_MIB, "hold"])
        .open_input()
        .timeout(TIMEOUT)
        .start();
    running.wait_for_output_within("mb_per_s", TIMEOUT);
    let result = (mib(running.pid()), mib(agent.process().pid));
    running.close_input();
    running.finish().succeeded();
    agent.stop();
    result
}

/// `rss_home` and `rss_board`.
pub fn measure(runs: u32) -> Vec<Sample> {
    let (home, board) = (0..runs).map(|_| shared()).unzip();
    let sample = |name, values| {
        Sample::new(name, median(values), FLOOR_MIB, "MiB", runs).target(Target::AtMost(2.0))
    };
    vec![sample("rss_home", home), sample("rss_board", board)]
}
