//! Moving threads: asking the policy, freezing a thread, sending it to a board.

use std::time::{Duration, Instant};

use rtx_policies::{Action, AtSync, Snapshot};

use super::error::JobError;
use super::foreign::Stay;
use super::job::BoardFacts;
use super::journal::Decision;
use super::messages::{Begin, BoardId, ToPager};
use super::supervisor::{Supervisor, alive};
use super::thread::{AtHome, Away, CallState, PendingCall, Place, Shadow, Thread};
use crate::calls;
use crate::guest::arch;
use crate::guest::procfs;
use crate::guest::ptrace::{self, Tid};
use crate::report::{RecallCause, Refusal};
use crate::wire::message::PendingCall as CarriedCall;

/// How soon the policy is asked again after a thread came home, if it asks for no ticks itself.
pub(super) const ASK_AGAIN: Duration = Duration::from_millis(5);
/// The number of a home call that a thread took along to its board; those it makes there count from 1.
const CARRIED: u32 = 0;

/// How long a thread stays home that stays for good.
const FOR_GOOD: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// How long a thread stays home that cannot leave because of restartable sequences.
const STAY_WITH_RSEQ: Duration = Duration::from_secs(60);

impl Supervisor {
    /// Asks the policy if it is time to.
    pub(super) fn tick(&mut self) -> Result<(), JobError> {
        let now = Instant::now();
        if self.next_tick.is_none_or(|t| now < t) {
            return Ok(());
        }
        self.next_tick = self.policy.wants_ticks().map(|every| now + every);
        let figures = self.policy.wants_figures();
        if figures {
            self.ask_for_figures();
        }
        let snapshot = self.snapshot(figures);
        self.decide(snapshot, None)?;
        self.carry_out()?;
        for thread in self.threads.values_mut() {
            thread.home_until = thread.home_until.filter(|until| now < *until);
        }
        self.give_up_asking(now)?;
        self.end_respites()?;
        self.watch_withdrawal(now);
        if let Some(until) = self.threads.values().filter_map(|t| t.home_until).min() {
            self.wake_by(until.max(now + ASK_AGAIN));
        }
        Ok(())
    }

    /// Asks the policy about a thread that is stopped and clean right now. Sends it off, or lets
    /// it run.
    pub(super) fn settle(&mut self, tid: Tid) -> Result<(), JobError> {
        if self.can_share() {
            let snapshot = self.snapshot(false);
            self.decide(snapshot, Some(tid))?;
            // A policy may want to look sooner at who was born just now.
            let sooner = self
                .policy
                .wants_ticks()
                .map(|every| Instant::now() + every);
            self.next_tick = self
                .next_tick
                .zip(sooner)
                .map(|(next, sooner)| next.min(sooner))
                .or(self.next_tick);
            if self.offload_if_wanted(tid)? {
                return Ok(());
            }
        }
        self.resume(tid, 0)
    }

    pub(super) fn can_share(&self) -> bool {
        self.moves_threads() && self.boards.iter().any(BoardFacts::takes)
    }

    /// Whether threads still move at all.
    fn moves_threads(&self) -> bool {
        !self.closed && !self.stays && self.failure.is_none()
    }

    /// Carries out what the policy decides. `stopped` is a thread that needs no freezing.
    fn decide(&mut self, mut snapshot: Snapshot, stopped: Option<Tid>) -> Result<(), JobError> {
        // Also of the last board, when that is to be emptied, threads come home.
        let some_move = self.can_share() || self.threads.values().any(Thread::is_away);
        if !self.moves_threads() || !some_move || self.group_stopped {
            return Ok(());
        }
        snapshot.requests = std::mem::take(&mut self.asked_for);
        for decision in self.policy.decide(&snapshot) {
            let tid = decision.tid;
            if self.orders.has(tid) {
                continue;
            }
            match decision.action {
                Action::Offload { board } => self.want(tid, board, stopped, &decision.reason)?,
                Action::Recall => {
                    self.decided(tid, Decision::Recall, &decision.reason);
                    self.recall_wanted(tid)?;
                }
                Action::AtSync(at_sync) => self.set_at_sync(tid, at_sync, &decision.reason),
            }
        }
        self.pass_on_complaint();
        Ok(())
    }

