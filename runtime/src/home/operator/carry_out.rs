//! The supervisor carries out what the operator has ordered, a step at each of its ticks.

use std::collections::BTreeMap;
use std::time::Instant;

use super::orders::{Target, answer};
use super::status::Status;
use super::{Asked, Reply, Request};
use crate::guest::ptrace::{self, Tid};
use crate::home::error::JobError;
use crate::home::job::BoardFacts;
use crate::home::journal::Decision;
use crate::home::messages::{BoardId, ToPager};
use crate::home::moves::ASK_AGAIN;
use crate::home::supervisor::{Supervisor, alive};
use crate::home::thread::{AtHome, Place, Shadow, Thread};
use crate::report::{Account, RecallCause};

impl Supervisor {
    /// Takes up a request.
    pub(in crate::home) fn on_asked(&mut self, asked: Asked) -> Result<(), JobError> {
        let Asked { request, reply } = asked;
        let refuse = |why: String| answer(&reply, Reply::Refused(why));
        match request {
            // The pager knows the rest, and answers.
            Request::Status => {
                let status = Box::new(self.status());
                self.tell(ToPager::Look { status, reply });
            }
            Request::Explain => {
                let account = Box::new(self.to_explain());
                answer(&reply, Reply::Account(account));
            }
            Request::Move { tid, board } => match self.target(tid, board.as_deref()) {
                Ok(target) => {
                    // The policy may want to know: `manual` keeps the thread there.
                    self.asked_for.push(target.request(tid));
                    self.orders.move_to(tid, target, Instant::now(), reply);
                }
                Err(why) => refuse(why),
            },
            Request::Drain { board } => match self.named(&board) {
                Ok(id) => {
                    let name = self.facts(id).name.clone();
                    if self.orders.drain(id, &name, reply) {
                        self.facts_mut(id).draining = true;
                        let reason = format!("board {name} is to leave");
                        self.decided(self.pid, Decision::Other("drain"), &reason);
                    }
                }
                Err(why) => refuse(why),
            },
            Request::Add { address } => self.join(address, reply),
        }
        self.carry_out()
    }

    /// Does what can be done now.
    pub(in crate::home) fn carry_out(&mut self) -> Result<(), JobError> {
        if self.orders.is_empty() || self.group_stopped {
            return Ok(());
        }
        for (tid, target) in self.orders.moves() {
            self.move_on(tid, target)?;
        }
        self.orders.give_up(Instant::now());
        let draining: Vec<(BoardId, bool)> = self.orders.draining().collect();
        for (board, releasing) in draining {
            if !releasing && self.empty(board)? {
                self.orders.release(board);
                self.tell(ToPager::Release { board });
            }
        }
        if !self.orders.is_empty() {
            self.wake_by(Instant::now() + ASK_AGAIN);
        }
        Ok(())
    }

    /// A board has left.
    pub(in crate::home) fn on_left(&mut self, board: BoardId, pages: u64) {
        let facts = self.facts_mut(board);
        facts.alive = false;
        let reason = format!("board {} has left", facts.name);
        self.orders.left(board, pages);
        self.decided(self.pid, Decision::Other("drained"), &reason);
    }

    /// One board's facts.
    pub(in crate::home) fn facts(&self, board: BoardId) -> &BoardFacts {
        &self.boards[usize::from(board) - 1]
    }

    pub(in crate::home) fn facts_mut(&mut self, board: BoardId) -> &mut BoardFacts {
        &mut self.boards[usize::from(board) - 1]
    }

    /// The board of this name, address or number, if it is there and stays.
    fn named(&self, name: &str) -> Result<BoardId, String> {
        let fits = |(i, board): &(usize, &BoardFacts)| {
            board.name == name || board.address == name || (i + 1).to_string() == name
        };
        let there: Vec<_> = self.boards.iter().enumerate().filter(fits).collect();
        let mut lasting = there.iter().filter(|(_, board)| board.takes());
        match (lasting.next(), lasting.next(), there.is_empty()) {
            (Some((i, _)), None, _) => Ok(*i as BoardId + 1),
            (Some(_), Some(_), _) => Err(format!(
                "several boards are called {name}: name one by its address"
            )),
            (None, _, false) => Err(format!("board {name} is gone, or about to leave")),
            (None, _, true) => {
                let names: Vec<&str> = self.boards.iter().map(|b| b.name.as_str()).collect();
                let list = match names.is_empty() {
                    true => "it has none".to_owned(),
                    false => format!("its boards are {}", names.join(", ")),
                };
                Err(format!("the job has no board {name}; {list}"))
            }
        }
    }

