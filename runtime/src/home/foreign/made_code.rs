//! Code that a program makes at run time is code of one instruction set: home's, where all processes know it. Boards of
//! another have its bytes, but may not execute them. While a program has such code, its threads leave for no such board,
//! and those there are asked to come home; a thread that is there and calls it can go on nowhere.

use nix::unistd::Pid;

use super::What;
use crate::guest::ptrace::Tid;
use crate::home::error::JobError;
use crate::home::messages::{BoardId, Held};
use crate::home::supervisor::Supervisor;
use crate::home::thread::{Place, Thread};
use crate::memory::maps::{Vma, read_maps};
use crate::trace;

/// Whether a program's mapping holds such code.
pub(in crate::home) fn is_made(vma: &Vma) -> bool {
    vma.prot.x && vma.kind.is_anon()
}

impl Supervisor {
    /// Looks whether the program has such code among these mappings; whether this board could not execute it.
    pub(super) fn look_for_made_code(&mut self, board: BoardId, maps: &[Vma]) -> bool {
        let stub = self.setup.as_ref().map(|setup| setup.stub.gadget());
        let ours = |vma: &Vma| stub.is_some_and(|stub| vma.range().contains(&stub));
        self.has_made_code = maps.iter().any(|vma| is_made(vma) && !ours(vma));
        self.has_made_code && self.facts(board).is_of_other_isa()
    }

    /// A board has such code now.
    pub(in crate::home) fn on_made_code(&mut self) -> Result<(), JobError> {
        self.has_made_code = true;
        let there = |thread: &Thread| match &thread.place {
            Place::Away(away) => self.facts(away.board).is_of_other_isa(),
            Place::Home(_) => false,
        };
        let threads = self.threads.values();
        let away: Vec<Tid> = threads.filter(|t| there(t)).map(|t| t.tid).collect();
        away.into_iter().try_for_each(|tid| self.ask_back(tid))
    }

    /// Whether the fault of a thread that stands still came of calling such code.
    pub(super) fn called_made_code(&self, tid: Tid) -> Option<u64> {
        let beneath = self.threads.get(&tid)?.beneath.as_ref()?;
        let What::Still(context) = &beneath.what else {
            return None;
        };
        let Held::Theirs(foreign) = &context.state else {
            return None;
        };
        let (_, address) = foreign.fault;
        let rules = trace::rules_of(&self.facts(beneath.board).isa)?;
        let called = rules.program_counter(&foreign.registers)? == address;
        if !called || !self.facts(beneath.board).is_of_other_isa() {
            return None;
        }
        // Of a program that is ending there are none.
        let maps = read_maps(Pid::from_raw(self.pid)).unwrap_or_default();
        let at = maps.iter().find(|vma| vma.range().contains(&address));
        at.is_some_and(is_made).then_some(address)
    }
}
