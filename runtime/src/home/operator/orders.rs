//! Orders of the operator that are not carried out yet: plain data, and what is to be done next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use rtx_policies::{Place, Request};

use super::Reply;
use crate::guest::ptrace::Tid;
use crate::home::messages::BoardId;

/// How long a thread may take to go where it is ordered. One that waits in a call stays where it is.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a thread is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target(pub Option<BoardId>);

impl Target {
    /// The order as policies hear of it.
    pub fn request(self, tid: Tid) -> Request {
        Request {
            tid: Some(tid),
            to: self.0.map_or(Place::Home, Place::Board),
        }
    }
}

struct Move {
    target: Target,
    since: Instant,
    reply: Sender<Reply>,
}

struct Drain {
    name: String,
    /// Its threads that have been asked to come home.
    threads: BTreeSet<Tid>,
    /// It has nothing to do with a thread any more: its pages come home.
    releasing: bool,
    reply: Sender<Reply>,
}

/// What has been ordered.
#[derive(Default)]
pub struct Orders {
    moves: BTreeMap<Tid, Move>,
    drains: BTreeMap<BoardId, Drain>,
    joining: BTreeMap<u64, Sender<Reply>>,
    last_join: u64,
}

impl Orders {
    /// Nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.moves.is_empty() && self.drains.is_empty() && self.joining.is_empty()
    }

    /// Whether a thread has been ordered somewhere: no policy moves it meanwhile.
    pub fn has(&self, tid: Tid) -> bool {
        self.moves.contains_key(&tid)
    }

    /// Orders a thread somewhere; a later order replaces an earlier one.
    pub fn move_to(&mut self, tid: Tid, target: Target, now: Instant, reply: Sender<Reply>) {
        let order = Move {
            target,
            since: now,
            reply,
        };
        if let Some(earlier) = self.moves.insert(tid, order) {
            answer(
                &earlier.reply,
                Reply::Refused("another order followed".into()),
            );
        }
    }

    /// The threads that have been ordered somewhere.
    pub fn moves(&self) -> Vec<(Tid, Target)> {
        self.moves.iter().map(|(tid, m)| (*tid, m.target)).collect()
    }

    /// An order about a thread ends.
    pub fn moved(&mut self, tid: Tid, reply: Reply) {
        if let Some(order) = self.moves.remove(&tid) {
            answer(&order.reply, reply);
        }
    }

    /// Gives up on threads that do not come to where they are ordered.
    pub fn give_up(&mut self, now: Instant) {
        let late = |m: &Move| now.duration_since(m.since) >= PATIENCE;
        let late: Vec<Tid> = self
            .moves
            .iter()
            .filter(|(_, m)| late(m))
            .map(|(tid, _)| *tid)
            .collect();
        for tid in late {
            let seconds = PATIENCE.as_secs();
            let why = format!(
                "thread {tid} has not come to where it could move within {seconds} s: it waits in a call, or must \
                 stay where it is"
            );
            self.moved(tid, Reply::Refused(why));
        }
    }

    /// A board is to leave. False: it is already.
    pub fn drain(&mut self, board: BoardId, name: &str, reply: Sender<Reply>) -> bool {
        if self.drains.contains_key(&board) {
            answer(
                &reply,
                Reply::Refused(format!("board {name} leaves already")),
            );
            return false;
        }
        let drain = Drain {
            name: name.to_owned(),
            threads: BTreeSet::new(),
            releasing: false,
            reply,
        };
        self.drains.insert(board, drain);
        true
    }

    /// Boards that still have, or may get, threads; and those that have been asked for their pages.
    pub fn draining(&self) -> impl Iterator<Item = (BoardId, bool)> + '_ {
        self.drains.iter().map(|(board, d)| (*board, d.releasing))
    }

    /// A thread of a board that leaves is asked to come home.
    pub fn comes_home(&mut self, board: BoardId, tid: Tid) {
        if let Some(drain) = self.drains.get_mut(&board) {
            drain.threads.insert(tid);
        }
    }

    /// A board has no threads any more.
    pub fn release(&mut self, board: BoardId) {
        if let Some(drain) = self.drains.get_mut(&board) {
            drain.releasing = true;
        }
    }

    /// A board has left: so many pages were only there.
    pub fn left(&mut self, board: BoardId, pages: u64) {
        if let Some(drain) = self.drains.remove(&board) {
            let (name, threads) = (drain.name, drain.threads.len());
            let text =
                format!("board {name} has left: {threads} threads and {pages} pages came home");
            answer(&drain.reply, Reply::Done(text));
        }
    }

    /// A board that was to leave is lost, having held nothing.
    pub fn lost(&mut self, board: BoardId, reason: &str) {
        if let Some(drain) = self.drains.remove(&board) {
            let text = format!("board {} is gone ({reason}); it held nothing", drain.name);
            answer(&drain.reply, Reply::Done(text));
        }
    }

    /// A board is to be taken; by what its answer will be known.
    pub fn join(&mut self, reply: Sender<Reply>) -> u64 {
        self.last_join += 1;
        self.joining.insert(self.last_join, reply);
        self.last_join
    }

    /// A board has been taken, or cannot be.
    pub fn joined(&mut self, token: u64, reply: Reply) {
        if let Some(waiting) = self.joining.remove(&token) {
            answer(&waiting, reply);
        }
    }
}

/// Answers; who has stopped waiting does not hear it.
pub fn answer(to: &Sender<Reply>, reply: Reply) {
    let _ = to.send(reply);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, channel};

    fn refused(from: &Receiver<Reply>) -> bool {
        matches!(from.try_recv(), Ok(Reply::Refused(_)))
    }

    #[test]
    fn a_later_order_replaces_an_earlier_one() {
        let (mut orders, now) = (Orders::default(), Instant::now());
        let (first, heard_first) = channel();
        let (second, heard_second) = channel();
        orders.move_to(7, Target(Some(1)), now, first);
        orders.move_to(7, Target(None), now, second);
        assert!(refused(&heard_first));
        assert_eq!(orders.moves(), [(7, Target(None))]);
        orders.moved(7, Reply::Done("there".into()));
        assert_eq!(heard_second.try_recv(), Ok(Reply::Done("there".into())));
        assert!(orders.is_empty());
    }

    #[test]
    fn a_thread_that_does_not_come_is_given_up() {
        let (mut orders, now) = (Orders::default(), Instant::now());
        let (reply, heard) = channel();
        orders.move_to(7, Target(None), now, reply);
        orders.give_up(now + PATIENCE / 2);
        assert!(orders.has(7));
        orders.give_up(now + PATIENCE);
        assert!(!orders.has(7) && refused(&heard));
    }

    #[test]
    fn a_board_leaves_once() {
        let mut orders = Orders::default();
        let (reply, heard) = channel();
        assert!(orders.drain(2, "pi", reply));
        let (again, told) = channel();
        assert!(!orders.drain(2, "pi", again) && refused(&told));
        orders.comes_home(2, 7);
        orders.comes_home(2, 7);
        orders.release(2);
        assert_eq!(orders.draining().collect::<Vec<_>>(), [(2, true)]);
        orders.left(2, 30);
        let text = "board pi has left: 1 threads and 30 pages came home";
        assert_eq!(heard.try_recv(), Ok(Reply::Done(text.into())));
    }

    #[test]
    fn who_waits_no_more_is_not_missed() {
        let mut orders = Orders::default();
        let (reply, heard) = channel();
        drop(heard);
        let token = orders.join(reply);
        orders.joined(token, Reply::Refused("no".into()));
        assert!(orders.is_empty());
    }
}
