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
}

/// What each thread of the job that is on the board has used on it, and how busy the board is (which is
/// not filled in yet).
#[derive(Clone, PartialEq, prost::Message)]
pub struct Usage {
    #[prost(message, repeated, tag = "1")]
    pub threads: Vec<ThreadUsage>,
    /// Threads of the whole machine that want a core now.
    #[prost(uint32, tag = "2")]
    pub runnable: u32,
    /// Load average of the last minute.
    #[prost(double, tag = "3")]
    pub load: f64,
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
}
