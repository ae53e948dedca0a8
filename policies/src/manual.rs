//! `manual`: threads move when the user asks, and only then.
//!
//! What is asked for holds until something else is: a thread that came home for a signal goes back.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::decision::evacuate;
use crate::spec::Values;
use crate::{Decision, Place, Policy, Snapshot};

/// Moves threads as it is asked to.
#[derive(Debug, Clone)]
pub struct Manual {
    tick: Duration,
    wanted: BTreeMap<i32, Place>,
}

impl Manual {
    pub(crate) fn new(values: &Values) -> Self {
        Self {
            tick: Duration::from_millis(values.ms("tick")),
            wanted: BTreeMap::new(),
        }
    }
}

impl Policy for Manual {
    fn name(&self) -> &str {
        "manual"
    }

    fn decide(&mut self, snapshot: &Snapshot) -> Vec<Decision> {
        for request in &snapshot.requests {
            let named = snapshot.threads.iter().filter(|t| match request.tid {
                Some(tid) => t.tid == tid,
                None => !t.is_main,
            });
            self.wanted.extend(named.map(|t| (t.tid, request.to)));
        }
        self.wanted
            .retain(|tid, _| snapshot.threads.iter().any(|t| t.tid == *tid));
        let mut decisions = evacuate(snapshot);
        let mut boards = snapshot.boards.clone();
        for thread in &snapshot.threads {
            let Some(wanted) = self.wanted.get(&thread.tid) else {
                continue;
            };
            if *wanted == thread.place || decisions.iter().any(|d| d.tid == thread.tid) {
                continue;
            }
            // From board to board the way is by home.
            if thread.may_return().is_some() {
                let reason = "asked for by the user".to_owned();
                decisions.push(Decision::recall(thread.tid, reason));
                continue;
            }
            let Place::Board(id) = *wanted else { continue };
            let open = boards.iter_mut().find(|b| b.id == id && b.free_slots() > 0);
            if let Some(board) = open
                && thread.may_leave()
            {
                board.add_thread();
                let reason = format!("asked for by the user: {}", board.name);
                decisions.push(Decision::offload(thread.tid, id, reason));
            }
        }
        decisions
    }

    fn wants_ticks(&self) -> Option<Duration> {
        Some(self.tick)
    }

    fn wants_figures(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{board, moves, thread, to};
    use crate::{Action, Request, by_name};

    fn now(requests: &[(Option<i32>, Place)]) -> Snapshot {
        Snapshot {
            boards: vec![board(1), board(2)],
            threads: (1..=3).map(thread).collect(),
            requests: requests
                .iter()
                .map(|(tid, to)| Request { tid: *tid, to: *to })
                .collect(),
            ..Snapshot::default()
        }
    }

    #[test]
    fn what_is_asked_for_holds() {
        let mut manual = by_name("manual").expect("known");
        assert_eq!(manual.decide(&now(&[])), []);
        let asked = now(&[(Some(2), Place::Board(2))]);
        assert_eq!(moves(&manual.decide(&asked)), [(2, to(2))]);
        assert_eq!(
            moves(&manual.decide(&now(&[]))),
            [(2, to(2))],
            "it has not left yet"
        );
        let mut there = now(&[]);
        there.threads[1].place = Place::Board(2);
        assert_eq!(manual.decide(&there), []);
        there.requests = now(&[(Some(2), Place::Board(1))]).requests;
        assert_eq!(moves(&manual.decide(&there)), [(2, Action::Recall)]);
        assert_eq!(moves(&manual.decide(&now(&[]))), [(2, to(1))], "by home");
    }

    #[test]
    fn all_can_be_asked_for_and_nobody_goes_where_nobody_may() {
        let mut manual = by_name("manual").expect("known");
        let all = now(&[(None, Place::Board(1)), (Some(9), Place::Board(1))]);
        assert_eq!(moves(&manual.decide(&all)), [(2, to(1)), (3, to(1))]);
        let mut dead = now(&[]);
        dead.boards[0].alive = false;
        assert_eq!(manual.decide(&dead), []);
        let mut draining = now(&[]);
        draining.boards[0].draining = true;
        draining.threads[1].place = Place::Board(1);
        assert_eq!(moves(&manual.decide(&draining)), [(2, Action::Recall)]);
    }

    #[test]
    fn the_main_thread_and_pinned_ones_wait() {
        let mut manual = by_name("manual").expect("known");
        let mut asked = now(&[(Some(1), Place::Board(1)), (Some(2), Place::Board(1))]);
        asked.threads[1].pinned = true;
        assert_eq!(manual.decide(&asked), []);
        assert_eq!(moves(&manual.decide(&now(&[]))), [(2, to(1))]);
    }
}
