//! Where a process's vDSO is, and its functions for which a board has system calls in their place.
//!
//! The two differ in all but the addresses at which functions begin, so a thread that is inside one
//! of them cannot simply move: at home it must leave it first ([`Vdso::contains`]); one that comes
//! from a board makes the call, or returns from it, in the stub ([`Vdso::at_home`]).

use nix::unistd::Pid;
use object::{Object, ObjectSymbol};

use super::arch;
use super::stub::Stub;
use crate::memory::maps::Vma;
use crate::memory::remote;

/// A vDSO.
#[derive(Clone, Debug, Default)]
pub struct Vdso {
    start: u64,
    end: u64,
    /// Where its replaced functions begin, and the system call that each is.
    functions: Vec<(u64, i64)>,
}

impl Vdso {
    /// Reads the vDSO of a process, mapped at `vma`; `None` if it cannot be understood, so that no
    /// board gets a replacement of it.
    pub fn of(pid: Pid, vma: &Vma) -> Option<Vdso> {
        let mut bytes = vec![0u8; vma.len() as usize];
        remote::read_into(pid, vma.start, &mut bytes).ok()?;
        let functions = functions(&bytes)?;
        Some(Vdso {
            start: vma.start,
            end: vma.end,
            functions: functions
                .iter()
                .map(|(at, nr)| (vma.start + *at as u64, *nr))
                .collect(),
        })
    }

    /// Whether code of this address belongs to it.
    pub fn contains(&self, pc: u64) -> bool {
        (self.start..self.end).contains(&pc)
    }

    /// Where a thread goes on at home that stopped at `pc` on a board.
    pub fn at_home(&self, pc: u64, stub: Stub) -> u64 {
        let inside = |(function, nr): &(u64, i64)| {
            let offset = pc.checked_sub(*function)?;
            if *nr == libc::SYS_clock_gettime {
                return (offset == arch::TRAMPOLINE_JUMP).then_some(stub.clock());
            }
            arch::TRAMPOLINE_CALL
                .contains(&offset)
                .then_some(stub.call_and_return() + offset - arch::TRAMPOLINE_CALL.start())
        };
        self.functions.iter().find_map(inside).unwrap_or(pc)
    }
}

/// What a board has in place of the function that is system call `nr`.
pub fn replacement(nr: i64, stub: Stub) -> Vec<u8> {
    match nr {
        libc::SYS_clock_gettime => arch::jump_trampoline(stub.clock()),
        nr => arch::call_trampoline(nr as u32),
    }
}

/// The functions of a vDSO's image that boards replace: their offset and the system call.
pub fn functions(image: &[u8]) -> Option<Vec<(usize, i64)>> {
    let elf = object::File::parse(image).ok()?;
    let known = |name: &str| arch::VDSO_CALLS.iter().find(|(known, _)| *known == name);
    let symbols = elf.dynamic_symbols();
    let found = symbols.filter_map(|symbol| {
        let (_, nr) = known(symbol.name().ok()?)?;
        Some((symbol.address() as usize, *nr))
    });
    Some(found.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_in_a_replaced_function_goes_on_in_the_stub() {
        let vdso = Vdso {
            start: 0x7000,
            end: 0x8000,
            functions: vec![
                (0x7100, libc::SYS_getcpu),
                (0x7200, libc::SYS_gettimeofday),
                (0x7300, libc::SYS_clock_gettime),
            ],
        };
        let stub = Stub(0x2_0000);
        let call = *arch::TRAMPOLINE_CALL.start();
        let after = *arch::TRAMPOLINE_CALL.end();
        for function in [0x7100, 0x7200] {
            // Before the call's number is set nothing has happened yet.
            assert_eq!(vdso.at_home(function, stub), function);
            assert_eq!(vdso.at_home(function + call, stub), stub.call_and_return());
            let returning = vdso.at_home(function + after, stub);
            assert_eq!(returning - stub.call_and_return(), after - call);
        }
        assert_eq!(vdso.at_home(0x7300, stub), 0x7300);
        let jumping = vdso.at_home(0x7300 + arch::TRAMPOLINE_JUMP, stub);
        assert_eq!(jumping, stub.clock());
        assert_eq!(vdso.at_home(0x40_1000, stub), 0x40_1000);
        assert!(vdso.contains(0x7fff) && !vdso.contains(0x8000));
    }

    #[test]
    fn the_stub_returns_as_the_replaced_functions_do() {
        let trampoline = arch::call_trampoline(7);
        let call = *arch::TRAMPOLINE_CALL.start() as usize;
        let stub = arch::stub_code();
        let at = Stub(0).call_and_return() as usize;
        let tail = &trampoline[call..];
        assert_eq!(&stub[at..at + tail.len()], tail);
    }
}
