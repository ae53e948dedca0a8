//! Worlds like those of published measurements: programs of a kind on a server with co-runners.

use super::{Machine, Work, World};

/// A program of a kind.
#[derive(Debug, Clone, Copy)]
pub struct Mix {
    /// Its name.
    pub name: &'static str,
    /// What each of its threads does.
    pub work: Work,
}

const fn work(faults: f64, calls: f64, warm: f64, step: f64) -> Work {
    Work {
        seconds: 30.0,
        faults,
        calls,
        warm,
        step,
        meet: 0.0,
        born_ms: 0,
    }
}

/// Programs from one that only computes to one that only talks. Rates are of the order that the examples
/// of this repository show on a local network.
pub fn mixes() -> &'static [Mix] {
    MIXES
}

static MIXES: &[Mix] = &[
    // Option pricing, ray tracing: nothing is shared but the result.
    Mix {
        name: "independent",
        work: work(20.0, 1.0, 300.0, 0.0),
    },
    // Matrix products: much is read at first, little later.
    Mix {
        name: "matrix",
        work: work(100.0, 1.0, 4000.0, 0.0),
    },
    // Clustering: all meet after each round, and read what others have found.
    Mix {
        name: "rounds",
        work: work(150.0, 10.0, 1000.0, 0.25),
    },
    // A grid whose edges are exchanged after each step.
    Mix {
        name: "grid",
        work: work(400.0, 20.0, 1500.0, 0.1),
    },
    // Stages that hand work to each other all the time.
    Mix {
        name: "stages",
        work: Work {
            meet: 0.02,
            ..work(50.0, 20.0, 500.0, 0.01)
        },
    },
    // A hash table that all write.
    Mix {
        name: "table",
        work: work(8000.0, 50.0, 1000.0, 0.0),
    },
    // Many small files.
    Mix {
        name: "files",
        work: work(200.0, 6000.0, 200.0, 0.0),
    },
];

impl Mix {
    /// Whether it gets on on a board at least nine tenths as well as on a core of home's own.
    pub fn computes(&self) -> bool {
        self.work.faults < 500.0 && self.work.calls < 500.0 && self.work.meet == 0.0
    }

    /// With so many threads on a home of four cores that has so many co-runners, and two boards of four.
    pub fn world(&self, threads: usize, others: u32) -> World {
        World {
            home: Machine::idle(4).with_others(others),
            boards: vec![Machine::idle(4), Machine::idle(4)],
            threads: vec![self.work; threads],
            seed: 1,
        }
    }
}
