//! The counter of a loop in strips, when it goes up by one to a bound that the loop does not change. How many rounds
//! a strip makes is then known before it, and its own counter begins at 0:
//!
//! ```text
//! before:  strip:  begin = ...               header:  counter = begin, counter + 1, ...;  a[counter]
//! after:   strip:  begin = ...;  p = &a[begin]  header:  round = 0, 1, ...;  counter = begin + round;  p[round]
//! ```
//!
//! A loop that begins at a variable has LLVM add that to each address, an instruction more in every round; one that
//! begins at 0 is what it was before it was cut.

use super::control_flow::Loop;
use super::counting::Counting;
use super::strips::ROUNDS;
use crate::ir::{Block, Builder, Instruction, Opcode, Type, Value};

/// What a counter must have for the rounds of a strip to be a positive number of its type.
const LEAST_BITS: u32 = 32;

/// A counter, and the rounds of the strip that begins.
pub struct Counter {
    phi: Instruction,
    /// What it is as the strip begins.
    begin: Value,
    /// What it is in the next round.
    next: Instruction,
    /// At least one.
    rounds: Value,
}

/// The counter of `l`, whose only latch ends with `end`, with the rounds of a strip computed at the end of `strip`.
pub fn find(builder: &Builder, l: &Loop, end: Instruction, strip: Block) -> Option<Counter> {
    let Counting {
        counter: phi,
        next,
        bound,
        goes_on,
    } = Counting::of(l, end)?;
    if !is_invariant(l, bound) || phi.as_value().ty().integer_bits() < LEAST_BITS {
        return None;
    }
    let mut incoming = phi.incoming().into_iter();
    let (begin, _) = incoming.find(|(_, from)| *from == strip)?;
    builder.before(strip.terminator()?);
    let one = builder.number_like(begin, 1);
    let distance = builder.subtract(bound, begin);
    // The rounds after the first. A loop that is entered with its bound behind it makes one round; where
    // only inequality counts it goes round all numbers, which the difference says by wrapping.
    let less = if goes_on.includes_bound() {
        distance
    } else {
        builder.subtract(distance, one)
    };
    let less = if goes_on.is_inequality() {
        less
    } else {
        builder.select(
            builder.compare(goes_on, begin, bound),
            less,
            builder.number_like(begin, 0),
        )
    };
    let most = builder.number_like(begin, u64::from(ROUNDS) - 1);
    let less = builder.select(builder.below(less, most), less, most);
    Some(Counter {
        phi,
        begin,
        next,
        rounds: builder.add(less, one),
    })
}

fn is_invariant(l: &Loop, value: Value) -> bool {
    let made_by = value.as_instruction();
    made_by.is_none_or(|i| !l.blocks.contains(&i.block()))
}

/// Lets a strip count from 0. Returns, computed before `end`, whether there is another round in it.
pub fn begin_at_zero(
    builder: &Builder,
    l: &Loop,
    counter: Counter,
    strip: Block,
    end: Instruction,
) -> Value {
    let Counter {
        phi, begin, next, ..
    } = counter;
    builder.before(phi);
    let round = builder.phi(begin.ty());
    builder.before(end);
    let more = builder.add_one_unwrapped(round.as_value());
    round.add_incoming(builder.number_like(begin, 0), strip);
    round.add_incoming(more, end.block());
    let within = builder.differs(more, counter.rounds);
    let body = l.header.first_after_phis();
    builder.before_debug_records(body.expect("a block has an end"));
    let value = builder.add(begin, round.as_value());
    // `counter` was reached by adding 1 without a wrap, as often as `round` says.
    if let Some(sum) = value.as_instruction() {
        sum.copy_wrap_flags(next);
    }
    phi.as_value().replace_all_uses(value);
    phi.erase();
    for access in l.header.instructions() {
        let address = Address::of(l, access, value);
        if let Some(address) = address {
            address.count_from(builder, strip, begin, round.as_value());
        }
    }
    within
}

/// An address in memory that is read or written in each round: an element of an array by the counter.
struct Address {
    element: Instruction,
    array: Value,
    /// What is added to the element's address: so many of a type.
    beyond: Vec<(Type, Value)>,
}

impl Address {
    /// Each round makes the access, so the address is within its object at the beginning of the strip too.
    fn of(l: &Loop, access: Instruction, counter: Value) -> Option<Address> {
        let operands = access.as_value().operands();
        let address = match access.opcode() {
            Opcode::LLVMLoad => operands[0],
            Opcode::LLVMStore => operands[1],
            _ => return None,
        };
        let element = address
            .as_instruction()
            .filter(|i| i.opcode() == Opcode::LLVMGetElementPtr && i.block() == l.header)?;
        let [mut array, index] = element.as_value().operands()[..] else {
            return None;
        };
        let mut beyond = Vec::new();
        if index != counter {
            let constant = plus_constant(index, counter)?;
            beyond.push((element.gep_type(), constant));
        }
        // A neighbour's address may have been taken out of the loop.
        while let Some((ty, from, constant)) = constant_element(array) {
            beyond.push((ty, constant));
            array = from;
        }
        // The index of an array is extended to 64 bits, and a sum's extension is not that of its parts.
        let wide = index.ty().integer_bits() == 64;
        (wide && is_invariant(l, array)).then_some(Address {
            element,
            array,
            beyond,
        })
    }

    /// Neighbours have one origin, so that LLVM still sees what they share.
    fn count_from(&self, builder: &Builder, strip: Block, begin: Value, round: Value) {
        let Some(end) = strip.terminator() else {
            return;
        };
        let ty = self.element.gep_type();
        builder.before(end);
        let origin = builder.far_element(ty, self.array, begin);
        builder.before(self.element);
        let mut element = builder.far_element(ty, origin, round);
        for (ty, constant) in &self.beyond {
            element = builder.far_element(*ty, element, *constant);
        }
        // The strip's first round is at the origin itself, unless it is a neighbour that is accessed.
        if let Some(made) = element.as_instruction().filter(|_| self.beyond.is_empty()) {
            made.copy_bounds_flag(self.element);
        }
        self.element.as_value().replace_all_uses(element);
        self.element.erase();
    }
}

/// The constant by which `sum` is more than `value`.
fn plus_constant(sum: Value, value: Value) -> Option<Value> {
    let sum = sum
        .as_instruction()
        .filter(|i| i.opcode() == Opcode::LLVMAdd)?;
    match sum.as_value().operands()[..] {
        [first, second] if first == value && second.is_constant() => Some(second),
        _ => None,
    }
}

/// An element of an array by a constant: its type, the array, and the constant.
fn constant_element(address: Value) -> Option<(Type, Value, Value)> {
    let element = address
        .as_instruction()
        .filter(|i| i.opcode() == Opcode::LLVMGetElementPtr)?;
    match element.as_value().operands()[..] {
        [array, index] if index.is_constant() => Some((element.gep_type(), array, index)),
        _ => None,
    }
}
