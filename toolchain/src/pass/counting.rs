//! Loops that count: whose end compares a counter that goes up by one each time round.

use super::control_flow::Loop;
use crate::ir::{Instruction, Opcode, Predicate, Value};

/// How a loop counts.
pub struct Counting {
    /// The counter, a phi of the header.
    pub counter: Instruction,
    /// What it is in the next round: one more.
    pub next: Instruction,
    /// With what `next` is compared.
    pub bound: Value,
    /// The loop goes on while this holds for `next` and `bound`.
    pub goes_on: Predicate,
}

impl Counting {
    /// How `l` counts; `end` is the end of its only latch. The bound may change in the loop.
    pub fn of(l: &Loop, end: Instruction) -> Option<Counting> {
        let [first, _] = end.successors()[..] else {
            return None;
        };
        let test = end.as_value().operands()[0]
            .as_instruction()
            .filter(|i| i.opcode() == Opcode::LLVMICmp)?;
        let goes_on = if first == l.header {
            test.predicate()
        } else {
            test.inverse_predicate()
        };
        let [next, bound] = test.as_value().operands()[..] else {
            return None;
        };
        let sum = next
            .as_instruction()
            .filter(|i| i.opcode() == Opcode::LLVMAdd)?;
        let [before, one] = sum.as_value().operands()[..] else {
            return None;
        };
        let counter = before
            .as_instruction()
            .filter(|i| i.opcode() == Opcode::LLVMPHI && i.block() == l.header)?;
        // A value that is one more for once is not what the next round has.
        let comes_back = |(value, from)| value == next || !l.blocks.contains(&from);
        let counts = counter.incoming().into_iter().all(comes_back);
        let by_one = one.as_integer() == Some(1) && goes_on.counts_up();
        (counts && by_one).then_some(Counting {
            counter,
            next: sum,
            bound,
            goes_on,
        })
    }

    /// At most so many rounds, when the loop begins and ends at constants.
    pub fn most_rounds(&self, l: &Loop) -> Option<u64> {
        let bound = self.bound.as_integer()?;
        let begins = self.counter.incoming().into_iter();
        let begins = begins.filter(|(_, from)| !l.blocks.contains(from));
        let rounds = begins.map(|(value, _)| {
            let rounds = bound.checked_sub(value.as_integer()?)?;
            // From a bound that is reached already it would go round all numbers.
            let least = i64::from(self.goes_on.is_inequality());
            let within = u64::try_from(rounds).ok().filter(|_| rounds >= least)?;
            Some(within.max(1))
        });
        rounds.collect::<Option<Vec<u64>>>()?.into_iter().max()
    }
}
