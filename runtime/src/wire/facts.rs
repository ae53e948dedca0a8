//! This machine's [`Facts`], for the greeting.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;

use super::cpu;
use super::greeting::Facts;
use crate::memory::maps::{Vma, read_maps};
use crate::memory::uffd;

/// A kernel feature that boards must have, and where it comes from.
pub struct KernelFeature {
    pub name: &'static str,
    /// What a user does about its absence.
    pub fix: &'static str,
    /// The bits of UFFDIO_API that stand for it; 0 where it is found in another way.
    uffd: u64,
}

/// What a board's kernel must have.
pub const KERNEL_FEATURES: [KernelFeature; 3] = [
    KernelFeature {
        name: "userfaultfd write-protection",
        fix: "upgrade its kernel (x86-64: 5.7, arm64: 6.10 or newer) or permit userfaultfd there",
        uffd: uffd::FEATURE_PAGEFAULT_FLAG_WP,
    },
    KernelFeature {
        name: "userfaultfd thread ids",
        fix: "upgrade its kernel to 4.14 or newer or permit userfaultfd there",
        uffd: uffd::FEATURE_THREAD_ID,
    },
    KernelFeature {
        name: "seccomp user notification",
        fix: "upgrade its kernel to 5.0 or newer, with CONFIG_SECCOMP_FILTER",
        uffd: 0,
    },
];

/// The legacy area and the header of an XSAVE area.
const XSAVE_FIXED_BYTES: u32 = 512 + 64;

impl Facts {
    /// Looks at this machine. What cannot be found out is left out, and then refused by the other
    /// side if it matters.
    pub fn collect() -> Self {
        let xsave = cpu::xsave_components();
        let end = xsave.iter().map(|part| part.offset + part.bytes).max();
        Self {
            isa: std::env::consts::ARCH.into(),
            page_size: page_size(),
            kernel: nix::sys::utsname::uname()
                .map(|name| name.release().to_string_lossy().into_owned())
                .unwrap_or_default(),
            kernel_features: kernel_features(),
            cpu_features: cpu_features(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default()),
            xsave_bytes: end.map_or(0, |end| end.max(XSAVE_FIXED_BYTES)),
            xsave,
            vector_bytes: cpu::vector_bytes(),
            clocks: clocks().unwrap_or_default(),
            address_bits: address_bits().unwrap_or_default(),
        }
    }
}

/// Bits of the addresses that the kernel gives to a process. `None`: it does not tell.
pub fn address_bits() -> Option<u32> {
    let maps = read_maps(nix::unistd::getpid()).ok()?;
    bits_of(maps.iter().map(Vma::range))
}

/// Of the addresses of a process with these mappings: its stack is near their end.
fn bits_of(mappings: impl Iterator<Item = Range<u64>>) -> Option<u32> {
    // The kernel's own page is in its half (x86-64, vsyscall).
    let own = mappings.filter(|range| range.end <= i64::MAX as u64);
    own.map(|range| u64::BITS - range.end.leading_zeros()).max()
}

/// The kernel's boot (proc_sys_kernel(5), random/boot_id) and the time namespace.
fn clocks() -> std::io::Result<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let namespace = fs::read_link("/proc/self/ns/time_for_children")?;
    Ok(format!("{} {}", boot.trim(), namespace.display()))
}

impl Facts {
    /// Whether a thread can read the time there as well as here.
    pub fn clocks_agree(&self, other: &Facts) -> bool {
        !self.clocks.is_empty() && self.clocks == other.clocks
    }
}

fn page_size() -> u64 {
    let size = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE);
    size.ok().flatten().unwrap_or(0) as u64
}

fn kernel_features() -> Vec<String> {
    let uffd = uffd::supported_features().unwrap_or(0);
    let actions = fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail").unwrap_or_default();
    let notify = actions
        .split_whitespace()
        .any(|action| action == "user_notif");
    let has = |feature: &&KernelFeature| match feature.uffd {
        0 => notify,
        bits => uffd & bits == bits,
    };
    let mut names: Vec<_> = KERNEL_FEATURES
        .iter()
        .filter(has)
        .map(|feature| feature.name.into())
        .collect();
    names.sort();
    names
}

/// The usable features that **all** processors of the machine have: threads move between them.
fn cpu_features(cpuinfo: &str) -> Vec<String> {
    cpuinfo
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(key, _)| key.trim() == cpu::FEATURES_KEY)
        .map(|(_, list)| {
            list.split_whitespace()
                .filter(|f| cpu::is_usable(f))
                .collect()
        })
        .reduce(|all: BTreeSet<&str>, one| &all & &one)
        .unwrap_or_default()
        .into_iter()
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_facts() {
        let facts = Facts::collect();
        assert_eq!(facts.isa, std::env::consts::ARCH);
        assert!(facts.page_size.is_power_of_two());
        assert!(
            (39..=52).contains(&facts.address_bits),
            "{}",
            facts.address_bits
        );
        assert!(facts.kernel.contains('.'));
        assert!(!facts.cpu_features.is_empty());
        assert!(facts.cpu_features.is_sorted());
        assert!(
            facts
                .xsave
                .iter()
                .all(|part| part.offset + part.bytes <= facts.xsave_bytes)
        );
    }

    #[test]
    fn addresses_are_measured_by_the_stack() {
        let program = 0x40_0000..0x40_1000;
        let bits = |top: u64| bits_of([program.clone(), top - 0x2000..top].into_iter());
        assert_eq!(bits(0x7f_ffde_0000), Some(39));
        assert_eq!(bits(0x7fff_ffff_f000), Some(47));
        assert_eq!(bits(0xffff_f7de_0000), Some(48));
        let vsyscall = 0xffff_ffff_ff60_0000..0xffff_ffff_ff60_1000;
        assert_eq!(bits_of([program, vsyscall].into_iter()), Some(23));
        assert_eq!(bits_of(std::iter::empty()), None);
    }

    #[test]
    fn only_what_all_processors_have_counts() {
        let key = cpu::FEATURES_KEY;
        let (a, b) = match std::env::consts::ARCH {
            "x86_64" => ("avx", "sse2"),
            _ => ("sve", "asimd"),
        };
        let cpuinfo = format!("{key}\t: {a} {b}\nbogomips: 1\n\n{key}\t: {b}\n");
        assert_eq!(cpu_features(&cpuinfo), [b]);
    }
}
