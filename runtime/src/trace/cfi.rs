//! Call frame information: where, at each instruction, a function keeps its caller's registers (DWARF 5,
//! section 6.4; Linux Standard Base, "Exception Frames").

use gimli::{
    BaseAddresses, CfaRule, CieOrFde, DebugFrame, EhFrame, EvaluationResult, Location,
    RegisterRule, UnwindContext, UnwindExpression, UnwindSection, Value,
};

use super::arch::Rules;
use super::program::{Data, section};
use super::registers::Registers;
use super::unwind::Read;

/// Steps that one expression may take.
const MAX_STEPS: u32 = 1000;

/// Which section an entry stands in.
#[derive(Clone, Copy)]
enum Section {
    EhFrame,
    DebugFrame,
}

/// An entry, for the code from `start` to `end`.
struct Entry {
    start: u64,
    end: u64,
    section: Section,
    offset: usize,
}

/// All entries of a file. Addresses are the file's.
pub(super) struct Cfi<'d> {
    bases: BaseAddresses,
    eh_frame: EhFrame<Data<'d>>,
    debug_frame: DebugFrame<Data<'d>>,
    /// In the order of their beginnings.
    entries: Vec<Entry>,
}

/// What an entry says of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    pub registers: Registers,
    /// The function is one to which a signal's handler returns.
    pub signal: bool,
}

/// Why an entry says nothing of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoCaller {
    /// There is no entry for this code, or none that makes sense.
    Unknown,
    /// It says that there is none.
    Bottom,
    /// A part of the stack is not known.
    Memory,
}

impl<'d> Cfi<'d> {
    /// Lists the entries of a file; those that make no sense are left out.
    pub fn read(file: &object::File<'d>, rules: &Rules) -> Self {
        let (eh_address, eh_data) = section(file, ".eh_frame");
        let (_, debug_data) = section(file, ".debug_frame");
        let text = section(file, ".text").0;
        let got = section(file, ".got").0;
        let mut eh_frame = EhFrame::from(eh_data);
        let mut debug_frame = DebugFrame::from(debug_data);
        eh_frame.set_vendor(rules.vendor);
        debug_frame.set_vendor(rules.vendor);
        debug_frame.set_address_size(8);
        let bases = BaseAddresses::default()
            .set_eh_frame(eh_address)
            .set_text(text)
            .set_got(got);
        let mut entries = list(&eh_frame, &bases, Section::EhFrame);
        entries.extend(list(&debug_frame, &bases, Section::DebugFrame));
        entries.sort_by_key(|e| (e.start, e.end));
        Self {
            bases,
            eh_frame,
            debug_frame,
            entries,
        }
    }

    fn entry(&self, addr: u64) -> Option<&Entry> {
        let after = self.entries.partition_point(|e| e.start <= addr);
        let nearest = self.entries[..after].last()?;
        (addr < nearest.end).then_some(nearest)
    }

    /// Where the function around `addr` begins by its entry.
    pub fn function_start(&self, addr: u64) -> Option<u64> {
        self.entry(addr).map(|e| e.start)
    }

    /// The caller of the frame with these registers, whose code is at `addr`.
    pub fn caller(
        &self,
        addr: u64,
        rules: &Rules,
        registers: &Registers,
        read: Read<'_>,
    ) -> Result<Caller, NoCaller> {
        let entry = self.entry(addr).ok_or(NoCaller::Unknown)?;
        let frame = Frame {
            addr,
            offset: entry.offset,
            bases: &self.bases,
            rules,
            registers,
            read,
        };
        match entry.section {
            Section::EhFrame => frame.caller(&self.eh_frame),
            Section::DebugFrame => frame.caller(&self.debug_frame),
        }
    }
}

fn list<'d, S>(section: &S, bases: &BaseAddresses, which: Section) -> Vec<Entry>
where
    S: UnwindSection<Data<'d>>,
{
    let mut found = Vec::new();
    let mut entries = section.entries(bases);
    // What follows an entry that makes no sense cannot be found.
    while let Ok(Some(entry)) = entries.next() {
        let CieOrFde::Fde(partial) = entry else {
            continue;
        };
        if let Ok(fde) = partial.parse(S::cie_from_offset)
            && fde.initial_address() < fde.end_address()
        {
            found.push(Entry {
                start: fde.initial_address(),
                end: fde.end_address(),
                section: which,
                offset: fde.offset(),
            });
        }
    }
    found
}

/// One frame, and how to look at it.
struct Frame<'a> {
    addr: u64,
    offset: usize,
    bases: &'a BaseAddresses,
    rules: &'a Rules,
    registers: &'a Registers,
    read: Read<'a>,
}

