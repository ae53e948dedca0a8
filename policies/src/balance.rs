//! `balance`: every child thread goes to the board with the most room, and boards stay even.
//!
//! A thread leaves its board if another one has been emptier by a margin for several looks; it goes by
//! home, where it is given to the emptiest board again. Boards that are draining lose their threads.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::decision::evacuate;
use crate::spec::Values;
use crate::{BoardLoad, Decision, Place, Policy, Snapshot, ThreadState, ThreadView};

/// Spreads threads over boards by load.
#[derive(Debug, Clone)]
pub struct Balance {
    tick: Duration,
    margin: f64,
    lasting: u64,
    settle_ms: u64,
    looked_ms: Option<u64>,
    /// Looks in a row in which boards were uneven.
    uneven: u64,
    /// When threads were moved last, by tid.
    moved: BTreeMap<i32, u64>,
}

impl Balance {
    pub(crate) fn new(values: &Values) -> Self {
        Self {
            tick: Duration::from_millis(values.ms("tick")),
            margin: values.number("margin"),
            lasting: values.count("lasting"),
            settle_ms: values.ms("settle"),
            looked_ms: None,
            uneven: 0,
            moved: BTreeMap::new(),
        }
    }

    fn spread(&mut self, snapshot: &Snapshot) -> Vec<Decision> {
        let mut boards = snapshot.boards.clone();
        let mut leaving: Vec<&ThreadView> =
            snapshot.threads.iter().filter(|t| t.may_leave()).collect();
        leaving.sort_by_key(|t| (t.born_ms, t.tid));
        let mut decisions = Vec::new();
        for thread in leaving {
            let open = boards.iter_mut().filter(|b| b.free_slots() > 0);
            let Some(board) = open.min_by(|a, b| by_crowd(a, b)) else {
                break;
            };
            let reason = format!(
                "{} has the most room: {} threads for {} cores",
                board.name,
                crowd_of(board),
                board.node.cores
            );
            decisions.push(Decision::offload(thread.tid, board.id, reason));
            self.moved.insert(thread.tid, snapshot.time_ms);
            board.add_thread();
        }
        decisions
    }

    /// Recalls one thread of the fullest board, if another one has been emptier for long enough.
    fn even_out(&mut self, snapshot: &Snapshot) -> Option<Decision> {
        let used = snapshot
            .boards
            .iter()
            .filter(|b| b.is_open() && b.threads > 0);
        let full = used.max_by(|a, b| by_crowd(a, b).then(b.id.cmp(&a.id)))?;
        let open = snapshot
            .boards
            .iter()
            .filter(|b| b.free_slots() > 0 && b.id != full.id);
        let empty = open.min_by(|a, b| by_crowd(a, b))?;
        // The move must not just exchange the two.
        let after = crowd(full) - 1.0 / f64::from(full.node.cores.max(1));
        let gained = 1.0 / f64::from(empty.node.cores.max(1));
        if crowd(full) - crowd(empty) <= self.margin || after < crowd(empty) + gained {
            self.uneven = 0;
            return None;
        }
        self.uneven += 1;
        if self.uneven < self.lasting {
            return None;
        }
        let settled = |t: &ThreadView| {
            let moved = self.moved.get(&t.tid);
            moved.is_none_or(|moved| snapshot.time_ms >= moved + self.settle_ms)
        };
        let on_it = snapshot.threads.iter();
        // One that waits would come when it has waited, which may be never.
        let on_it = on_it.filter(|t| t.state == ThreadState::Running);
        let on_it = on_it.filter(|t| t.may_return() == Some(full.id) && settled(t));
        let thread = on_it.min_by_key(|t| (Reverse(t.born_ms), t.tid))?;
        self.uneven = 0;
        self.moved.insert(thread.tid, snapshot.time_ms);
        let reason = format!(
            "{} has {} threads for {} cores, {} {} for {}",
            full.name,
            crowd_of(full),
            full.node.cores,
            empty.name,
            crowd_of(empty),
            empty.node.cores
        );
        Some(Decision::recall(thread.tid, reason))
    }
}

/// Threads that want a core on a board: what it reports, or those that were sent there.
fn crowd_of(board: &BoardLoad) -> u32 {
    board.node.runnable.max(board.threads)
}

