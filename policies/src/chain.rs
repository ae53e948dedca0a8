//! A chain of policies: the first decision for a thread wins.
//!
//! Each policy of a chain sees what the ones before it have decided: a thread that was decided about
//! counts as moving, the board that it goes to as having it, and boards that an earlier policy
//! [closes](Policy::closes) as closed.

use std::time::Duration;

use crate::{Action, Decision, Place, Policy, Snapshot};

/// Several policies as one.
pub struct Chain {
    name: String,
    links: Vec<Box<dyn Policy>>,
}

impl Chain {
    pub(crate) fn new(links: Vec<Box<dyn Policy>>) -> Self {
        let names: Vec<&str> = links.iter().map(|link| link.name()).collect();
        Self {
            name: names.join("+"),
            links,
        }
    }
}

impl Policy for Chain {
    fn name(&self) -> &str {
        &self.name
    }

    fn decide(&mut self, snapshot: &Snapshot) -> Vec<Decision> {
        let mut seen = snapshot.clone();
        let mut decisions: Vec<Decision> = Vec::new();
        for link in &mut self.links {
            for decision in link.decide(&seen) {
                if decisions.iter().all(|d| d.tid != decision.tid) {
                    decisions.push(decision);
                }
            }
            let closed = link.closes(&seen);
            for board in &mut seen.boards {
                board.closed |= closed.contains(&board.id);
            }
            take_effect(&mut seen, snapshot, &decisions);
        }
        decisions
    }

    fn wants_ticks(&self) -> Option<Duration> {
        self.links
            .iter()
            .filter_map(|link| link.wants_ticks())
            .min()
    }

    fn wants_figures(&self) -> bool {
        self.links.iter().any(|link| link.wants_figures())
    }

    fn can_offload(&self) -> bool {
        self.links.iter().any(|link| link.can_offload())
    }

    fn moves_blocked(&self) -> bool {
        self.links.iter().any(|link| link.moves_blocked())
    }

    fn why_here(&self, tid: i32) -> Option<String> {
        self.links.iter().find_map(|link| link.why_here(tid))
    }

    fn complaint(&mut self) -> Option<String> {
        self.links.iter_mut().find_map(|link| link.complaint())
    }
}

/// Shows in `seen` what has been decided on the grounds of `snapshot`.
fn take_effect(seen: &mut Snapshot, snapshot: &Snapshot, decisions: &[Decision]) {
    for (board, was) in seen.boards.iter_mut().zip(&snapshot.boards) {
        board.threads = was.threads;
        board.node.runnable = was.node.runnable;
    }
    for decision in decisions {
        if let Action::Offload { board } = decision.action
            && let Some(board) = seen.boards.iter_mut().find(|b| b.id == board)
        {
            board.add_thread();
        }
        let thread = seen.threads.iter_mut().find(|t| t.tid == decision.tid);
        if let Some(thread) = thread
            && !matches!(decision.action, Action::AtSync(_))
        {
            thread.moving |= matches!(thread.place, Place::Home | Place::Board(_));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{board, thread};

    /// Sends threads to a board, or closes boards.
    struct Sends(Vec<(i32, u8)>, Vec<u8>);

    impl Policy for Sends {
        fn name(&self) -> &str {
            "sends"
        }

        fn decide(&mut self, snapshot: &Snapshot) -> Vec<Decision> {
            let open = |id: u8| snapshot.board(id).is_some_and(|b| b.free_slots() > 0);
            let sent = self.0.iter().filter(|(_, board)| open(*board));
            sent.map(|(tid, board)| Decision::offload(*tid, *board, String::new()))
                .collect()
        }

        fn closes(&mut self, _: &Snapshot) -> Vec<u8> {
            self.1.clone()
        }
    }

    fn decided(links: Vec<Sends>, slots: u32) -> Vec<(i32, Action)> {
        let mut snapshot = Snapshot {
            boards: vec![board(1), board(2)],
            threads: (1..=4).map(thread).collect(),
            ..Snapshot::default()
        };
        snapshot.boards[0].slots = slots;
        let links = links.into_iter().map(|l| Box::new(l) as Box<dyn Policy>);
        let decisions = Chain::new(links.collect()).decide(&snapshot);
        decisions.iter().map(|d| (d.tid, d.action)).collect()
    }

    #[test]
    fn the_first_decision_for_a_thread_wins() {
        let links = vec![
            Sends(vec![(2, 1)], vec![]),
            Sends(vec![(2, 2), (3, 2)], vec![]),
        ];
        let to = |board| Action::Offload { board };
        assert_eq!(decided(links, 0), [(2, to(1)), (3, to(2))]);
    }

    #[test]
    fn later_policies_see_what_was_decided_and_closed() {
        let links = vec![
            Sends(vec![(2, 1)], vec![2]),
            Sends(vec![(3, 1), (4, 2)], vec![]),
        ];
        let to = |board| Action::Offload { board };
        assert_eq!(decided(links, 1), [(2, to(1))], "1 is full then, 2 closed");
    }
}
