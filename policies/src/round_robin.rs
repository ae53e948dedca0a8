//! `static`: every child thread is offloaded as soon as it exists.
//!
//! Threads are dealt to the live boards in turn, oldest first, or go where a table says. A thread that
//! came home, for a signal for instance, goes back to the board it was dealt to, where its pages are.
//! Whether a thread wants a core just now does not matter here; what must stay at home for a while is
//! pinned by the runtime.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::decision::evacuate;
use crate::spec::Values;
use crate::{BoardLoad, Decision, Place, Policy, Snapshot, ThreadView};

/// Time between two looks at threads' names.
const NAMES_TICK: Duration = Duration::from_millis(100);

/// Deals child threads to boards, round robin or by a table.
#[derive(Debug, Clone, Default)]
pub struct Static {
    /// The board each live thread was dealt to, by tid.
    dealt: BTreeMap<i32, u8>,
    /// How many threads were dealt; gives the board whose turn it is.
    turns: usize,
    /// Where threads go, by number, name or `*`: the name of a board, or home.
    placement: Vec<(String, String)>,
    /// The table has names, which threads get after they were created: it must look again and again.
    by_name: bool,
    /// The number of each live thread, counted from the first child thread on; the main one's is 0.
    numbers: BTreeMap<i32, usize>,
    /// Threads seen so far.
    seen: usize,
}

impl Policy for Static {
    fn name(&self) -> &str {
        "static"
    }

    fn decide(&mut self, snapshot: &Snapshot) -> Vec<Decision> {
        self.remember_only_live(&snapshot.threads);
        let mut boards = snapshot.boards.clone();
        let mut leaving: Vec<&ThreadView> =
            snapshot.threads.iter().filter(|t| t.may_leave()).collect();
        leaving.sort_by_key(|t| (t.born_ms, t.tid));

        let mut decisions = evacuate(snapshot);
        for thread in leaving {
            let chosen = match self.placement.is_empty() {
                true => self.choose(thread.tid, &boards),
                false => self.look_up(thread, &boards),
            };
            let Some((index, reason)) = chosen else {
                continue;
            };
            let board = &mut boards[index];
            board.add_thread();
            self.dealt.insert(thread.tid, board.id);
            decisions.push(Decision::offload(thread.tid, board.id, reason));
        }
        decisions
    }

    fn wants_ticks(&self) -> Option<Duration> {
        self.by_name.then_some(NAMES_TICK)
    }

    fn wants_figures(&self) -> bool {
        self.by_name
    }
}

impl Static {
    pub(crate) fn new(values: &Values) -> Self {
        let placement = values.pairs("placement");
        let is_name = |key: &str| key != "*" && key.parse::<usize>().is_err();
        Self {
            by_name: placement.iter().any(|(key, _)| is_name(key)),
            placement,
            ..Self::default()
        }
    }

    /// Forgets threads that have exited, counts new ones, and takes note of where all run.
    fn remember_only_live(&mut self, threads: &[ThreadView]) {
        let live = |tid: &i32| threads.iter().any(|t| t.tid == *tid);
        self.dealt.retain(|tid, _| live(tid));
        self.numbers.retain(|tid, _| live(tid));
        let mut by_age: Vec<&ThreadView> = threads.iter().filter(|t| !t.is_main).collect();
        by_age.sort_by_key(|t| (t.born_ms, t.tid));
        for thread in by_age {
            if !self.numbers.contains_key(&thread.tid) {
                self.seen += 1;
                self.numbers.insert(thread.tid, self.seen);
            }
            if let Place::Board(id) = thread.place {
                self.dealt.insert(thread.tid, id);
            }
        }
    }

    /// Where the table has a thread go; `None` if it stays, or its board does not take it.
    fn look_up(&self, thread: &ThreadView, boards: &[BoardLoad]) -> Option<(usize, String)> {
        let number = self.numbers.get(&thread.tid)?.to_string();
        let row = |key: &str| self.placement.iter().find(|(k, _)| k == key);
        let (key, name) = row(&number)
            .or_else(|| row(&thread.name))
            .or_else(|| row("*"))?;
        let index = boards
            .iter()
            .position(|b| b.name == *name && b.free_slots() > 0)?;
        let reason = format!("the table has {key} on {name}");
        Some((index, reason))
    }

