//! Coming home from a board of another ISA, at an equivalence point.

use std::time::{Duration, Instant};

use super::{Beneath, What, stand_below};
use crate::guest::ptrace::{self, Tid};
use crate::home::error::JobError;
use crate::home::messages::{Begin, BoardId, Context, Foreign, Held, ToPager, Why};
use crate::home::shadow::{Outcome, outcome};
use crate::home::supervisor::{FAULT_STAY, Supervisor, alive};
use crate::home::thread::{AtHome, Away, Place, Shadow, Thread};
use crate::report::RecallCause;
use crate::wire::message::Amend;

/// How long a thread that has come home is kept at most, for having taken long.
const LONGEST_STAY: Duration = Duration::from_secs(1);

impl Supervisor {
    /// Asks a board to bring a thread to its next equivalence point, once.
    pub(in crate::home) fn ask_back(&mut self, tid: Tid) -> Result<(), JobError> {
        if let Some(away) = self.threads.get_mut(&tid).and_then(Thread::away)
            && away.asked.is_none()
            && away.context.is_none()
        {
            away.asked = Some(Instant::now());
            let board = away.board;
            self.tell(ToPager::Recall {
                board,
                tid,
                at_point: true,
            });
        }
        Ok(())
    }

    /// A foreign thread wants to be where its kernel thread is: it is about to be copied. What its call
    /// for that returns.
    pub(in crate::home) fn go_home(&mut self, tid: Tid) -> Result<i64, JobError> {
        self.ask_back(tid)?;
        Ok(0)
    }

    /// A stopped shadow whose foreign thread's context is here: it is brought to an end what the thread was
    /// stopped for, with `signal` delivered first if not 0.
    pub(in crate::home) fn restore_foreign(
        &mut self,
        tid: Tid,
        context: Box<Context>,
        signal: i32,
    ) -> Result<(), JobError> {
        let thread = self.threads.get_mut(&tid).expect("caller checked");
        let Some(away) = thread.away() else {
            return Ok(());
        };
        let (board, asked) = (away.board, away.asked);
        thread.place = Place::Home(AtHome::Free);
        if let Why::Parked(header) = context.why {
            if let Some(asked) = asked {
                let took = asked.elapsed();
                self.stats.crossing.record_ns(took.as_nanos() as u64);
                // It is not only to move.
                thread.home_until = Some(Instant::now() + took.min(LONGEST_STAY));
            }
            return self.take_up(tid, header, &context, signal);
        }
        let what = What::Still(context);
        thread.beneath = Some(Beneath { board, what });
        if signal != 0 {
            return self.handle(tid, signal, outcome(self.pid, signal));
        }
        self.do_for(tid)
    }

    /// Does at home what a thread that stands still came for, or lets it go back.
    pub(in crate::home) fn do_for(&mut self, tid: Tid) -> Result<(), JobError> {
        let beneath = self.threads.get_mut(&tid).and_then(|t| t.beneath.as_mut());
        let Some(What::Still(context)) = beneath.map(|b| &b.what) else {
            return Ok(());
        };
        match context.why {
            Why::Call => self.make_native(tid),
            Why::Fault(_) if context.cause == Some(RecallCause::UnwatchedMemory) => {
                let address = match &context.state {
                    Held::Theirs(Foreign { fault, .. }) => fault.1,
                    Held::Ours { .. } => 0,
                };
                self.fault_in_unwatched(tid, address)
            }
            Why::Fault(signal) => self.fault(tid, signal),
            Why::Recalled | Why::Parked(_) => {
                let thread = self.threads.get_mut(&tid).expect("just seen");
                let jump = thread.jumps.take();
                let amend = Amend {
                    jump,
                    ..Amend::default()
                };
                self.go_back(tid, amend)
            }
        }
    }

    /// A thread takes up its continuation at home.
    fn take_up(
        &mut self,
        tid: Tid,
        header: u64,
        context: &Context,
        signal: i32,
    ) -> Result<(), JobError> {
        let Some(mut regs) = alive(ptrace::registers(tid), "read registers")? else {
            return Ok(());
        };
        let resume = self.pair.as_ref().map(|pair| pair.home.note.resume);
        let Some(resume) = resume else {
            return Ok(());
        };
        regs.finish_call(0);
        regs.set_pc(resume);
        regs.set_argument(header);
        if let Held::Theirs(Foreign { sp, .. }) = &context.state {
            stand_below(&mut regs, *sp);
        }
        self.deadlines.remove(&tid);
        if !self.stand(tid, &regs, signal)? {
            return Ok(());
        }
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.counters.crossings += 1;
        }
        if signal != 0 {
            match outcome(self.pid, signal) {
                Outcome::Core => return self.on_fatal(tid, signal),
                Outcome::Handler => self.await_return(tid),
                Outcome::Plain | Outcome::Ignored => {}
            }
        }
        self.wake_by(Instant::now() + FAULT_STAY);
        if self.detaching {
            self.check_detached()?;
        }
        self.check_withdrawn()?;
        self.resume(tid, signal)
    }

    /// Sends a foreign thread, which stands still, back to its board, changed by `amend`.
    pub(in crate::home) fn go_back(&mut self, tid: Tid, amend: Amend) -> Result<(), JobError> {
        let behind = crate::guest::arch::leave_call_stop(self.pid, tid);
        if self.unless_ended(behind)?.is_none() {
            return Ok(());
        }
        let Some(mut regs) = alive(ptrace::registers(tid), "read registers")? else {
            return Ok(());
        };
        let Some(setup) = &self.setup else {
            return Ok(());
        };
        regs.set_pc(setup.stub.park());
        regs.finish_call(0);
        if !self.stand(tid, &regs, 0)? {
            return Ok(());
        }
        let thread = self.threads.get_mut(&tid).expect("just seen");
        let beneath = thread.beneath.take();
        let Some(Beneath {
            board,
            what: What::Still(context) | What::Makes(context, _),
            ..
        }) = beneath
        else {
            return Ok(());
        };
        let again = context.call.is_some();
        let Held::Theirs(state) = context.state else {
            return Ok(());
        };
        thread.place = Place::Away(Box::new(Away::foreign(board, Shadow::Parked)));
        let amend = Amend {
            again: again || amend.again,
            ..amend
        };
        self.send_again(tid, board, state, amend)
    }

    /// Sends a stopped kernel thread's foreign thread to `board`.
    pub(super) fn send_again(
        &mut self,
        tid: Tid,
        board: BoardId,
        state: Foreign,
        amend: Amend,
    ) -> Result<(), JobError> {
        self.note_leaves(tid, board, "what brought it home is done");
        self.tell(ToPager::Start {
            board,
            tid,
            begin: Begin::Again { state, amend },
            call: None,
        });
        self.ask_back_if_closing(tid)?;
        self.resume(tid, 0)
    }

    /// Everybody was told to come home while this thread was in between.
    pub(super) fn ask_back_if_closing(&mut self, tid: Tid) -> Result<(), JobError> {
        let away = self.threads.get_mut(&tid).and_then(Thread::away);
        let board = away.map(|away| away.board).filter(|_| self.has_made_code);
        let calls_back = board.is_some_and(|board| self.facts(board).is_of_other_isa());
        if self.closed || self.stays || self.detaching || calls_back {
            self.ask_back(tid)?;
        }
        Ok(())
    }
}
