//! The benchmarks of `make bench`. Each measures rtx and, in the same run, its floor: what the
//! machine gives without rtx. [`results`] says how they are written down.
//!
//! Medians of a few runs, taken in turn with the floor's, since the machine may be shared.

mod beside;
mod compiled;
mod congestion;
mod crossing;
pub mod crowd;
mod energy;
pub mod floor;
mod measure;
mod mix;
mod netns;
mod offload;
mod paging;
mod resident;
pub mod results;
mod supervise;
mod worst;

use results::Sample;

/// A group of benchmarks that are measured together.
pub struct Group {
    /// What it measures, in a few words.
    pub about: &'static str,
    /// The names of its benchmarks.
    pub names: &'static [&'static str],
    /// Measures, this many times each.
    pub measure: fn(runs: u32) -> Vec<Sample>,
    /// It takes long, and is measured only when it is named.
    pub on_request: bool,
}

/// What the network between two namespaces gives without rtx, for people.
pub fn network_floors() -> String {
    const BYTES: usize = 256 << 20;
    let network = netns::Network::new();
    let place = floor::Place {
        namespaces: Some((&network.home, &network.board)),
        host: netns::HOME,
    };
    let (page, bulk) = (place.round_trip_us(), place.throughput(BYTES));
    format!("a page there and back: {page:.1} us\nin bulk: {bulk:.0} MB/s\n")
}

/// All of them.
pub const GROUPS: [Group; 14] = [
    Group {
        about: "page traffic between two network namespaces (as root)",
        names: &["page_fault", "seq_read"],
        measure: paging::measure,
        on_request: false,
    },
    Group {
        about: "moving a thread, and its speed after the move",
        names: &["offload_64m", "offload_1g", "offload_1g_work"],
        measure: offload::measure,
        on_request: false,
    },
    Group {
        about: "moving a thread at equivalence points, as between instruction sets",
        names: &["cross_isa", "cross_to_point", "cross_from_point"],
        measure: crossing::measure,
        on_request: false,
    },
    Group {
        about: "whole programs, supervised only",
        names: &["supervise_matmul", "supervise_malloc"],
        measure: supervise::measure,
        on_request: false,
    },
    Group {
        about: "memory of rtx itself with 1 GiB shared",
        names: &["rss_home", "rss_board"],
        measure: resident::measure,
        on_request: false,
    },
    Group {
        about: "fresh memory at home while a thread is away",
        names: &["home_fresh"],
        measure: beside::fresh,
        on_request: false,
    },
    Group {
        about: "memory dropped at home while a thread is away",
        names: &["home_drops"],
        measure: beside::drops,
        on_request: false,
    },
    Group {
        about: "programs of rtx-cc that stay where they are, against clang -O2 and musl",
        names: &compiled::NAMES,
        measure: compiled::measure,
        on_request: false,
    },
    Group {
        about: "policy congestion on a busy machine, against home alone and the best of all placements: matrices",
        names: &["congestion_matmul"],
        measure: congestion::matmul,
        on_request: true,
    },
    Group {
        about: "the same: a search in a text",
        names: &["congestion_textsearch"],
        measure: congestion::textsearch,
        on_request: true,
    },
    Group {
        about: "the same: prices of options",
        names: &["congestion_blackscholes"],
        measure: congestion::blackscholes,
        on_request: true,
    },
    Group {
        about: "policy congestion with every example and two jobs beside it, against home alone",
        names: &worst::NAMES,
        measure: worst::measure,
        on_request: true,
    },
    Group {
        about: "policy congestion and a random mix of jobs, against home alone; home has a processor, three boards share one",
        names: &mix::NAMES,
        measure: mix::measure,
        on_request: true,
    },
    Group {
        about: "policy energy with a server and three boards on 100 Mb/s, against the server alone (as root)",
        names: &energy::NAMES,
        measure: energy::measure,
        on_request: true,
    },
];