    /// Where a thread goes (an index into `boards`) and why; `None` if no board takes it.
    fn choose(&mut self, tid: i32, boards: &[BoardLoad]) -> Option<(usize, String)> {
        let takes = |index: &usize| boards[*index].free_slots() > 0;
        if let Some(own) = self.dealt.get(&tid) {
            let index = boards.iter().position(|b| b.id == *own).filter(takes);
            if let Some(index) = index {
                let reason = format!("back to its board {}", boards[index].name);
                return Some((index, reason));
            }
        }
        let index = (0..boards.len())
            .map(|step| (self.turns + step) % boards.len())
            .find(takes)?;
        self.turns = index + 1;
        let reason = format!(
            "every child thread goes to a board, {} is next",
            boards[index].name
        );
        Some((index, reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{board, moves, thread, to};
    use crate::{Action, by_name};

    fn snapshot(tids: std::ops::RangeInclusive<i32>, slots: &[u32]) -> Snapshot {
        let board = |(id, slots): (usize, &u32)| BoardLoad {
            slots: *slots,
            ..board(id as u8)
        };
        Snapshot {
            boards: slots.iter().enumerate().map(board).collect(),
            threads: tids.map(thread).collect(),
            ..Snapshot::default()
        }
    }

    #[test]
    fn children_are_dealt_in_turn_and_main_stays() {
        let decisions = Static::default().decide(&snapshot(1..=5, &[0, 0]));
        let expected = [(2, to(0)), (3, to(1)), (4, to(0)), (5, to(1))];
        assert_eq!(moves(&decisions), expected);
    }

    #[test]
    fn the_turn_continues_over_calls() {
        let mut policy = Static::default();
        let mut now = snapshot(1..=2, &[0, 0]);
        assert_eq!(moves(&policy.decide(&now)), [(2, to(0))]);
        now.threads[1].place = Place::Board(0);
        now.threads.push(thread(3));
        assert_eq!(moves(&policy.decide(&now)), [(3, to(1))]);
    }

    #[test]
    fn a_recalled_thread_goes_back_to_its_own_board_once_unpinned() {
        let mut policy = Static::default();
        let mut now = snapshot(1..=3, &[0, 0]);
        policy.decide(&now);
        now.threads[1].place = Place::Board(0);
        now.threads[2].pinned = true;
        assert_eq!(policy.decide(&now), []);
        now.threads[2].pinned = false;
        assert_eq!(moves(&policy.decide(&now)), [(3, to(1))]);
    }

    #[test]
    fn full_dead_and_draining_boards_are_skipped() {
        let mut now = snapshot(1..=4, &[1, 0, 0, 0]);
        now.boards[2].alive = false;
        now.boards[3].draining = true;
        let decisions = Static::default().decide(&now);
        assert_eq!(moves(&decisions), [(2, to(0)), (3, to(1)), (4, to(1))]);
    }

    #[test]
    fn nothing_moves_when_no_board_takes_it() {
        let mut now = snapshot(1..=4, &[1]);
        now.boards[0].threads = 1;
        assert_eq!(Static::default().decide(&now), []);
        now.boards.clear();
        assert_eq!(Static::default().decide(&now), []);
    }

    #[test]
    fn a_table_places_threads_by_number_name_and_rest() {
        let table = "static:placement=1@b1/t4@home/2@nowhere/*@b0";
        let mut policy = by_name(table).expect("understood");
        let mut now = snapshot(1..=5, &[0, 0]);
        let expected = [(2, to(1)), (5, to(0))];
        assert_eq!(moves(&policy.decide(&now)), expected);
        now.threads.remove(1);
        assert_eq!(moves(&policy.decide(&now)), [(5, to(0))], "numbers stay");
    }

    #[test]
    fn exited_threads_are_forgotten_and_draining_boards_left() {
        let mut policy = Static::default();
        policy.decide(&snapshot(1..=9, &[0, 0]));
        policy.decide(&snapshot(1..=1, &[0, 0]));
        assert!(policy.dealt.is_empty());
        let mut now = snapshot(1..=2, &[0, 0]);
        now.threads[1].place = Place::Board(0);
        now.boards[0].draining = true;
        assert_eq!(moves(&policy.decide(&now)), [(2, Action::Recall)]);
    }
}
