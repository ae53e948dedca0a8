//! What unwinding must know of each instruction set, as tables. All of them are there on every machine:
//! home unwinds the stacks of boards of another kind.

mod aarch64;
mod x86_64;

use object::elf::Machine;

/// What a call instruction calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// The function at this address.
    To(u64),
    /// Whatever a register or a word in memory says.
    Indirect,
}

/// One instruction set. Registers are numbered as DWARF does it, see the ABI's supplement.
pub struct Rules {
    /// Its name, as boards tell it.
    pub isa: &'static str,
    pub(super) elf: Machine,
    pub(super) vendor: gimli::Vendor,
    /// Bytes of a set of registers as threads travel with it, and in which of its words each register
    /// stands; the last is the program counter's.
    pub(super) set_bytes: usize,
    pub(super) words: &'static [usize],
    pub(super) pc_word: usize,
    pub(super) sp: usize,
    pub(super) fp: usize,
    /// The register in which a call leaves the return address; `None`: it is pushed.
    pub(super) link: Option<usize>,
    /// Bytes that stand behind a frame pointer's target: the caller's frame pointer and return address.
    /// Both ISAs agree.
    pub(super) align: u64,
    /// Bits of a return address that are no address but its signature.
    pub(super) address_mask: u64,
    /// What the call says whose return address this is, by the code before that, at most 8 bytes.
    pub(super) call: fn(code: &[u8], at: u64) -> Option<Call>,
    /// Code to which a signal's handler returns.
    pub(super) signal_return: &'static [u8],
    /// Where the interrupted registers are then, from the stack pointer on, in bytes; the last: the program
    /// counter.
    pub(super) interrupted: fn(register: usize) -> u64,
}

impl Rules {
    /// The program counter in a set of registers as threads travel with it; `None`: this is no such set.
    pub fn program_counter(&self, set: &[u8]) -> Option<u64> {
        let at = self.pc_word * 8;
        let word = set
            .get(at..at + 8)
            .filter(|_| set.len() == self.set_bytes)?;
        Some(u64::from_ne_bytes(word.try_into().ok()?))
    }

    /// How many registers are followed.
    pub(super) fn registers(&self) -> usize {
        self.words.len()
    }
}

const ALL: [&Rules; 2] = [&x86_64::RULES, &aarch64::RULES];

/// The rules of an instruction set, by the name that boards tell.
pub fn rules_of(isa: &str) -> Option<&'static Rules> {
    ALL.into_iter().find(|rules| rules.isa == isa)
}

/// The rules for a file's `e_machine`.
pub(super) fn rules_for(machine: Machine) -> Option<&'static Rules> {
    ALL.into_iter().find(|rules| rules.elf == machine)
}
