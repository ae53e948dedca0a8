//! Calls of foreign threads that make, replace or end the calling thread. Its kernel thread makes them: it
//! has the thread's number, mask and memory, and its registers here mean nothing. What a new thread is to
//! begin with, its maker's registers, is on the board.

use super::{Beneath, What, stand_below};
use crate::calls::{self, translate};
use crate::guest::arch::{self, Registers};
use crate::guest::ptrace::{self, Tid};
use crate::home::error::JobError;
use crate::home::messages::{BoardId, Foreign, Held};
use crate::home::supervisor::{Supervisor, alive};
use crate::home::thread::{AtHome, Away, Place, Shadow};
use crate::report::call_name;
use crate::wire::message::{Amend, Born};

/// Where clone(2) has the thread pointer; the word to clear is beside it.
const CLONE_TLS_ARGUMENT: usize = 7 - arch::CLONE_TID_ARGUMENT;

/// Calls that only some instruction sets have, and that copy the thread.
const COPYING: [&str; 2] = ["fork", "vfork"];

/// What a thread that a foreign one makes begins with.
pub struct Birth {
    board: BoardId,
    /// Its maker's registers, and its own stack pointer.
    state: Foreign,
    thread_pointer: Option<u64>,
}

impl Supervisor {
    /// Has the kernel thread of a thread that stands still make the call before which it stands.
    pub(super) fn make_native(&mut self, tid: Tid) -> Result<(), JobError> {
        let Some(thread) = self.threads.get_mut(&tid) else {
            return Ok(());
        };
        let Some(Beneath { board, what }) = thread.beneath.take() else {
            return Ok(());
        };
        let What::Still(context) = what else {
            return Ok(());
        };
        let Held::Theirs(Foreign { sp, made, .. }) = &context.state else {
            return Ok(());
        };
        let (sp, made) = (*sp, *made);
        let call = made.and_then(|(nr, args)| self.native_at_home(board, nr, args));
        let copies = |(nr, _)| self.copies(board, nr);
        if call.is_none()
            && let Some(call) = made.and_then(copies)
        {
            self.fail(JobError::ForeignCopy { tid, call });
            return Ok(());
        }
        let thread = self.threads.get_mut(&tid).expect("just seen");
        let Some((nr, args)) = call else {
            let what = What::Still(context);
            thread.beneath = Some(Beneath { board, what });
            let result = Some(i64::from(-libc::ENOSYS));
            let amend = Amend {
                result,
                ..Amend::default()
            };
            return self.go_back(tid, amend);
        };
        if calls::copies_memory(nr, args[0], |_| None) || calls::lends_memory(nr, args[0], |_| None)
        {
            let call = call_name(nr).to_owned();
            self.fail(JobError::ForeignCopy { tid, call });
            return Ok(());
        }
        let what = What::Makes(context, args);
        thread.beneath = Some(Beneath { board, what });
        thread.place = Place::Home(AtHome::NativeCall { entered: false });
        let Some(mut regs) = alive(ptrace::registers(tid), "read registers")? else {
            return Ok(());
        };
        let Some(stub) = self.setup.as_ref().map(|s| s.stub) else {
            return Ok(());
        };
        regs.prepare_call(stub.gadget(), nr as u64, args);
        stand_below(&mut regs, sp);
        if !self.stand(tid, &regs, 0)? {
            return Ok(());
        }
        let answer = ptrace::cont_to_call(tid, 0);
        self.resumed(tid, answer)
    }

    /// Whether a kernel thread with `regs`, which is in a call, makes that for its foreign thread, and not for a handler
    /// that runs here.
    pub(in crate::home) fn makes_for_board(&self, tid: Tid, regs: &Registers) -> bool {
        let beneath = self.threads.get(&tid).and_then(|t| t.beneath.as_ref());
        let in_stub = self
            .setup
            .as_ref()
            .is_some_and(|setup| regs.pc() == setup.stub.in_gadget());
        in_stub && beneath.is_some_and(|b| matches!(b.what, What::Makes(..)))
    }

