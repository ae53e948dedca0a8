//! What travels on the heartbeat connection, and what a board tells of itself.

/// A sign of life, sent by both sides at intervals.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Beat {
    /// Counts the sender's beats.
    #[prost(uint64, tag = "1")]
    pub seq: u64,
    /// The sender's clock now, in nanoseconds; means something to the sender only.
    #[prost(uint64, tag = "2")]
    pub sent_ns: u64,
    /// `sent_ns` of the last beat that came from the other side; 0: none yet. With it the other
    /// side learns the round trip.
    #[prost(uint64, tag = "3")]
    pub echo_ns: u64,
    /// From a board: how busy it is.
    #[prost(message, optional, tag = "4")]
    pub load: Option<Load>,
}

/// How busy a board's machine is, and what it has left. What the machine does not tell is left out.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Load {
    /// Threads of the whole machine that want one of the board's cores now.
    #[prost(uint32, tag = "1")]
    pub runnable: u32,
    /// Load average of the last minute, in hundredths.
    #[prost(uint32, tag = "2")]
    pub load_centi: u32,
    /// Pressure on its cores.
    #[prost(message, optional, tag = "3")]
    pub pressure: Option<Pressure>,
    /// Memory that programs can still get, in bytes.
    #[prost(uint64, optional, tag = "4")]
    pub memory_free: Option<u64>,
    /// Energy that its counters have measured since the connection began, in millijoules.
    #[prost(uint64, optional, tag = "5")]
    pub millijoules: Option<u64>,
    /// It is to be emptied.
    #[prost(bool, tag = "6")]
    pub draining: bool,
    /// A number for the cores of its machine that it is confined to, another one for others; 0: for all.
    #[prost(uint64, tag = "7")]
    pub cores: u64,
}

/// Pressure stall information, the line `some` of cores.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Pressure {
    /// Share of the last ten seconds in which some thread waited for a core, in hundredths of a percent.
    #[prost(uint32, tag = "1")]
    pub avg10_centi: u32,
    /// Time in which some thread waited since the machine started, in microseconds.
    #[prost(uint64, tag = "2")]
    pub total_us: u64,
}

/// What each thread of the job that is on the board has used on it.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Usage {
    #[prost(message, repeated, tag = "1")]
    pub threads: Vec<ThreadUsage>,
    /// That of the AskUsage which it answers.
    #[prost(uint64, tag = "4")]
    pub token: u64,
}

/// Of one thread, since its Start.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct ThreadUsage {
    #[prost(uint32, tag = "1")]
    pub thread: u32,
    #[prost(uint64, tag = "2")]
    pub cpu_ns: u64,
    /// Page faults that needed home.
    #[prost(uint64, tag = "3")]
    pub faults: u64,
    /// Time it waited for a core.
    #[prost(uint64, tag = "4")]
    pub delay_ns: u64,
}
