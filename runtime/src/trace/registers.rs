//! The registers of one frame, as far as they are known.

use super::arch::Rules;

/// As many as any instruction set's rules follow, and one more.
const MOST: usize = 33;

/// A frame's registers by DWARF number, and its program counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Registers {
    pub pc: u64,
    values: [Option<u64>; MOST],
}

impl Registers {
    /// Reads a thread's own set; `None` if it is not one of this instruction set.
    pub fn of_thread(rules: &Rules, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != rules.set_bytes {
            return None;
        }
        let word = |i: usize| u64::from_le_bytes(std::array::from_fn(|k| bytes[8 * i + k]));
        let mut values = [None; MOST];
        for (value, at) in values.iter_mut().zip(rules.words) {
            *value = Some(word(*at));
        }
        let pc = word(rules.pc_word);
        Some(Self { pc, values })
    }

    /// Nothing but a program counter.
    pub fn at(pc: u64) -> Self {
        let values = [None; MOST];
        Self { pc, values }
    }

    pub fn get(&self, register: usize) -> Option<u64> {
        self.values.get(register).copied().flatten()
    }

    /// Sets a register; those that are not followed are dropped.
    pub fn set(&mut self, register: usize, value: Option<u64>) {
        if let Some(place) = self.values.get_mut(register) {
            *place = value;
        }
    }
}