    /// The kernel thread has made the call.
    pub(in crate::home) fn native_made(&mut self, tid: Tid) -> Result<(), JobError> {
        let Some(regs) = alive(ptrace::registers(tid), "read registers")? else {
            return Ok(());
        };
        if let Some(state) = self.at_home(tid) {
            *state = AtHome::Free;
        }
        let amend = Amend {
            result: Some(regs.result()),
            ..Amend::default()
        };
        self.go_back(tid, amend)
    }

    /// A new thread's first stop: if a foreign thread made it, it waits until its maker tells of it, and
    /// begins on that one's board.
    pub(in crate::home) fn born_away(&mut self, tid: Tid) -> Result<bool, JobError> {
        let Some(stub) = self.setup.as_ref().map(|s| s.stub) else {
            return Ok(false);
        };
        let regs = alive(ptrace::registers(tid), "read registers")?;
        if regs.is_none_or(|regs| regs.pc() != stub.in_gadget()) {
            return Ok(false);
        }
        if let Some(birth) = self.births.remove(&tid) {
            self.begin_away(tid, birth)?;
        } else if let Some(state) = self.at_home(tid) {
            *state = AtHome::Unborn;
        }
        Ok(true)
    }

    /// A thread has made thread `new`: what that begins with, if a foreign thread's kernel thread made it for that.
    pub(in crate::home) fn bore_away(&mut self, maker: Tid, new: Tid) -> Result<(), JobError> {
        let regs = alive(ptrace::registers(maker), "read registers")?;
        if !regs.is_some_and(|regs| self.makes_for_board(maker, &regs)) {
            return Ok(());
        }
        let beneath = self.threads.get(&maker).and_then(|t| t.beneath.as_ref());
        let Some(Beneath {
            board,
            what: What::Makes(context, args),
            ..
        }) = beneath
        else {
            return Ok(());
        };
        let Held::Theirs(state) = &context.state else {
            return Ok(());
        };
        let settles = args[0] & libc::CLONE_SETTLS as u64 != 0;
        let birth = Birth {
            board: *board,
            state: Foreign {
                sp: args[1],
                ..state.clone()
            },
            thread_pointer: settles.then_some(args[CLONE_TLS_ARGUMENT]),
        };
        if self.at_home(new) == Some(&mut AtHome::Unborn) {
            return self.begin_away(new, birth);
        }
        self.births.insert(new, birth);
        Ok(())
    }

    /// A new thread, stopped, begins on its maker's board.
    fn begin_away(&mut self, tid: Tid, birth: Birth) -> Result<(), JobError> {
        let Some(mut regs) = alive(ptrace::registers(tid), "read registers")? else {
            return Ok(());
        };
        let Some(stub) = self.setup.as_ref().map(|s| s.stub) else {
            return Ok(());
        };
        regs.set_pc(stub.park());
        regs.finish_call(0);
        if !self.stand(tid, &regs, 0)? {
            return Ok(());
        }
        let Birth {
            board,
            state,
            thread_pointer,
        } = birth;
        let thread = self.threads.get_mut(&tid).expect("it is being born");
        thread.counters.offloads += 1;
        thread.place = Place::Away(Box::new(Away::foreign(board, Shadow::Parked)));
        let born = Born {
            sp: state.sp,
            thread_pointer,
        };
        let amend = Amend {
            born: Some(born),
            ..Amend::default()
        };
        self.send_again(tid, board, state, amend)
    }

    /// The name of a board's call that copies the thread and that home has not.
    fn copies(&self, board: BoardId, nr: i64) -> Option<String> {
        let isa = self.ends(board)?.board;
        let found = COPYING
            .into_iter()
            .find(|name| isa.number(name) == Some(nr));
        found.map(str::to_owned)
    }

    /// A call of those that make, replace or end threads, as home's kernel numbers it.
    fn native_at_home(&self, board: u8, nr: i64, args: [u64; 6]) -> Option<(i64, [u64; 6])> {
        let call = match self.ends(board) {
            Some(ends) => translate::native(ends, nr, &args),
            None => Some((nr, args)),
        };
        // Its flags are in memory, where they cannot be looked at.
        call.filter(|(nr, _)| *nr != libc::SYS_clone3)
    }
}
