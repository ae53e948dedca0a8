//! What a policy sees of one machine, home or a board.

use serde::{Deserialize, Serialize};

/// How busy a machine is and what it has left. What the machine does not tell is `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeLoad {
    /// Cores the program may use there.
    pub cores: u32,
    /// Threads that want a core now, of this program and of all others.
    pub runnable: u32,
    /// Load average of the last minute, in runnable threads.
    pub load: f64,
    /// The instruction set, as the kernel names it (`x86_64`, `aarch64`).
    pub isa: String,
    /// How fast one core is, home's being 1.
    pub speed: Option<f64>,
    /// Pressure on its cores; kernels without pressure stall information, and machines on which rtx is confined to some
    /// cores, have none.
    pub pressure: Option<Pressure>,
    /// Memory that programs can still get, in bytes (`MemAvailable`).
    pub memory_free: Option<u64>,
    /// What it takes from the wall.
    pub power: Option<Power>,
}

/// Pressure stall information of a machine's cores: the line `some` of `/proc/pressure/cpu`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pressure {
    /// Share of the last ten seconds in which some thread waited for a core, in percent.
    pub avg10: f64,
    /// Time in which some thread waited for a core since the machine started, in microseconds.
    pub total_us: u64,
}

/// What a machine takes from the wall.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Power {
    /// With nothing to do, in watts.
    pub idle_w: f64,
    /// With all cores busy, in watts.
    pub busy_w: f64,
    /// What a counter of the machine has measured since the job began, in joules.
    pub joules: Option<f64>,
}

impl Power {
    /// What one busy core adds, in watts.
    pub fn core_w(&self, cores: u32) -> f64 {
        (self.busy_w - self.idle_w).max(0.0) / f64::from(cores.max(1))
    }
}

impl NodeLoad {
    /// How fast one core is, home's being 1. Nonsense counts as not told.
    pub fn speed(&self) -> f64 {
        self.speed
            .filter(|s| s.is_finite() && *s > 0.0)
            .unwrap_or(1.0)
    }

    /// Runnable threads for each core.
    pub fn crowd(&self) -> f64 {
        f64::from(self.runnable) / f64::from(self.cores.max(1))
    }
}
