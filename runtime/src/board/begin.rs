//! How a thread begins on a board: with registers that home sends, or at its continuation.

use super::session::{Session, SessionEnd};
use crate::board::messages::ToTracer;
use crate::guest::arch::Registers;
use crate::guest::ptrace::Tid;
use crate::wire::message::{Amend, Resume, Start};

/// What a thread begins with.
pub enum Begin {
    /// Registers and extended state.
    From(Box<Registers>, Vec<u8>),
    /// Nothing but its continuation.
    Resume(Resume),
}

impl Begin {
    /// What a message says.
    fn of(start: &Start) -> Result<Begin, &'static str> {
        if let Some(resume) = start.resume {
            if start.pending_call.is_some() || start.amend.is_some() {
                return Err("home sent a continuation that is in a call");
            }
            return Ok(Begin::Resume(resume));
        }
        let registers = Registers::from_bytes(&start.regs);
        let mut registers = registers.ok_or("home sent registers of another kind")?;
        if let Some(amend) = &start.amend {
            change(&mut registers, amend)?;
        }
        Ok(Begin::From(Box::new(registers), start.extended.to_vec()))
    }

    /// The thread pointer of a thread that has one of its own.
    fn thread_pointer(&self, amend: Option<&Amend>) -> Option<u64> {
        match (self, amend.and_then(|amend| amend.born)) {
            (_, Some(born)) => born.thread_pointer,
            (Begin::Resume(resume), None) => Some(resume.thread_pointer),
            (Begin::From(registers, _), None) => Some(registers.thread_pointer()),
        }
    }
}

/// Changes registers of a thread that this board, or one like it, has sent home in a call.
fn change(registers: &mut Registers, amend: &Amend) -> Result<(), &'static str> {
    if let Some(jump) = amend.jump {
        // The first arguments of calls and of functions are in the same registers.
        registers.prepare_call(jump.function, 0, [jump.first, jump.second, 0, 0, 0, 0]);
        return Ok(());
    }
    let result = amend.born.map(|_| 0).or(amend.result);
    if result.is_some() && registers.call_in_progress().is_none() {
        return Err("home sent the result of a call to a thread that is in none");
    }
    if let Some(born) = amend.born {
        registers.set_sp(born.sp);
        if let Some(thread_pointer) = born.thread_pointer {
            registers.set_thread_pointer(thread_pointer);
        }
    }
    match result {
        Some(result) => registers.finish_call(result),
        None if amend.again => registers.rewind_call(),
        None => {}
    }
    Ok(())
}

impl Session {
    /// Home sends a thread.
    pub(super) fn begin(&mut self, start: &Start) -> Result<(), SessionEnd> {
        let begin = Begin::of(start).map_err(|why| SessionEnd::Here(why.into()))?;
        let thread = start.thread as Tid;
        let pthread = begin.thread_pointer(start.amend.as_ref());
        self.threads.announced(thread, start.pending_call, pthread);
        self.tracer.send(ToTracer::Start { thread, begin });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message::{Born, Jump, PendingCall};

    const INSTRUCTION: u64 = 0x1000;

    /// A thread that was stopped in a call.
    fn in_call() -> Registers {
        let mut registers = Registers::zeroed();
        registers.prepare_call(INSTRUCTION, 56, [1, 2, 3, 4, 5, 6]);
        registers.set_sp(0x7000);
        registers.set_thread_pointer(0x8000);
        registers.enter_call();
        registers
    }

    fn start(amend: Amend) -> Start {
        Start {
            regs: in_call().to_bytes().into(),
            extended: vec![7].into(),
            amend: Some(amend),
            ..Start::default()
        }
    }

    fn begun(start: &Start) -> (Registers, Option<u64>) {
        let begin = Begin::of(start).unwrap();
        let pthread = begin.thread_pointer(start.amend.as_ref());
        let Begin::From(registers, extended) = begin else {
            panic!("no registers");
        };
        assert_eq!(extended, [7]);
        (*registers, pthread)
    }

    #[test]
    fn a_call_gets_its_result_or_is_made_again() {
        let behind = in_call().pc();
        let (registers, pthread) = begun(&start(Amend {
            result: Some(-4),
            ..Amend::default()
        }));
        assert_eq!((registers.pc(), registers.result()), (behind, -4));
        assert_eq!(registers.call_in_progress(), None);
        assert_eq!((registers.sp(), pthread), (0x7000, Some(0x8000)));

        let again = true;
        let (registers, _) = begun(&start(Amend {
            again,
            ..Amend::default()
        }));
        assert_eq!(registers.pc(), INSTRUCTION);
        assert_eq!(registers.call_in_progress(), None);

        let (registers, _) = begun(&start(Amend::default()));
        assert_eq!(registers.pc(), behind);
        assert!(registers.call_will_restart());
    }

    #[test]
    fn a_new_thread_has_a_stack_and_a_result_of_its_own() {
        let born = |thread_pointer| {
            let sp = 0x9000;
            let born = Some(Born { sp, thread_pointer });
            let result = Some(77); // its maker's
            begun(&start(Amend {
                result,
                born,
                ..Amend::default()
            }))
        };
        let (registers, pthread) = born(Some(0xa000));
        assert_eq!((registers.sp(), registers.result()), (0x9000, 0));
        assert_eq!(registers.thread_pointer(), 0xa000);
        assert_eq!((registers.pc(), pthread), (in_call().pc(), Some(0xa000)));
        let (registers, pthread) = born(None);
        assert_eq!((registers.thread_pointer(), pthread), (0x8000, None));
    }

    #[test]
    fn a_jump_leaves_the_call_behind() {
        let jump = Some(Jump {
            function: 0x4000,
            first: 5,
            second: 1,
        });
        let (registers, pthread) = begun(&start(Amend {
            jump,
            again: true,
            ..Amend::default()
        }));
        assert_eq!(
            (registers.pc(), registers.call_in_progress()),
            (0x4000, None)
        );
        assert_eq!(registers.call_arguments()[..2], [5, 1]);
        assert_eq!((registers.sp(), pthread), (0x7000, Some(0x8000)));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let result = Some(0);
        let mut none = start(Amend {
            result,
            ..Amend::default()
        });
        let mut registers = in_call();
        registers.leave_call();
        none.regs = registers.to_bytes().into();
        assert!(Begin::of(&none).is_err());
        assert!(Begin::of(&Start::default()).is_err());
        let resumed = Start {
            resume: Some(Resume::default()),
            ..Start::default()
        };
        assert!(Begin::of(&resumed).is_ok());
        let pending_call = Some(PendingCall::default());
        assert!(
            Begin::of(&Start {
                pending_call,
                ..resumed
            })
            .is_err()
        );
    }
}
