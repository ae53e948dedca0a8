//! Kernel version, page size and cpu.

use std::fs;

use nix::sys::utsname::uname;
use nix::unistd::{SysconfVar, sysconf};

use rtx_runtime::memory::COMMON_ADDRESS_BITS;
use rtx_runtime::wire::facts;

use super::{Missing, Outcome, sys};

/// The oldest kernel: seccomp's WAIT_KILLABLE_RECV came with it, without which a thread that waits
/// for the answer to a call could start the call twice.
const OLDEST: (u32, u32) = (5, 19);
/// The oldest on ARM64: userfaultfd's write-protection came with it.
const OLDEST_ARM64: (u32, u32) = (6, 10);

/// Cpu features that decide where a thread can go, as /proc/cpuinfo names them.
const FEATURES: [&str; 18] = [
    "sse4_2",
    "avx",
    "avx2",
    "fma",
    "bmi2",
    "avx512f",
    "avx512bw",
    "avx512vl",
    "avx512_vnni",
    "amx_tile",
    "pku",
    "user_shstk",
    "asimd",
    "atomics",
    "sve",
    "sve2",
    "paca",
    "bti",
];

/// Whether the kernel is new enough.
pub fn kernel() -> Outcome {
    let names = uname();
    let release = names
        .as_ref()
        .map_or("unknown".into(), |n| n.release().to_string_lossy());
    judge_kernel(&release, std::env::consts::ARCH)
}

fn judge_kernel(release: &str, isa: &str) -> Outcome {
    let oldest = match isa {
        "aarch64" => OLDEST_ARM64,
        _ => OLDEST,
    };
    match version(release) {
        Some(found) if found < oldest => {
            let (major, minor) = oldest;
            let why = format!("it is {release}, and rtx needs {major}.{minor}");
            let fix = format!("Use Linux {major}.{minor} or later");
            Err(Missing::new("the kernel is too old", why, &fix))
        }
        // A release that cannot be read is no reason to refuse: the other probes will tell.
        _ => Ok(format!("Linux {release}")),
    }
}

/// The first two numbers of a release such as `6.1.0-13-amd64`.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Whether pages have the size that rtx works with.
pub fn page_size() -> Outcome {
    judge_page_size(sysconf(SysconfVar::PAGE_SIZE).ok().flatten())
}

fn judge_page_size(size: Option<i64>) -> Outcome {
    match size {
        Some(size) if size == sys::PAGE as i64 => Ok(format!("{size} bytes")),
        Some(size) => {
            let why = format!("they have {size} bytes, and rtx needs {}", sys::PAGE);
            let fix = "Boot a kernel with 4 KiB pages";
            Err(Missing::new(
                "the pages of memory have the wrong size",
                why,
                fix,
            ))
        }
        None => Err(Missing::new(
            "cannot find out the page size",
            "no answer",
            "Look at: getconf PAGESIZE",
        )),
    }
}

/// Whether processes have as many addresses as on other machines.
pub fn address_bits() -> Outcome {
    judge_address_bits(facts::address_bits())
}

fn judge_address_bits(bits: Option<u32>) -> Outcome {
    match bits {
        Some(bits) if bits >= COMMON_ADDRESS_BITS => Ok(format!("{bits} bits")),
        Some(bits) => {
            let why =
                format!("they have {bits} bits, and programs elsewhere use {COMMON_ADDRESS_BITS}");
            let fix = "Boot a kernel with as many (arm64: CONFIG_ARM64_VA_BITS_48)";
            Err(Missing::new("addresses are short", why, fix))
        }
        None => Err(Missing::new(
            "cannot find out how long addresses are",
            "no answer",
            "Mount /proc",
        )),
    }
}

/// Which cpu features programs may use here: a thread that uses one can go only to boards that
/// have it.
pub fn cpu() -> Outcome {
    let text = match fs::read_to_string("/proc/cpuinfo") {
        Ok(text) => text,
        Err(error) => {
            return Err(Missing::call(
                "cannot read /proc/cpuinfo",
                &error,
                "Mount /proc",
            ));
        }
    };
    Ok(format!(
        "{}: {}",
        std::env::consts::ARCH,
        features(&text).join(" ")
    ))
}

/// The features of the first cpu that matter, in the order of [`FEATURES`].
fn features(cpuinfo: &str) -> Vec<&'static str> {
    let line = cpuinfo
        .lines()
        .find(|line| line.starts_with("flags") || line.starts_with("Features"));
    let present: Vec<&str> = line.unwrap_or_default().split_whitespace().collect();
    FEATURES
        .into_iter()
        .filter(|f| present.contains(f))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_releases() {
        assert_eq!(version("6.18.44-fc-v595"), Some((6, 18)));
        assert_eq!(version("5.19.0"), Some((5, 19)));
        assert_eq!(version("6.1.0-13-amd64"), Some((6, 1)));
        assert_eq!(version("odd"), None);
        assert!(version("5.4.0").expect("read") < OLDEST);
    }

    #[test]
    fn old_kernels_are_told_by_instruction_set() {
        assert!(judge_kernel("5.19.0", "x86_64").is_ok());
        assert!(judge_kernel("5.18.9", "x86_64").is_err());
        assert!(judge_kernel("6.10.0", "aarch64").is_ok());
        let old = judge_kernel("6.1.0-13-arm64", "aarch64").expect_err("too old");
        assert_eq!(old.why, "it is 6.1.0-13-arm64, and rtx needs 6.10");
    }

    #[test]
    fn other_page_sizes_are_told() {
        assert!(judge_page_size(Some(4096)).is_ok());
        let other = judge_page_size(Some(16384)).expect_err("another size");
        assert_eq!(other.why, "they have 16384 bytes, and rtx needs 4096");
        assert!(judge_page_size(None).is_err());
    }

    #[test]
    fn short_addresses_are_told() {
        assert!(judge_address_bits(Some(47)).is_ok());
        assert!(judge_address_bits(Some(48)).is_ok());
        let short = judge_address_bits(Some(39)).expect_err("short");
        assert_eq!(
            short.why,
            "they have 39 bits, and programs elsewhere use 47"
        );
        assert!(judge_address_bits(None).is_err());
    }

    #[test]
    fn features_are_found_as_whole_words() {
        let cpuinfo = "processor\t: 0\nflags\t\t: fpu avx2 avx512f xavx\n\nflags\t: avx\n";
        assert_eq!(features(cpuinfo), ["avx2", "avx512f"]);
        assert_eq!(features("Features\t: fp asimd sve\n"), ["asimd", "sve"]);
        assert!(features("").is_empty());
    }
}