    /// Where a thread is ordered, if that can be done at all.
    fn target(&self, tid: Tid, board: Option<&str>) -> Result<Target, String> {
        if !self.threads.contains_key(&tid) {
            return Err(format!("the program has no thread {tid}"));
        }
        let Some(name) = board else {
            return Ok(Target(None));
        };
        if self.closed || self.stays {
            return Err("the program stays at home for good".into());
        }
        self.named(name).map(|board| Target(Some(board)))
    }

    /// Moves a thread a step towards where it is ordered.
    fn move_on(&mut self, tid: Tid, target: Target) -> Result<(), JobError> {
        let Some(thread) = self.threads.get(&tid).filter(|t| !t.ending) else {
            self.orders
                .moved(tid, Reply::Refused(format!("thread {tid} has ended")));
            return Ok(());
        };
        let there = match &thread.place {
            Place::Home(_) => thread.needs().is_none().then_some(None),
            Place::Away(away) => away.started.is_some().then_some(Some(away.board)),
        };
        if there == Some(target.0) {
            if let Some(away) = self.threads.get_mut(&tid).and_then(Thread::away) {
                // Whatever the policy wanted.
                away.returns_then = false;
            }
            let text = match target.0 {
                Some(board) => format!("thread {tid} runs on board {}", self.facts(board).name),
                None => format!("thread {tid} runs at home"),
            };
            self.orders.moved(tid, Reply::Done(text));
            return Ok(());
        }
        match (&thread.place, target.0) {
            (Place::Home(_), None) => Ok(()),
            (Place::Home(_), Some(board)) if !self.facts(board).takes() => {
                let why = format!(
                    "board {} is gone, or about to leave",
                    self.facts(board).name
                );
                self.orders.moved(tid, Reply::Refused(why));
                Ok(())
            }
            (Place::Home(_), Some(board)) => {
                self.want(tid, board, None, "the operator wants it there")
            }
            (Place::Away(_), _) => self.bring_home(tid, RecallCause::Operator),
        }
    }

    /// Recalls a thread wherever it is, out of a call in which it waits too.
    pub(in crate::home) fn bring_home(
        &mut self,
        tid: Tid,
        cause: RecallCause,
    ) -> Result<(), JobError> {
        self.recall(tid, cause)?;
        // A foreign thread leaves at its next point, behind the call.
        if let Some(away) = self.threads.get_mut(&tid).and_then(Thread::away)
            && away.shadow == Shadow::Calling
            && !away.foreign
        {
            alive(ptrace::interrupt(tid), "interrupt a shadow")?;
        }
        Ok(())
    }

    /// Recalls the threads of a board that is to leave. True: none has to do with it any more.
    fn empty(&mut self, board: BoardId) -> Result<bool, JobError> {
        let bound = |t: &Thread| {
            let leaving = t.leaving.as_ref().is_some_and(|l| l.board == board);
            t.needs() == Some(board) || t.wanted == Some(board) || leaving
        };
        let there: Vec<(Tid, bool)> = self
            .threads
            .values()
            .filter(|t| bound(t))
            .map(|t| (t.tid, matches!(t.place, Place::Home(AtHome::Free))))
            .collect();
        for (tid, at_home) in &there {
            self.orders.comes_home(board, *tid);
            if !at_home {
                self.bring_home(*tid, RecallCause::Drained)?;
            }
        }
        Ok(there.is_empty())
    }

    /// Where threads were until now, and why.
    fn to_explain(&self) -> Account {
        let mut offloads = BTreeMap::new();
        let live = self.threads.iter();
        let live = live.map(|(tid, thread)| (*tid, thread.counters));
        for (tid, counters) in self.finished.all().into_iter().chain(live) {
            *offloads.entry(tid).or_default() += counters.offloads;
        }
        let stays = self.threads.values();
        let stays = stays.filter_map(|t| Some((t.tid, self.policy.why_here(t.tid)?)));
        Account {
            policy: self.policy.name().to_owned(),
            boards: self.boards.iter().map(|board| board.name.clone()).collect(),
            offloads,
            stays: stays.collect(),
            timeline: self.so_far(),
        }
    }

    fn status(&mut self) -> Status {
        Status {
            pid: self.pid,
            policy: self.policy.name().to_owned(),
            snapshot: self.snapshot(true),
            decisions: self.decisions.clone(),
            hot_pages: Vec::new(),
        }
    }
}
