//! The instruction sets by their system calls: which numbers they give them. Tables of both are here on
//! either, from the `syscalls` crate.

use std::str::FromStr;

use syscalls::{aarch64, x86_64};

/// An instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Isa {
    /// x86-64.
    X86_64,
    /// 64-bit ARM.
    Aarch64,
}

/// ARM64's list has another name for this call, which is the same.
const FSTATAT: &str = "fstatat";
const NEWFSTATAT: &str = "newfstatat";

impl Isa {
    /// Both.
    pub const ALL: [Isa; 2] = [Isa::X86_64, Isa::Aarch64];

    /// The one of this name, as in `std::env::consts::ARCH`.
    pub fn named(name: &str) -> Option<Isa> {
        Isa::ALL.into_iter().find(|isa| isa.name() == name)
    }

    /// Its name, as in `std::env::consts::ARCH`.
    pub const fn name(self) -> &'static str {
        match self {
            Isa::X86_64 => "x86_64",
            Isa::Aarch64 => "aarch64",
        }
    }

    /// The number of the call with this name, if it has it.
    pub fn number(self, call: &str) -> Option<i64> {
        match self {
            Isa::X86_64 => x86_64::Sysno::from_str(call).ok().map(|c| c.id().into()),
            Isa::Aarch64 => {
                let call = if call == NEWFSTATAT { FSTATAT } else { call };
                aarch64::Sysno::from_str(call).ok().map(|c| c.id().into())
            }
        }
    }

    /// All its calls: number and name.
    pub fn calls(self) -> Vec<(i64, &'static str)> {
        match self {
            Isa::X86_64 => x86_64::Sysno::iter()
                .map(|call| (call.id().into(), call.name()))
                .collect(),
            Isa::Aarch64 => aarch64::Sysno::iter()
                .map(|call| (call.id().into(), call.name()))
                .map(|(nr, name)| (nr, if name == FSTATAT { NEWFSTATAT } else { name }))
                .collect(),
        }
    }
}

/// Whose program makes a call, and whose kernel is to make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ends {
    /// The board's: the call comes with its number, flags and structures.
    pub board: Isa,
    /// Home's.
    pub home: Isa,
}

impl Ends {
    /// Both ways from one instruction set to the other.
    pub const FOREIGN: [Ends; 2] = [
        Ends {
            board: Isa::X86_64,
            home: Isa::Aarch64,
        },
        Ends {
            board: Isa::Aarch64,
            home: Isa::X86_64,
        },
    ];

    /// Whether nothing has to be translated.
    pub fn agree(self) -> bool {
        self.board == self.home
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_kernels_tables() {
        for (call, x86_64, aarch64) in [
            ("read", Some(0), Some(63)),
            ("open", Some(2), None),
            ("newfstatat", Some(262), Some(79)),
            ("process_vm_writev", Some(311), Some(271)),
            ("epoll_pwait2", Some(441), Some(441)),
            ("no such call", None, None),
        ] {
            assert_eq!(Isa::X86_64.number(call), x86_64, "{call}");
            assert_eq!(Isa::Aarch64.number(call), aarch64, "{call}");
        }
    }

    #[test]
    fn the_numbers_of_this_isa_are_libcs() {
        let here = Isa::named(std::env::consts::ARCH).expect("one of both");
        assert_eq!(here.number("openat"), Some(libc::SYS_openat));
        assert_eq!(here.number("newfstatat"), Some(libc::SYS_newfstatat));
        assert_eq!(
            here.number("process_madvise"),
            Some(libc::SYS_process_madvise)
        );
    }

    #[test]
    fn names_lead_back_to_numbers() {
        for isa in Isa::ALL {
            assert_eq!(Isa::named(isa.name()), Some(isa));
            for (nr, name) in isa.calls() {
                assert_eq!(isa.number(name), Some(nr), "{name}");
            }
        }
    }
}
