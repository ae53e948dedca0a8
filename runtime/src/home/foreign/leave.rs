//! Leaving home for a board of another ISA: the thread is asked, goes on to its next equivalence point,
//! leaves its registers for its continuation there and parks.

use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::Stay;
use crate::continuations::requests::Requests;
use crate::guest::arch::{self, Registers};
use crate::guest::ptrace::{self, Tid};
use crate::home::error::JobError;
use crate::home::journal::Decision;
use crate::home::messages::{Begin, BoardId, ToPager};
use crate::home::supervisor::{Supervisor, alive};
use crate::home::thread::{AtHome, Away, Place, Shadow};
use crate::memory::maps::read_maps;
use crate::memory::remote;

/// How long a thread may take to come to an equivalence point; then it is not asked any more.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a thread that could not leave is not asked again.
const STAY: Duration = Duration::from_millis(20);

/// A thread is asked to leave for a board.
#[derive(Clone, Copy, Debug)]
pub struct Leaving {
    /// The board.
    pub board: BoardId,
    /// Since when it is wanted there.
    pub since: Instant,
    /// When it was asked.
    pub asked: Instant,
    /// When it made the park call.
    pub parked: Option<Instant>,
}

impl Supervisor {
    /// Asks a stopped thread with `regs` to leave for `board` at its next equivalence point.
    pub(in crate::home) fn ask_to_leave(
        &mut self,
        tid: Tid,
        board: BoardId,
        regs: &Registers,
    ) -> Result<(), JobError> {
        let Some(pair) = &self.pair else {
            return Ok(());
        };
        let offset = pair.home.note.thread_pointer;
        let pthread = regs.thread_pointer().wrapping_add_signed(-offset);
        if regs.thread_pointer() == 0 {
            // It has not come as far as its own beginning.
            return Ok(());
        }
        let now = Instant::now();
        if let Some(thread) = self.threads.get_mut(&tid) {
            let since = thread.wanted_since;
            thread.leaving = Some(Leaving {
                board,
                since,
                asked: now,
                parked: None,
            });
        }
        if self.requests.ask(tid, pthread) {
            self.write_requests()?;
        }
        self.wake_by(now + PATIENCE);
        Ok(())
    }

    /// Tells the program who is asked.
    fn write_requests(&self) -> Result<(), JobError> {
        let (Some(pair), Some(setup)) = (&self.pair, &self.setup) else {
            return Ok(());
        };
        let (note, memory) = (&pair.home.note, Pid::from_raw(setup.memory));
        let write = |at, bytes: &[u8]| match remote::write(memory, at, bytes) {
            // It is ending, which will be reported.
            Ok(()) | Err(remote::RemoteError::Gone { .. }) => Ok(()),
            Err(e) => Err(JobError::Kernel(
                "ask a thread to leave",
                std::io::Error::other(e),
            )),
        };
        write(note.requests, &self.requests.table())?;
        write(note.indicator, &self.requests.indicator())
    }

    /// Nobody asks threads of a forked child to leave. It is stopped, and its memory is a copy.
    pub(in crate::home) fn ask_nobody_in(&self, child: Tid) {
        if let Some(pair) = self.pair.as_ref().filter(|_| !self.requests.is_empty()) {
            let none = Requests::<Tid>::default().indicator();
            // It may have been killed.
            let _ = remote::write(Pid::from_raw(child), pair.home.note.indicator, &none);
        }
    }

    /// A thread is not asked to leave any more; returns for what it was.
    pub(in crate::home) fn stop_asking(&mut self, tid: Tid) -> Result<Option<Leaving>, JobError> {
        if self.requests.forget(tid) {
            self.write_requests()?;
        }
        let thread = self.threads.get_mut(&tid);
        Ok(thread.and_then(|thread| thread.leaving.take()))
    }

    /// Stops asking those who have come to no point for long.
    pub(in crate::home) fn give_up_asking(&mut self, now: Instant) -> Result<(), JobError> {
        let leaving = self
            .threads
            .values()
            .filter_map(|t| Some((t.tid, t.leaving?.since)));
        let (over, waiting): (Vec<_>, Vec<_>) =
            leaving.partition(|(_, since)| now.duration_since(*since) >= PATIENCE);
        for (tid, _) in over {
            self.stop_asking(tid)?;
            self.stays(tid, Stay::NoPoint)?;
        }
        if let Some(since) = waiting.into_iter().map(|(_, since)| since).min() {
            self.wake_by(since + PATIENCE);
        }
        Ok(())
    }