fn crowd(board: &BoardLoad) -> f64 {
    f64::from(crowd_of(board)) / (f64::from(board.node.cores.max(1)) * board.node.speed())
}

fn by_crowd(a: &BoardLoad, b: &BoardLoad) -> std::cmp::Ordering {
    crowd(a).total_cmp(&crowd(b)).then(a.id.cmp(&b.id))
}

impl Policy for Balance {
    fn name(&self) -> &str {
        "balance"
    }

    fn decide(&mut self, snapshot: &Snapshot) -> Vec<Decision> {
        self.moved
            .retain(|tid, _| snapshot.threads.iter().any(|t| t.tid == *tid));
        let mut decisions = self.spread(snapshot);
        decisions.extend(evacuate(snapshot));
        let tick = self.tick.as_millis() as u64;
        let early = |looked: u64| snapshot.time_ms < looked + tick / 2;
        let moving = snapshot
            .threads
            .iter()
            .any(|t| t.moving && t.place != Place::Home && t.state == ThreadState::Running);
        if !snapshot.measured || self.looked_ms.is_some_and(early) {
            return decisions;
        }
        self.looked_ms = Some(snapshot.time_ms);
        if decisions.is_empty() && !moving {
            decisions.extend(self.even_out(snapshot));
        }
        decisions
    }

    fn wants_ticks(&self) -> Option<Duration> {
        Some(self.tick)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::by_name;
    use crate::testing::{board, moves, thread, to};
    use crate::{Action, Place};

    fn policy() -> Box<dyn Policy> {
        by_name("balance:lasting=2,settle=1s").expect("known")
    }

    /// Board 1 with so many of the threads 2.., board 2 with the others of `threads`.
    fn placed(time_ms: u64, threads: i32, on_first: i32) -> Snapshot {
        let mut snapshot = Snapshot {
            time_ms,
            measured: true,
            boards: vec![board(1), board(2)],
            threads: (1..=threads).map(thread).collect(),
            ..Snapshot::default()
        };
        for index in 1..threads as usize {
            let to = u8::from(index as i32 > on_first);
            snapshot.threads[index].place = Place::Board(1 + to);
            snapshot.boards[usize::from(to)].add_thread();
        }
        snapshot
    }

    #[test]
    fn threads_go_where_there_is_most_room() {
        let mut now = placed(0, 1, 0);
        now.threads.extend((2..=5).map(thread));
        now.boards[0].node.runnable = 3;
        now.boards[1].node.cores = 8;
        let expected = [(2, to(2)), (3, to(2)), (4, to(2)), (5, to(2))];
        assert_eq!(moves(&policy().decide(&now)), expected);
    }

    #[test]
    fn a_fast_board_has_more_room() {
        let mut now = placed(0, 1, 0);
        now.threads.extend((2..=4).map(thread));
        now.boards[0].node.speed = Some(0.5);
        let expected = [(2, to(1)), (3, to(2)), (4, to(2))];
        assert_eq!(moves(&policy().decide(&now)), expected);
    }

    #[test]
    fn uneven_boards_are_evened_out_one_thread_at_a_time() {
        let mut policy = policy();
        assert_eq!(policy.decide(&placed(0, 9, 8)), []);
        let decisions = policy.decide(&placed(200, 9, 8));
        assert_eq!(moves(&decisions), [(9, Action::Recall)], "the youngest");
        assert_eq!(
            decisions[0].reason,
            "b1 has 8 threads for 4 cores, b2 0 for 4"
        );
        assert_eq!(
            policy.decide(&placed(400, 9, 6)),
            [],
            "less than a margin apart"
        );
    }

    #[test]
    fn boards_that_are_even_or_uneven_for_a_moment_are_left_alone() {
        let mut policy = policy();
        for look in 0..20 {
            let first = if look % 2 == 0 { 8 } else { 4 };
            assert_eq!(policy.decide(&placed(look * 200, 9, first)), []);
        }
    }

    #[test]
    fn a_draining_board_is_emptied() {
        let mut now = placed(0, 3, 2);
        now.boards[0].draining = true;
        let decisions = policy().decide(&now);
        assert_eq!(
            moves(&decisions),
            [(2, Action::Recall), (3, Action::Recall)]
        );
        now.threads[1].place = Place::Home;
        now.threads[2].moving = true;
        assert_eq!(moves(&policy().decide(&now)), [(2, to(2))]);
    }
}
