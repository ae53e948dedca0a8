//! The one table of policies and parameters. Help, `rtx policies` and docs/policies.md come from it.

use super::error::SpecError;
use super::kind::Kind;
use super::values::Values;
use crate::balance::Balance;
use crate::congestion::Congestion;
use crate::energy::Energy;
use crate::guard_memory::GuardMemory;
use crate::manual::Manual;
use crate::{Never, Policy, Shuffle, Static};

/// A parameter of a policy.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What its value may be.
    pub kind: Kind,
    /// Its value if nobody sets it.
    pub default: &'static str,
    /// What it does, in a sentence without its full stop.
    pub effect: &'static str,
}

/// A policy.
pub struct PolicyInfo {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a sentence without its full stop.
    pub summary: &'static str,
    /// Its own parameters, in the order in which bare values are taken; [`COMMON`] ones come on top.
    pub parameters: &'static [Parameter],
    /// Makes one.
    pub(super) build: fn(&Values) -> Result<Box<dyn Policy>, SpecError>,
}

/// The policy of this name.
pub fn info(name: &str) -> Option<&'static PolicyInfo> {
    POLICIES.iter().find(|p| p.name == name)
}

const fn p(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    effect: &'static str,
) -> Parameter {
    Parameter {
        name,
        kind,
        default,
        effect,
    }
}

const HOUR: u64 = 3_600_000;

/// Parameters that every policy has.
pub const COMMON: &[Parameter] = &[
    p(
        "return",
        Kind::Word(&["immediate", "sticky", "stay", "auto"]),
        "immediate",
        "Where a thread goes on after a synchronisation call that home's kernel completed for it: on its board at \
         once, at home for a while (sticky), at home for good (stay), or what its own calls suggest (auto)",
    ),
    p(
        "sticky",
        Kind::Time(1, HOUR),
        "20ms",
        "How long a thread stays at home after such a call with return=sticky, which setting this implies",
    ),
];

/// What the cost model needs to know; of all policies that weigh.
macro_rules! costs {
    ($($more:expr,)*) => {
        &[
            $($more,)*
            p("tick", Kind::Time(10, 60_000), "100ms", "Time between two looks"),
            p("window", Kind::Time(20, 60_000), "300ms", "Time over which rates are averaged"),
            p(
                "horizon",
                Kind::Time(100, HOUR),
                "10s",
                "A move must have paid after this time, or before the thread is expected to end if that is sooner (young)",
            ),
            p("move", Kind::Time(0, 60_000), "5ms", "What stopping, sending and starting a thread costs it"),
            p(
                "warm",
                Kind::Count(0, 10_000_000),
                "100",
                "Page faults a thread is expected to have when it comes to a board; each may bring many pages",
            ),
            p(
                "assumed",
                Kind::Percent,
                "10",
                "Share of its time a thread is expected to wait for pages and home calls on a board, as long as no \
                 thread of the program was seen on one",
            ),
            p(
                "young",
                Kind::Time(0, HOUR),
                "150ms",
                "What a thread is expected to do, in time on a core of home's, as long as none of the program has ended; then \
                 as much as those did",
            ),
            p("settle", Kind::Time(0, 600_000), "500ms", "A thread is not moved again sooner than this"),
            p(
                "backoff",
                Kind::Time(0, HOUR),
                "2s",
                "A thread that was recalled because it fared badly stays home for this time, and twice as long each \
                 further time, up to 64 times; under congestion others too, if they talk as much, and all for twelve times as \
                 long if the program as a whole fared badly",
            ),
            p(
                "probe",
                Kind::Count(1, 10_000),
                "2",
                "Threads that leave at once while no thread of the program was seen on a board; under congestion more do if home \
                 leaves them very little",
            ),
        ]
    };
}

