//! struct semid64_ds, in which x86-64 has a word of padding behind either time (its asm/sembuf.h) and ARM64
//! has none (asm-generic/sembuf.h). The structures of message queues and shared memory are the same.

use super::isa::{Ends, Isa};
use super::script::{Call, Finished, Plan, Prepared, Script, Span, Stop};

/// struct ipc64_perm, the same everywhere, with which it begins.
const PERMISSIONS: usize = 48;
/// Commands of semctl(2) whose last argument is that structure: linux/sem.h, linux/ipc.h.
const IPC_SET: i32 = 1;
const IPC_STAT: i32 = 2;
const SEM_STAT: i32 = 18;
const SEM_STAT_ANY: i32 = 20;

/// Where sem_otime, sem_ctime and sem_nsems stand, of 8 bytes each, and where it ends.
const fn places(isa: Isa) -> ([usize; 3], usize) {
    match isa {
        Isa::X86_64 => ([48, 64, 80], 104),
        Isa::Aarch64 => ([48, 56, 64], 88),
    }
}

fn convert(from: Isa, to: Isa, data: &[u8]) -> Vec<u8> {
    let (from, _) = places(from);
    let (to, size) = places(to);
    let mut out = vec![0; size];
    out[..PERMISSIONS].copy_from_slice(&data[..PERMISSIONS]);
    for (from, to) in from.into_iter().zip(to) {
        out[to..to + 8].copy_from_slice(&data[from..from + 8]);
    }
    out
}

/// semctl(2) with that structure.
#[derive(Debug)]
struct Control {
    ends: Ends,
    args: [u64; 6],
}

/// The plan for semctl(2).
pub(super) fn control(ends: Ends, args: &[u64; 6]) -> Plan {
    let (name, args) = ("semctl", *args);
    match args[2] as i32 {
        IPC_SET | IPC_STAT | SEM_STAT | SEM_STAT_ANY => {
            Plan::Scripted(Box::new(Control { ends, args }))
        }
        _ => Plan::Plain(Call { name, args }),
    }
}

impl Control {
    fn sets(&self) -> bool {
        self.args[2] as i32 == IPC_SET
    }
}

impl Script for Control {
    fn reads(&self) -> Option<Span> {
        let (_, len) = places(self.ends.board);
        self.sets().then_some(Span {
            address: self.args[3],
            len,
        })
    }

    fn call(&mut self, data: &[u8], area: u64) -> Result<Prepared, Stop> {
        let name = "semctl";
        let mut args = self.args;
        args[3] = area;
        let area = if self.sets() {
            convert(self.ends.board, self.ends.home, data)
        } else {
            Vec::new()
        };
        let call = Call { name, args };
        Ok(Prepared { call, area })
    }

    fn leaves(&self, result: i64) -> usize {
        // SEM_STAT's result is an id.
        if result >= 0 && !self.sets() {
            places(self.ends.home).1
        } else {
            0
        }
    }

    fn finish(&self, result: i64, data: &[u8]) -> Finished {
        if data.is_empty() {
            return Finished::with(result);
        }
        let out = convert(self.ends.home, self.ends.board, data);
        Finished::writing(result, self.args[3], out)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::script::word;
    use super::*;

    #[test]
    fn the_size_is_libcs() {
        let here = Isa::named(std::env::consts::ARCH).expect("one of both");
        assert_eq!(places(here).1, size_of::<libc::semid_ds>());
    }

    #[test]
    fn only_the_structure_is_translated() {
        // SETVAL, GETALL, SEM_INFO.
        for command in [16, 13, 19] {
            let plan = control(Ends::FOREIGN[0], &[1, 2, command, 4, 0, 0]);
            assert!(matches!(plan, Plan::Plain(_)), "{command}");
        }
    }

    proptest! {
        #[test]
        fn the_fields_move(data in proptest::collection::vec(any::<u8>(), 104)) {
            let arm = convert(Isa::X86_64, Isa::Aarch64, &data);
            prop_assert_eq!(&arm[..48], &data[..48]);
            prop_assert_eq!(word(&arm, 56), word(&data, 64));
            prop_assert_eq!(word(&arm, 64), word(&data, 80));
            let back = convert(Isa::Aarch64, Isa::X86_64, &arm);
            prop_assert_eq!(word(&back, 64), word(&data, 64));
            prop_assert_eq!((word(&back, 56), word(&back, 72)), (0, 0));
        }
    }
}