    /// Tells the user what the policy has to say.
    pub(super) fn pass_on_complaint(&mut self) {
        if let Some(complaint) = self.policy.complaint() {
            self.observer.warn(&complaint);
        }
    }

    fn set_at_sync(&mut self, tid: Tid, at_sync: AtSync, reason: &str) {
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.at_sync = at_sync;
            let what = match at_sync {
                AtSync::Immediate => "let go on at once after synchronising",
                AtSync::StickyMs(_) => "keep home for a while after synchronising",
                AtSync::Stay => "keep home after synchronising",
            };
            self.decided(tid, Decision::Other(what), reason);
        }
    }

    /// A home call of a thread has returned: whether the thread is to make it home with the result, because
    /// it has synchronised and is not to go on at once. It then stays there for the time.
    pub(super) fn stays_after_call(&mut self, tid: Tid) -> bool {
        let Some(thread) = self.threads.get_mut(&tid) else {
            return false;
        };
        let stay = match thread.at_sync {
            AtSync::Immediate => return false,
            AtSync::StickyMs(ms) => Duration::from_millis(u64::from(ms)),
            AtSync::Stay => FOR_GOOD,
        };
        let Some(away) = thread.away() else {
            return false;
        };
        let synchronised = away.call.is_some_and(|call| {
            matches!(call.state, CallState::Done(_)) && calls::synchronises(call.nr)
        });
        // A foreign one comes home at a point only, and not before it has its result.
        if !synchronised || away.foreign || away.recalling.is_some() || away.context.is_some() {
            return false;
        }
        thread.home_until = Some(Instant::now() + stay);
        true
    }

    pub(super) fn want(
        &mut self,
        tid: Tid,
        board: BoardId,
        stopped: Option<Tid>,
        reason: &str,
    ) -> Result<(), JobError> {
        let alive_board = self
            .boards
            .get(usize::from(board).wrapping_sub(1))
            .is_some_and(BoardFacts::takes);
        let (pid, may_be_blocked) = (self.pid, self.moves_blocked(tid));
        let Some(thread) = self.threads.get_mut(&tid) else {
            return Ok(());
        };
        if let Some(away) = thread.away().filter(|away| away.board == board) {
            // It is there, and shall not come home after all.
            away.returns_then = false;
        }
        if thread.is_away() || thread.ending {
            return Ok(());
        }
        let kept = thread
            .home_until
            .is_some_and(|until| Instant::now() < until);
        let at_once = stopped == Some(tid);
        let refusal = if !alive_board {
            Some(self.no_board(board))
        } else if !matches!(thread.place, Place::Home(AtHome::Free))
            || thread.is_bound()
            || (thread.stopped && !at_once)
        {
            Some(Refusal::Busy)
        } else if kept {
            Some(Refusal::JustHome)
        } else if !at_once && !may_be_blocked && procfs::state(pid, tid).is_ok_and(|s| s != 'R') {
            Some(Refusal::Blocked)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            self.note_refused(tid, Some(board), refusal);
            return Ok(());
        }
        if !at_once {
            alive(ptrace::interrupt(tid), "stop a thread")?;
        }
        let thread = self.threads.get_mut(&tid).expect("just seen");
        thread.wanted = Some(board);
        thread.wanted_since = Instant::now();
        self.decided(tid, Decision::Offload, reason);
        Ok(())
    }

    /// Why a board takes no thread.
    fn no_board(&self, board: BoardId) -> Refusal {
        let facts = self.boards.get(usize::from(board).wrapping_sub(1));
        match facts.is_some_and(|facts| facts.alive) {
            true => Refusal::BoardLeaves,
            false => Refusal::BoardLost,
        }
    }

    /// Whether a thread is to move even if it waits in a call.
    fn moves_blocked(&self, tid: Tid) -> bool {
        self.policy.moves_blocked() || self.orders.has(tid)
    }

    /// Recalls a thread because the policy wants it; one that waits in a home call when that returns, unless the policy
    /// means such threads too.
    fn recall_wanted(&mut self, tid: Tid) -> Result<(), JobError> {
        let Some(away) = self.threads.get_mut(&tid).and_then(Thread::away) else {
            return Ok(());
        };
        let recall = match away.shadow {
            // It leaves at its next point, and goes on until then.
            _ if away.foreign => away.settled(),
            Shadow::Parked if away.call.is_none() => true,
            Shadow::Parked | Shadow::Interrupting | Shadow::Calling => {
                let board = away.board;
                away.returns_then = true;
                self.policy.moves_blocked() || self.facts(board).leaves()
            }
            // It comes home anyway, or is stopped with the whole program.
            Shadow::Held(_) | Shadow::GroupStopped => false,
        };
        if recall {
            self.recall(tid, RecallCause::Policy)?;
        }
        Ok(())
    }

    /// Sends a stopped thread to the board it is wanted on, if that is possible now.
    pub(super) fn offload_if_wanted(&mut self, tid: Tid) -> Result<bool, JobError> {
        let can_share = self.can_share();
        let Some(board) = self.threads.get_mut(&tid).and_then(|t| t.wanted.take()) else {
            return Ok(false);
        };
        let behind = arch::leave_call_stop(self.pid, tid);
        if self.unless_ended(behind)?.is_none() {
            return Ok(false);
        }
        let Some(mut regs) = alive(ptrace::registers(tid), "read registers")? else {
            return Ok(false);
        };
        let alive_board = self.facts(board).takes();
        self.mend_cut_short(tid, &mut regs)?;
        let in_call = regs.call_will_restart() || calls::driven_out(&regs);
        let may_carry = self.moves_blocked(tid) && calls::can_be_carried(&regs);
        let refusal = match (can_share, alive_board) {
            (false, _) => Some(Refusal::Closed),
            (_, false) => Some(self.no_board(board)),
            _ => (in_call && !may_carry).then_some(Refusal::InCall),
        };
        if let Some(refusal) = refusal {
            self.note_refused(tid, Some(board), refusal);
            return Ok(false);
        }
        if alive(ptrace::fault_is_pending(tid), "look for signals")?.unwrap_or(true) {
            // It belongs to these registers: it is delivered before anything else happens.
            self.note_refused(tid, Some(board), Refusal::Signal);
            return Ok(false);
        }
        if alive(ptrace::signal_is_pending(tid), "look for signals")?.unwrap_or(true) {
            // Perhaps by the call that the thread has just made: its handler runs first.
            self.wake_by(Instant::now() + ASK_AGAIN);
            self.note_refused(tid, Some(board), Refusal::Signal);
            return Ok(false);
        }
        self.stats
            .freeze
            .record_ns(self.threads[&tid].wanted_since.elapsed().as_nanos() as u64);
        if self.setup.is_none() {
            if self.has_cpu_timer() {
                self.stay_home()?;
                self.note_refused(tid, Some(board), Refusal::Closed);
                return Ok(false);
            }
            if !self.may_set_up(tid) {
                self.note_refused(tid, Some(board), Refusal::Unready);
                return Ok(false);
            }
            self.set_up(tid)?;
            if self.setup.is_none() || self.stays {
                return Ok(false);
            }
        }
        if self.is_foreign(board) {
            // A thread that waits in a call may wait for long: it is left where it is.
            return match in_call {
                true => self.stays(tid, Stay::InCall),
                false => self.ask_to_leave(tid, board, &regs),
            }
            .map(|()| false);
        }
        if !self.leave_rseq(tid)? {
            if let Some(thread) = self.threads.get_mut(&tid) {
                thread.home_until = Some(Instant::now() + STAY_WITH_RSEQ);
            }
            self.note_refused(tid, Some(board), Refusal::RestartableSequence);
            return Ok(false);
        }
        let setup = self.setup.as_ref().expect("just made");
        if setup.vdso.contains(regs.pc()) {
            // On a board other code is there. It will have left soon.
            self.wake_by(Instant::now() + ASK_AGAIN);
            self.note_refused(tid, Some(board), Refusal::Vdso);
            return Ok(false);
        }
        let stub = setup.stub;
        let extended = match ptrace::extended(tid) {
            Err(e) if e.kind() == std::io::ErrorKind::Unsupported => {
                // What it has there cannot travel. It may be done with that soon.
                self.wake_by(Instant::now() + ASK_AGAIN);
                self.note_refused(tid, Some(board), Refusal::ProcessorState);
                return Ok(false);
            }
            read => alive(read, "read extended registers")?,
        };
        let Some(extended) = extended else {
            return Ok(false);
        };
        if in_call {
            let confirmed = arch::confirm_restart(self.pid, tid, &mut regs);
            if self.unless_ended(confirmed)?.is_none() {
                return Ok(false);
            }
        }
        let in_call = in_call && regs.call_in_progress().is_some();
        let mut shadow_regs = regs;
        let mut call = None;
        if in_call {
            // The shadow goes on with it; on the board the thread makes it anew, to wait for that.
            if !regs.call_will_restart() {
                self.note_deadline(tid, &regs);
                shadow_regs.restart_unless_handled();
            }
            shadow_regs.move_call(stub.gadget());
            if let Some(remainder) = self.remainders.get(&tid) {
                let (nr, args) = remainder.whole();
                regs.make_instead(nr as u64, args);
            }
            call = regs.call_in_progress().map(|nr| PendingCall {
                seq: CARRIED,
                nr: nr as i64,
                args: regs.call_arguments(),
                since: Instant::now(),
                state: CallState::Running,
                left: Some(shadow_regs.result()),
                sp: 0,
                owed: None,
            });
            regs.rewind_call();
        } else {
            regs.leave_call();
            shadow_regs.set_pc(stub.park());
            shadow_regs.finish_call(0);
        }
        if !self.stand(tid, &shadow_regs, 0)? {
            return Ok(false);
        }
        let thread = self.threads.get_mut(&tid).expect("just seen");
        thread.counters.offloads += 1;
        thread.handler = None;
        let shadow = match call {
            Some(_) => Shadow::Calling,
            None => Shadow::Parked,
        };
        thread.place = Place::Away(Box::new(Away {
            call,
            ..Away::sent(board, shadow)
        }));
        self.note_leaves(tid, board, "");
        self.tell(ToPager::Start {
            board,
            tid,
            begin: Begin::Here {
                registers: Box::new(regs),
                extended,
            },
            call: call.map(|c| CarriedCall {
                seq: c.seq,
                nr: c.nr,
            }),
        });
        self.resume(tid, 0)?;
        Ok(true)
    }

    /// A thread runs on its board.
    pub(super) fn on_started(&mut self, tid: Tid) -> Result<(), JobError> {
        if let Some(away) = self.threads.get_mut(&tid).and_then(Thread::away) {
            let ns = |since: Instant| since.elapsed().as_nanos() as u64;
            away.started = Some(Instant::now());
            match away.crossing.take() {
                Some(since) => {
                    away.crossed_in = since.elapsed();
                    self.stats.crossing.record_ns(ns(since));
                    if let Some(parked) = away.parked {
                        self.stats.from_point.record_ns(ns(parked));
                    }
                }
                None => self.stats.offload.record_ns(ns(away.sent)),
            }
            let board = away.board;
            self.note_runs(tid, board);
        }
        self.begin_respite(tid)
    }
}
