//! Which values of a frame are needed after a place.

use std::collections::HashMap;

use crate::ir::{Block, Function, Opcode, Value};

/// A set of the values of one function, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Set(Vec<u64>);

impl Set {
    fn with_room(count: usize) -> Set {
        Set(vec![0; count.div_ceil(64)])
    }

    fn insert(&mut self, number: usize) {
        self.0[number / 64] |= 1 << (number % 64);
    }

    fn remove(&mut self, number: usize) {
        self.0[number / 64] &= !(1 << (number % 64));
    }

    fn add_all(&mut self, other: &Set) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine |= theirs;
        }
    }

    fn numbers(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(word, bits)| {
            (0..64)
                .filter(move |bit| bits & (1 << bit) != 0)
                .map(move |bit| word * 64 + bit)
        })
    }
}

/// The values that are live at the beginning of each block of a function: defined before, used then or
/// later. The results of phis of the block itself are not among them.
pub struct Liveness {
    values: Vec<Value>,
    at_begin: HashMap<Block, Set>,
}

impl Liveness {
    /// Looks at a function that has a body.
    pub fn of(function: Function) -> Liveness {
        let mut values = function.parameters();
        values.extend(
            function
                .instructions()
                .iter()
                .map(|i| i.as_value())
                .filter(|v| !v.ty().is_void()),
        );
        let numbers: HashMap<Value, usize> =
            values.iter().enumerate().map(|(n, v)| (*v, n)).collect();
        let blocks = function.blocks();
        let mut at_begin: HashMap<Block, Set> = blocks
            .iter()
            .map(|b| (*b, Set::with_room(values.len())))
            .collect();
        let instructions: HashMap<Block, Vec<_>> =
            blocks.iter().map(|b| (*b, b.instructions())).collect();
        let mut changed = true;
        while changed {
            changed = false;
            for block in blocks.iter().rev() {
                let mut live = Set::with_room(values.len());
                for next in block.successors() {
                    live.add_all(&at_begin[&next]);
                    for phi in next.phis() {
                        for (value, from) in phi.incoming() {
                            if from == *block
                                && let Some(number) = numbers.get(&value)
                            {
                                live.insert(*number);
                            }
                        }
                    }
                }
                for instruction in instructions[block].iter().rev() {
                    if let Some(number) = numbers.get(&instruction.as_value()) {
                        live.remove(*number);
                    }
                    if instruction.opcode() != Opcode::LLVMPHI {
                        for operand in instruction.as_value().operands() {
                            if let Some(number) = numbers.get(&operand) {
                                live.insert(*number);
                            }
                        }
                    }
                }
                if at_begin[block] != live {
                    at_begin.insert(*block, live);
                    changed = true;
                }
            }
        }
        Liveness { values, at_begin }
    }

    /// What is live at the beginning of a block, in the order of the function.
    pub fn at(&self, block: Block) -> Vec<Value> {
        self.at_begin[&block]
            .numbers()
            .map(|number| self.values[number])
            .collect()
    }
}
