//! The kernel's own flags of a mapping, from /proc/PID/smaps. Slow: the kernel walks all pages to
//! count them, so this is asked only where a mapping's nature decides something.

use std::fs::File;
use std::io::{BufRead, BufReader};

use nix::unistd::Pid;

use super::address_map::AddressMap;
use super::maps::{MapsError, Vma};

/// The two-letter codes of one mapping (proc_pid_smaps(5)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VmFlags(Vec<[u8; 2]>);

impl VmFlags {
    fn parse(codes: &str) -> Self {
        Self(
            codes
                .split_whitespace()
                .filter_map(|code| code.as_bytes().try_into().ok())
                .collect(),
        )
    }

    pub fn has(&self, code: &[u8; 2]) -> bool {
        self.0.contains(code)
    }

    pub fn hugetlb(&self) -> bool {
        self.has(b"ht")
    }

    /// Device memory, or page frames without a struct page: cannot be watched or read remotely.
    pub fn io(&self) -> bool {
        self.has(b"io") || self.has(b"pf")
    }

    pub fn locked(&self) -> bool {
        self.has(b"lo")
    }

    /// Already registered with a userfaultfd, for missing pages or for writes.
    pub fn userfaultfd(&self) -> bool {
        self.has(b"um") || self.has(b"uw") || self.has(b"ui")
    }
}

/// The mappings of `pid` that have the flag `code`.
pub fn ranges_with(pid: Pid, code: &[u8; 2]) -> Result<AddressMap<()>, MapsError> {
    let mut ranges = AddressMap::new();
    let mut current = None;
    for_each_line(pid, |line| {
        if let Some(codes) = line.strip_prefix(b"VmFlags:") {
            if VmFlags::parse(&String::from_utf8_lossy(codes)).has(code)
                && let Some(range) = current.take()
            {
                ranges.insert(range, ());
            }
        } else if let Ok(vma) = Vma::parse(line) {
            current = Some(vma.range());
        }
        true
    })?;
    Ok(ranges)
}

/// Hands out the lines of smaps until `line` says false.
fn for_each_line(pid: Pid, mut line: impl FnMut(&[u8]) -> bool) -> Result<(), MapsError> {
    let read_error = |source| MapsError::Read {
        pid,
        file: "smaps",
        source,
    };
    let file = File::open(format!("/proc/{pid}/smaps")).map_err(read_error)?;
    for text in BufReader::new(file).split(b'\n') {
        if !line(&text.map_err(read_error)?) {
            break;
        }
    }
    Ok(())
}

/// The flags of the mapping at `addr`, if there is one.
pub fn vm_flags(pid: Pid, addr: u64) -> Result<Option<VmFlags>, MapsError> {
    let (mut found, mut flags) = (false, None);
    for_each_line(pid, |line| {
        if let Some(codes) = line.strip_prefix(b"VmFlags:") {
            if found {
                flags = Some(VmFlags::parse(&String::from_utf8_lossy(codes)));
            }
        } else if let Ok(vma) = Vma::parse(line) {
            found = vma.range().contains(&addr);
        }
        flags.is_none()
    })?;
    Ok(flags)
}
