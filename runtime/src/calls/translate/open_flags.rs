//! The flags of open(2), of which four have other bits on ARM64 (its asm/fcntl.h). The same bits name the
//! same four flags in reverse, so translation moves bits and loses none.

use super::isa::{Ends, Isa};

/// The flags that differ, by their bits on either instruction set.
pub(super) struct Differing {
    pub(super) x86_64: u64,
    pub(super) aarch64: u64,
}

const fn differing(x86_64: u64, aarch64: u64) -> Differing {
    Differing { x86_64, aarch64 }
}

/// asm-generic/fcntl.h, which x86-64 has, and ARM64's asm/fcntl.h. O_TMPFILE is O_DIRECTORY and a bit that is
/// the same.
pub(super) const DIFFERING: [Differing; 4] = [
    // O_DIRECT
    differing(0o40_000, 0o200_000),
    // O_LARGEFILE
    differing(0o100_000, 0o400_000),
    // O_DIRECTORY
    differing(0o200_000, 0o40_000),
    // O_NOFOLLOW
    differing(0o400_000, 0o100_000),
];

/// `flags` of the instruction set `from`, as `to` writes them.
pub(super) fn between(from: Isa, to: Isa, flags: u64) -> u64 {
    let bit = |isa: Isa, flag: &Differing| match isa {
        Isa::X86_64 => flag.x86_64,
        Isa::Aarch64 => flag.aarch64,
    };
    let all: u64 = DIFFERING.iter().map(|flag| flag.x86_64).sum();
    let moved = DIFFERING
        .iter()
        .filter(|flag| flags & bit(from, flag) != 0)
        .fold(0, |moved, flag| moved | bit(to, flag));
    flags & !all | moved
}

/// Flags that come from the board.
pub(super) fn to_home(ends: Ends, flags: u64) -> u64 {
    between(ends.board, ends.home, flags)
}

/// Flags that home's kernel tells.
pub(super) fn to_board(ends: Ends, flags: u64) -> u64 {
    between(ends.home, ends.board, flags)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TO_ARM: Ends = Ends::FOREIGN[0];
    const TO_X86: Ends = Ends::FOREIGN[1];

    /// The flags of this instruction set's own headers.
    #[test]
    fn the_tables_are_those_of_the_headers() {
        let here = Isa::named(std::env::consts::ARCH).expect("one of both");
        // libc says 0 for O_LARGEFILE of 64-bit programs.
        for (flag, libc) in DIFFERING.iter().zip([
            Some(libc::O_DIRECT),
            None,
            Some(libc::O_DIRECTORY),
            Some(libc::O_NOFOLLOW),
        ]) {
            let own = between(Isa::X86_64, here, flag.x86_64);
            assert!(libc.is_none_or(|libc| own == libc as u64), "{own:o}");
        }
        let tmpfile = between(here, Isa::X86_64, libc::O_TMPFILE as u64);
        assert_eq!(tmpfile, 0o20_200_000);
    }

    #[test]
    fn flags_go_where_they_belong() {
        let x86_64 = 0o200_000 | 0o2_000_000 | 0o2;
        assert_eq!(to_home(TO_ARM, x86_64), 0o40_000 | 0o2_000_000 | 0o2);
        assert_eq!(to_home(TO_X86, 0o100_000), 0o400_000);
        assert_eq!(to_board(TO_ARM, 0o400_000 | 0o2002), 0o100_000 | 0o2002);
        // Both at once change places.
        assert_eq!(to_home(TO_ARM, 0o740_000), 0o740_000);
    }

    proptest! {
        #[test]
        fn no_flag_is_lost(flags: u64) {
            for ends in Ends::FOREIGN {
                prop_assert_eq!(to_board(ends, to_home(ends, flags)), flags);
                prop_assert_eq!(to_home(ends, flags).count_ones(), flags.count_ones());
            }
            let same = Ends { board: Isa::Aarch64, home: Isa::Aarch64 };
            prop_assert_eq!(to_home(same, flags), flags);
        }
    }
}