/// All policies, sorted by name.
pub static POLICIES: &[PolicyInfo] = &[
    PolicyInfo {
        name: "balance",
        summary: "Spreads threads over boards by load, and empties boards that are draining",
        parameters: &[
            p(
                "tick",
                Kind::Time(10, 60_000),
                "200ms",
                "Time between two looks",
            ),
            p(
                "margin",
                Kind::Factor(0.0, 1000.0),
                "1",
                "A thread leaves its board for another one that has so many runnable threads for each core less",
            ),
            p(
                "lasting",
                Kind::Count(1, 1000),
                "5",
                "Looks for which that must have been so",
            ),
            p(
                "settle",
                Kind::Time(0, 600_000),
                "2s",
                "A thread is not moved again sooner than this",
            ),
        ],
        build: |values| Ok(Box::new(Balance::new(values))),
    },
    PolicyInfo {
        name: "congestion",
        summary: "Offloads threads that starve at home if that pays, and recalls them when home is better for them",
        parameters: costs![
            p(
                "margin",
                Kind::Percent,
                "10",
                "By how much faster than where it is a thread must be expected to get on elsewhere to move",
            ),
            p(
                "pressure",
                Kind::Percent,
                "10",
                "Home counts as congested only if some thread waits for a core for this share of the time; kernels \
                 without pressure stall information are not asked, nor if rtx-run is confined to some \
                 cores: it is the whole machine's",
            ),
            p(
                "idle",
                Kind::Time(0, 600_000),
                "1s",
                "Home must have had idle cores for this time before threads are recalled to fill them",
            ),
            p(
                "regret",
                Kind::Count(0, 10_000_000),
                "500",
                "A thread returns from a board when it has lost there, against home, what so many page faults take, or sending all that the program has in memory if that is more, up to three seconds",
            ),
            p(
                "trial",
                Kind::Time(100, 600_000),
                "600ms",
                "Time over which what all threads together get of cores is compared with what they would get at home",
            ),
        ],
        build: |values| Ok(Box::new(Congestion::new(values))),
    },
    PolicyInfo {
        name: "energy",
        summary: "Places threads where their work takes the fewest joules, within a bound on slowdown",
        parameters: costs![
            p(
                "slowdown",
                Kind::Factor(1.0, 1000.0),
                "2",
                "Work may take this many times as long as on a core of home's own",
            ),
            p(
                "saving",
                Kind::Percent,
                "10",
                "A thread moves only if its work then takes this much less energy; as many times over as it becomes slower, three at most",
            ),
            p(
                "patience",
                Kind::Time(0, 3_600_000),
                "10s",
                "For this time, or half its life if that is longer, a thread may wait on boards for pages that it \
                 fetches for the first time, before that tells against them; 0s: not at all",
            ),
            p(
                "idle",
                Kind::Word(&["shared", "own"]),
                "shared",
                "Whether machines are on anyway, so that only what the program adds counts (shared), or home and each \
                 board in use burn their idle watts for the program alone (own)",
            ),
            p(
                "watts",
                Kind::Pairs,
                "",
                "Idle and busy watts of machines that do not tell theirs: home@60-180/board-1@3-9; * for all others",
            ),
        ],
        build: |values| Ok(Box::new(Energy::new(values)?)),
    },
    PolicyInfo {
        name: "guard-memory",
        summary: "Keeps threads from boards that are short of memory; for the front of a chain",
        parameters: &[
            p(
                "free",
                Kind::MiB,
                "256",
                "A board with less free memory than this takes no threads",
            ),
            p(
                "recall",
                Kind::MiB,
                "64",
                "A board with less free memory than this loses its threads",
            ),
            p(
                "tick",
                Kind::Time(10, 60_000),
                "500ms",
                "Time between two looks",
            ),
        ],
        build: |values| Ok(Box::new(GuardMemory::new(values))),
    },
    PolicyInfo {
        name: "manual",
        summary: "Moves threads as the user asks, and nothing else",
        parameters: &[p(
            "tick",
            Kind::Time(10, 60_000),
            "100ms",
            "Time between two looks",
        )],
        build: |values| Ok(Box::new(Manual::new(values))),
    },
    PolicyInfo {
        name: "never",
        summary: "Supervises the program and leaves all threads at home",
        parameters: &[],
        build: |_| Ok(Box::new(Never)),
    },
    PolicyInfo {
        name: "shuffle",
        summary: "Moves threads at random, to test everything else",
        parameters: &[
            p(
                "seed",
                Kind::Count(0, u64::MAX),
                "0",
                "The same seed gives the same numbers",
            ),
            p(
                "mean",
                Kind::Count(1, 60_000),
                "6",
                "Milliseconds a thread stays on a board, on average",
            ),
        ],
        build: |values| Ok(Box::new(Shuffle::new(values))),
    },
    PolicyInfo {
        name: "static",
        summary: "Offloads every child thread as soon as it exists, to the boards in turn or by a table",
        parameters: &[p(
            "placement",
            Kind::Pairs,
            "",
            "Where threads go: 1@board-1/2@home/worker@board-2, by number (1 is the first child thread) or name (once \
             the thread has set it); * for all others, at once. Without a table the boards take turns",
        )],
        build: |values| Ok(Box::new(Static::new(values))),
    },
];
