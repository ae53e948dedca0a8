//! Primitives over **another** process's address space, as its supervisor sees it: userfaultfd,
//! remote reads and writes, page table bits, mappings, and the parked helper thread.
//!
//! Nothing here decides anything: callers above (`home`, `board`) turn directory actions into these
//! calls, and what comes back is plain data. Facts flow up (`uffd` events, `pagemap` bits, `maps`),
//! commands flow down (`uffd` copy and protect, `remote` reads and writes, `helper` drops).
//! `address_map` is the pure interval map in which callers remember what they did where.
//!
//! Taking a page is always write-protect ([`uffd::Uffd::write_protect`]), read ([`remote::read`]),
//! drop ([`helper::Helper::drop_pages`]), in that order: without the first step writes are lost. Where
//! devices may write into pages ([`mover`]), they are moved away, read and dropped.

pub mod address_map;
pub mod helper;
pub mod helper_drop;
mod helper_limits;
pub mod maps;
mod maps_query;
mod maps_text;
pub mod mover;
pub mod pagemap;
pub mod remote;
pub mod uffd;
mod uffd_abi;
mod uffd_event;
pub mod vm_flags;
pub mod watch;

/// The coherence granule, in bytes. Machines whose pages are larger are refused in the handshake.
pub const PAGE: u64 = 4096;
/// Bits of the addresses that processes have on every instruction set.
pub const COMMON_ADDRESS_BITS: u32 = 47;