    /// A thread that was to move to another ISA stays where it is.
    pub(in crate::home) fn stays(&mut self, tid: Tid, why: Stay) -> Result<(), JobError> {
        let reason = match why {
            Stay::InCall => "it waits in a system call",
            Stay::NoPoint => "it comes to no equivalence point",
            Stay::SharedMemory => "the program has memory that boards cannot have",
            Stay::MadeCode => "the program has made code for home's instruction set",
            Stay::TooLate => "the board cannot take it any more",
        };
        self.decided(tid, Decision::Other("leave where it is"), reason);
        *self.stats.stays.entry(why).or_default() += 1;
        self.note_refused(tid, None, why.into());
        if let Some(thread) = self.threads.get_mut(&tid) {
            // It would do the same again at once.
            let until = Instant::now() + STAY;
            thread.home_until = Some(until);
            self.wake_by(until);
        }
        Ok(())
    }

    /// A thread at home is about to park, with nothing left in its registers.
    pub(in crate::home) fn on_park_call(&mut self, tid: Tid) -> Result<(), JobError> {
        let Some(regs) = alive(ptrace::registers(tid), "read registers")? else {
            return Ok(());
        };
        let header = regs.first_argument();
        let thread = self.threads.get_mut(&tid);
        if let Some(leaving) = thread.and_then(|thread| thread.leaving.as_mut()) {
            let now = Instant::now();
            leaving.parked = Some(now);
            let took = now.duration_since(leaving.asked);
            self.stats.to_point.record_ns(took.as_nanos() as u64);
        }
        if let Some(state @ AtHome::Free) = self.at_home(tid) {
            *state = AtHome::Parking { header };
        }
        // The call itself does nothing; at its exit nothing else has happened yet.
        let answer = ptrace::cont_to_call(tid, 0);
        self.resumed(tid, answer)
    }

    /// A thread has parked: its kernel thread becomes a shadow. It goes on here if that cannot be.
    pub(in crate::home) fn depart(&mut self, tid: Tid, header: u64) -> Result<(), JobError> {
        if let Some(state) = self.at_home(tid) {
            *state = AtHome::Free;
        }
        let Some(leaving) = self.stop_asking(tid)? else {
            return self.resume(tid, 0);
        };
        let board_lives = self.facts(leaving.board).takes();
        let pending = alive(ptrace::signal_is_pending(tid), "look for signals")?.unwrap_or(true);
        if !self.can_share() || self.group_stopped || !board_lives || pending {
            self.stays(tid, Stay::TooLate)?;
            return self.resume(tid, 0);
        }
        if let Some(why) = self.memory_of_home(leaving.board) {
            self.stays(tid, why)?;
            return self.resume(tid, 0);
        }
        let behind = arch::leave_call_stop(self.pid, tid);
        if self.unless_ended(behind)?.is_none() {
            return Ok(());
        }
        let Some(mut regs) = alive(ptrace::registers(tid), "read registers")? else {
            return Ok(());
        };
        let thread_pointer = regs.thread_pointer();
        let setup = self.setup.as_ref().expect("it was asked to leave");
        regs.set_pc(setup.stub.park());
        regs.finish_call(0);
        if !self.stand(tid, &regs, 0)? {
            return Ok(());
        }
        let thread = self.threads.get_mut(&tid).expect("just seen");
        thread.counters.offloads += 1;
        thread.counters.crossings += 1;
        thread.handler = None;
        thread.place = Place::Away(Box::new(Away {
            crossing: Some(leaving.since),
            parked: leaving.parked,
            ..Away::foreign(leaving.board, Shadow::Parked)
        }));
        self.note_leaves(tid, leaving.board, "");
        self.tell(ToPager::Start {
            board: leaving.board,
            tid,
            begin: Begin::AtPoint {
                thread_pointer,
                header,
            },
            call: None,
        });
        self.resume(tid, 0)
    }

    /// Why a thread that uses some of the program's memory must be at home: a foreign one does not come home in the
    /// middle of an instruction.
    fn memory_of_home(&mut self, board: BoardId) -> Option<Stay> {
        // Of a program that is ending there are none.
        let maps = read_maps(Pid::from_raw(self.pid)).unwrap_or_default();
        if maps.iter().any(|vma| vma.shared && !vma.prot.none()) {
            return Some(Stay::SharedMemory);
        }
        self.look_for_made_code(board, &maps)
            .then_some(Stay::MadeCode)
    }
}
