//! struct stat, whose fields stand in another order and have other widths (x86-64's asm/stat.h,
//! asm-generic/stat.h on ARM64).

use super::isa::{Ends, Isa};
use super::script::{Call, Finished, Plan, Prepared, Script, Stop, half, word};

/// A call that tells about a file; `buffer` is the argument that says where to.
#[derive(Debug)]
struct Stat {
    ends: Ends,
    call: Call,
    buffer: usize,
}

/// The file of a descriptor, or of a path: `call` is home's, with the program's buffer in the argument
/// `buffer`.
pub(super) fn stat(ends: Ends, call: Call, buffer: usize) -> Plan {
    Plan::Scripted(Box::new(Stat { ends, call, buffer }))
}

impl Script for Stat {
    fn call(&mut self, _data: &[u8], area: u64) -> Result<Prepared, Stop> {
        let mut call = self.call;
        call.args[self.buffer] = area;
        let area = Vec::new();
        Ok(Prepared { call, area })
    }

    fn leaves(&self, result: i64) -> usize {
        if result == 0 { size(self.ends.home) } else { 0 }
    }

    fn finish(&self, result: i64, data: &[u8]) -> Finished {
        if data.is_empty() {
            return Finished::with(result);
        }
        let to = self.call.args[self.buffer];
        Finished::writing(result, to, convert(self.ends, data))
    }
}

/// Bytes of struct stat.
const fn size(isa: Isa) -> usize {
    match isa {
        Isa::X86_64 => 144,
        Isa::Aarch64 => 128,
    }
}

/// Where the fields stand of which only the place differs: st_dev, st_ino, st_size, st_blocks, and the three
/// times of two words each; all of 8 bytes.
const COMMON: [(usize, usize); 10] = [
    (0, 0),
    (8, 8),
    (48, 48),
    (64, 64),
    (72, 72),
    (80, 80),
    (88, 88),
    (96, 96),
    (104, 104),
    (112, 112),
];
/// x86-64: st_nlink (8 bytes), st_mode, st_uid, st_gid, st_rdev, st_blksize (8 bytes).
const X86_64: [usize; 6] = [16, 24, 28, 32, 40, 56];
/// ARM64: the same, but st_nlink and st_blksize have 4 bytes.
const AARCH64: [usize; 6] = [20, 16, 24, 28, 32, 56];

/// Home's struct stat as the board's.
fn convert(ends: Ends, data: &[u8]) -> Vec<u8> {
    let mut out = vec![0; size(ends.board)];
    for (from, to) in COMMON {
        out[to..to + 8].copy_from_slice(&data[from..from + 8]);
    }
    let places = |isa| match isa {
        Isa::X86_64 => X86_64,
        Isa::Aarch64 => AARCH64,
    };
    let [links, mode, user, group, device, block] = places(ends.home);
    let [links_to, mode_to, user_to, group_to, device_to, block_to] = places(ends.board);
    for (from, to) in [(mode, mode_to), (user, user_to), (group, group_to)] {
        out[to..to + 4].copy_from_slice(&data[from..from + 4]);
    }
    out[device_to..device_to + 8].copy_from_slice(&data[device..device + 8]);
    for (from, to) in [(links, links_to), (block, block_to)] {
        match (ends.home, ends.board) {
            // The kernel has 32 bits for both; x86-64 widens them.
            (Isa::Aarch64, Isa::X86_64) => {
                let wide = u64::from(half(data, from)).to_le_bytes();
                out[to..to + 8].copy_from_slice(&wide);
            }
            _ => {
                let narrow = (word(data, from) as u32).to_le_bytes();
                out[to..to + 4].copy_from_slice(&narrow);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TO_ARM: Ends = Ends::FOREIGN[0];
    const TO_X86: Ends = Ends::FOREIGN[1];

    /// x86-64's with each field's own number.
    fn sample() -> Vec<u8> {
        let mut x86_64 = vec![0; 144];
        for (at, value) in [(0, 0x11u64), (8, 0x22), (16, 3), (40, 0x44), (48, 1 << 40)] {
            x86_64[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        for (at, value) in [(24, 0o100_644u32), (28, 1000), (32, 1001)] {
            x86_64[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        for (at, value) in [
            (56, 4096u64),
            (64, 77),
            (72, 5),
            (80, 6),
            (104, 7),
            (112, 8),
        ] {
            x86_64[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        x86_64
    }

    #[test]
    fn fields_stand_where_arm64_has_them() {
        let arm = convert(TO_X86, &sample());
        assert_eq!(arm.len(), 128);
        assert_eq!((word(&arm, 0), word(&arm, 8)), (0x11, 0x22));
        assert_eq!((half(&arm, 16), half(&arm, 20)), (0o100_644, 3));
        assert_eq!((half(&arm, 24), half(&arm, 28)), (1000, 1001));
        assert_eq!((word(&arm, 32), word(&arm, 40)), (0x44, 0));
        assert_eq!(
            (word(&arm, 48), half(&arm, 56), word(&arm, 64)),
            (1 << 40, 4096, 77)
        );
        assert_eq!((word(&arm, 72), word(&arm, 80)), (5, 6));
        assert_eq!(
            (word(&arm, 104), word(&arm, 112), word(&arm, 120)),
            (7, 8, 0)
        );
    }

    /// What libc of this instruction set sees.
    #[test]
    fn the_size_is_libcs() {
        let here = Isa::named(std::env::consts::ARCH).expect("one of both");
        assert_eq!(size(here), size_of::<libc::stat>());
    }

    proptest! {
        #[test]
        fn there_and_back_is_the_same(data in proptest::collection::vec(any::<u8>(), 128)) {
            let mut data = data;
            // Padding is zero.
            data[40..48].fill(0);
            data[60..64].fill(0);
            data[120..].fill(0);
            prop_assert_eq!(convert(TO_X86, &convert(TO_ARM, &data)), data);
        }
    }
}