impl Frame<'_> {
    fn caller<'d, S>(&self, section: &S) -> Result<Caller, NoCaller>
    where
        S: UnwindSection<Data<'d>>,
        S::Offset: From<usize>,
    {
        let nonsense = |_| NoCaller::Unknown;
        let fde = section.fde_from_offset(self.bases, self.offset.into(), S::cie_from_offset);
        let fde = fde.map_err(nonsense)?;
        let mut context = UnwindContext::new();
        let row = fde.unwind_info_for_address(section, self.bases, &mut context, self.addr);
        let row = row.map_err(nonsense)?;
        let encoding = fde.cie().encoding();
        let evaluate = |expression: UnwindExpression<usize>, on: Option<u64>| {
            let expression = expression.get(section).map_err(nonsense)?;
            self.evaluate(expression.evaluation(encoding), on)
        };
        let cfa = match row.cfa() {
            CfaRule::RegisterAndOffset { register, offset } => {
                let register = usize::from(register.0);
                let value = self.registers.get(register).ok_or(NoCaller::Unknown)?;
                value.wrapping_add_signed(*offset)
            }
            CfaRule::Expression(expression) => evaluate(*expression, None)?,
        };
        let column = usize::from(fde.cie().return_address_register().0);
        let find = |register: usize| {
            let number = gimli::Register(register as u16);
            match row.register(number) {
                None | Some(RegisterRule::SameValue) => Ok(self.registers.get(register)),
                Some(RegisterRule::Undefined | RegisterRule::Architectural) => Ok(None),
                Some(RegisterRule::Offset(n)) => self.word(cfa.wrapping_add_signed(n)).map(Some),
                Some(RegisterRule::ValOffset(n)) => Ok(Some(cfa.wrapping_add_signed(n))),
                Some(RegisterRule::Register(other)) => Ok(self.registers.get(other.0.into())),
                Some(RegisterRule::Constant(value)) => Ok(Some(value)),
                Some(RegisterRule::Expression(e)) => self.word(evaluate(e, Some(cfa))?).map(Some),
                Some(RegisterRule::ValExpression(e)) => evaluate(e, Some(cfa)).map(Some),
            }
        };
        let pc = find(column)?.ok_or(NoCaller::Bottom)? & self.rules.address_mask;
        let mut registers = Registers::at(pc);
        for register in 0..self.rules.registers() {
            // A register whose place is not known is not needed by many.
            registers.set(register, find(register).unwrap_or(None));
        }
        let sp = self.rules.sp;
        if row.register(gimli::Register(sp as u16)).is_none() {
            registers.set(sp, Some(cfa));
        }
        let signal = fde.is_signal_trampoline();
        Ok(Caller { registers, signal })
    }

    fn word(&self, addr: u64) -> Result<u64, NoCaller> {
        let mut word = [0; 8];
        let there = (self.read)(addr, &mut word);
        there
            .then(|| u64::from_le_bytes(word))
            .ok_or(NoCaller::Memory)
    }

    fn evaluate(
        &self,
        mut evaluation: gimli::Evaluation<Data<'_>>,
        on: Option<u64>,
    ) -> Result<u64, NoCaller> {
        let nonsense = |_| NoCaller::Unknown;
        if let Some(value) = on {
            evaluation.set_initial_value(value);
        }
        evaluation.set_max_iterations(MAX_STEPS);
        let mut state = evaluation.evaluate().map_err(nonsense)?;
        loop {
            state = match state {
                EvaluationResult::Complete => break,
                EvaluationResult::RequiresMemory { address, size, .. } => {
                    let mut word = [0; 8];
                    let part = word.get_mut(..size.into()).ok_or(NoCaller::Unknown)?;
                    if !(self.read)(address, part) {
                        return Err(NoCaller::Memory);
                    }
                    evaluation.resume_with_memory(Value::Generic(u64::from_le_bytes(word)))
                }
                EvaluationResult::RequiresRegister { register, .. } => {
                    let value = self.registers.get(register.0.into());
                    let value = value.ok_or(NoCaller::Unknown)?;
                    evaluation.resume_with_register(Value::Generic(value))
                }
                _ => return Err(NoCaller::Unknown),
            }
            .map_err(nonsense)?;
        }
        match evaluation.as_result() {
            [piece] => match piece.location {
                Location::Address { address } => Ok(address),
                _ => Err(NoCaller::Unknown),
            },
            _ => Err(NoCaller::Unknown),
        }
    }
}
