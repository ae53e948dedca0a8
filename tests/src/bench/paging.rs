//! Pages over a network: the latency of one, the throughput of many.

use super::floor::Place;
use super::measure::{TIMEOUT, in_turn};
use super::netns::{BOARD, HOME, Network};
use super::results::{Sample, Target};
use crate::agent::Agent;
use crate::{Guest, Outcome, Run};

const PORT: u16 = 7100;
const FAULTS: u64 = 8192;
const MIB: usize = 256;

/// `page_fault` and `seq_read`.
pub fn measure(runs: u32) -> Vec<Sample> {
    let network = Network::new();
    // A fault's request goes from the board to home, and so do the floor's.
    let floor = Place {
        namespaces: Some((&network.home, &network.board)),
        host: HOME,
    };
    let address = format!("{BOARD}:{PORT}");
    let agent = Agent::launch("bench", &address, |run| {
        network.board.enter(run.args(["--insecure"]))
    });
    let offloaded = |guest: &str, arguments: &[&str]| -> Outcome {
        let run = Run::supervised(Guest::test(guest).path())
            .flags(["--policy", "static", "--insecure", "--boards", &address])
            .report()
            .args(arguments.iter().copied())
            .timeout(TIMEOUT);
        let outcome = network.home.enter(run).finish();
        outcome.succeeded();
        assert!(
            outcome.report().offloads() > 0,
            "the thread stayed at home\n{outcome}"
        );
        outcome
    };
    let fault = || {
        let outcome = offloaded("bench_fault", &[&FAULTS.to_string()]);
        let report = outcome.report();
        let fetched = report.pages.read + report.pages.prefetched;
        assert!(
            fetched >= FAULTS,
            "only {fetched} pages were fetched\n{outcome}"
        );
        outcome.number("fault_us_p50")
    };
    let (ours, raw) = in_turn(runs, fault, || floor.round_trip_us());
    let page_fault = Sample::new("page_fault", ours, raw, "us", runs).target(Target::AtMost(1.3));
    let read = || offloaded("bench_seq", &[&MIB.to_string()]).number("mb_per_s");
    let (ours, raw) = in_turn(runs, read, || floor.throughput(MIB << 20));
    let seq_read = Sample::new("seq_read", ours, raw, "MB/s", runs).target(Target::AtLeast(0.6));
    agent.stop();
    vec![page_fault, seq_read]
}
