//! The first message each way. `protocol` stays field 1 for ever, so that builds of any age can tell
//! each other that they differ.

use std::collections::BTreeMap;

use bytes::Bytes;

/// Home presents itself.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Hello {
    /// [`super::PROTOCOL`].
    #[prost(uint32, tag = "1")]
    pub protocol: u32,
    #[prost(enumeration = "Role", tag = "2")]
    pub role: i32,
    /// For a heartbeat connection: the token of the session it belongs to. Else empty.
    #[prost(bytes = "bytes", tag = "3")]
    pub token: Bytes,
    #[prost(message, required, tag = "4")]
    pub facts: Facts,
    /// The name of the program's file for x86-64, if it is of rtx-cc; else empty.
    #[prost(string, tag = "5")]
    pub program: String,
    /// Where the stub lies in the guest, and must lie in the replica.
    #[prost(uint64, tag = "6")]
    pub stub_address: u64,
    /// The user has agreed to go without authentication.
    #[prost(bool, tag = "7")]
    pub insecure: bool,
    /// Instruction sets other than home's for which home has the program's file (as
    /// `std::env::consts::ARCH`): its threads can move there at equivalence points.
    #[prost(string, repeated, tag = "8")]
    pub other_isas: Vec<String>,
    /// The program has migration points of Popcorn Linux or HetMigrate, which its threads cannot use here.
    #[prost(bool, tag = "9")]
    pub popcorn: bool,
    /// Drawn for this connection, if home and the board share a secret; else empty.
    #[prost(bytes = "bytes", tag = "10")]
    pub nonce: Bytes,
    /// Shows that home knows the secret ([`super::secret`]).
    #[prost(bytes = "bytes", tag = "11")]
    pub proof: Bytes,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Role {
    /// Pages, threads and calls of a job.
    Session = 0,
    /// Signs of life for a session that exists.
    Heartbeat = 1,
}

/// The board agrees, and presents itself.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Welcome {
    /// [`super::PROTOCOL`].
    #[prost(uint32, tag = "1")]
    pub protocol: u32,
    #[prost(message, required, tag = "2")]
    pub facts: Facts,
    /// The board's name.
    #[prost(string, tag = "3")]
    pub name: String,
    /// Threads of this job that the board takes; 0: no limit.
    #[prost(uint32, tag = "4")]
    pub slots: u32,
    /// Cores that the board lends.
    #[prost(uint32, tag = "5")]
    pub cores: u32,
    /// Names the session; its heartbeat connection shows it.
    #[prost(bytes = "bytes", tag = "6")]
    pub token: Bytes,
    /// Shows that the board knows the secret ([`super::secret`]), if there is one.
    #[prost(bytes = "bytes", tag = "7")]
    pub proof: Bytes,
    /// Memory that programs can have there, in bytes; 0: not known.
    #[prost(uint64, tag = "8")]
    pub memory_bytes: u64,
    /// What its owner has written on it.
    #[prost(btree_map = "string, string", tag = "9")]
    pub labels: BTreeMap<String, String>,
    /// How fast one of its cores is in thousandths of home's, as its owner says; 0: not said.
    #[prost(uint32, tag = "10")]
    pub speed_milli: u32,
    /// What it takes from the wall with nothing to do and with all cores busy, in milliwatts, as its owner
    /// says; 0: not said.
    #[prost(uint32, tag = "11")]
    pub idle_mw: u32,
    #[prost(uint32, tag = "12")]
    pub busy_mw: u32,
}

/// The board declines; the connection ends.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Refuse {
    /// One line: what is wrong, and what to do.
    #[prost(string, tag = "1")]
    pub reason: String,
    /// [`super::PROTOCOL`] of the board.
    #[prost(uint32, tag = "2")]
    pub protocol: u32,
}

/// What a machine is, as far as it matters to threads that move there.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Facts {
    /// As in `std::env::consts::ARCH`.
    #[prost(string, tag = "1")]
    pub isa: String,
    #[prost(uint64, tag = "2")]
    pub page_size: u64,
    /// As in `uname -r`.
    #[prost(string, tag = "3")]
    pub kernel: String,
    /// Names from [`super::facts::KERNEL_FEATURES`], sorted.
    #[prost(string, repeated, tag = "4")]
    pub kernel_features: Vec<String>,
    /// Instruction set extensions that programs can use, as /proc/cpuinfo names them, sorted.
    #[prost(string, repeated, tag = "5")]
    pub cpu_features: Vec<String>,
    /// The parts of the extended register state (x86-64).
    #[prost(message, repeated, tag = "6")]
    pub xsave: Vec<XsaveComponent>,
    /// Bytes of the extended register state in the standard format; 0 where there is no such thing.
    #[prost(uint32, tag = "7")]
    pub xsave_bytes: u32,
    /// Bytes of a scalable vector register (aarch64 SVE); 0: none.
    #[prost(uint32, tag = "8")]
    pub vector_bytes: u32,
    /// Names what its clocks count: equal at two nodes only if they show the same time always, being one
    /// kernel's. Empty: not known.
    #[prost(string, tag = "9")]
    pub clocks: String,
    /// Bits of the addresses that a process has; 0: not known.
    #[prost(uint32, tag = "10")]
    pub address_bits: u32,
}

/// One part of the XSAVE area: its bit in XCR0, and where it lies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct XsaveComponent {
    #[prost(uint32, tag = "1")]
    pub bit: u32,
    #[prost(uint32, tag = "2")]
    pub offset: u32,
    #[prost(uint32, tag = "3")]
    pub bytes: u32,
}
