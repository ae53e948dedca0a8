//! `static`: every child thread is offloaded as soon as it exists.
//!
//! Threads are dealt to the live boards in turn, oldest first. A thread that came home, for a
//! signal for instance, goes back to the board it was dealt to, where its pages are. Whether a
//! thread wants a core just now does not matter here; what must stay at home for a while is
//! pinned by the runtime.

use std::collections::BTreeMap;

use crate::{Action, BoardLoad, Decision, Place, Policy, Snapshot, ThreadView};

/// Deals child threads to boards, round robin.
#[derive(Debug, Clone, Default)]
pub struct Static {
    /// The board each live thread was dealt to, by tid.
    dealt: BTreeMap<i32, u8>,
    /// How many threads were dealt; gives the board whose turn it is.
    turns: usize,
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

        let mut decisions = Vec::new();
        for thread in leaving {
            let Some((index, reason)) = self.choose(thread.tid, &boards) else {
                continue;
            };
            let board = &mut boards[index];
            board.threads = board.threads.saturating_add(1);
            self.dealt.insert(thread.tid, board.id);
            decisions.push(Decision {
                tid: thread.tid,
                action: Action::Offload { board: board.id },
                reason,
            });
        }
        decisions
    }
}

impl Static {
    /// Forgets threads that have exited and takes note of where the others run.
    fn remember_only_live(&mut self, threads: &[ThreadView]) {
        self.dealt
            .retain(|tid, _| threads.iter().any(|t| t.tid == *tid));
        for thread in threads {
            if let Place::Board(id) = thread.place {
                self.dealt.insert(thread.tid, id);
            }
        }
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
    use crate::ThreadState;

    fn thread(tid: i32) -> ThreadView {
        ThreadView {
            tid,
            is_main: tid == 1,
            place: Place::Home,
            state: ThreadState::Running,
            cpu_ns: 0,
            run_delay_ns: 0,
            faults: 0,
            home_calls: 0,
            born_ms: tid as u64,
            moving: false,
            pinned: false,
        }
    }

    fn snapshot(tids: std::ops::RangeInclusive<i32>, slots: &[u32]) -> Snapshot {
        let board = |(id, slots): (usize, &u32)| BoardLoad {
            id: id as u8,
            name: format!("b{id}"),
            slots: *slots,
            alive: true,
            cores: 4,
            ..BoardLoad::default()
        };
        Snapshot {
            boards: slots.iter().enumerate().map(board).collect(),
            threads: tids.map(thread).collect(),
            ..Snapshot::default()
        }
    }

    fn moves(decisions: &[Decision]) -> Vec<(i32, Action)> {
        decisions.iter().map(|d| (d.tid, d.action)).collect()
    }

    fn to(board: u8) -> Action {
        Action::Offload { board }
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
    fn full_and_dead_boards_are_skipped() {
        let mut now = snapshot(1..=4, &[1, 0, 0]);
        now.boards[2].alive = false;
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
    fn exited_threads_are_forgotten() {
        let mut policy = Static::default();
        policy.decide(&snapshot(1..=9, &[0, 0]));
        policy.decide(&snapshot(1..=1, &[0, 0]));
        assert!(policy.dealt.is_empty());
    }
}
