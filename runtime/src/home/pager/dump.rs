//! The pager's part of the job's state in words, and its watch for pages that do not come.

use std::collections::BTreeMap;
use std::time::Instant;

use super::Staged;
use super::run::Pager;
use crate::coherence::{NodeId, Page};
use crate::home::messages::{BoardId, ToSupervisor};
use crate::wire::message::Describe;

/// Pages that are described at most.
const MOST: usize = 32;

/// Takes that boards have not answered, by tag: the page, and since when they have been seen so.
#[derive(Default)]
pub(super) struct Unanswered(BTreeMap<u64, (Page, NodeId, Instant)>);

impl Pager {
    /// Tells the state of this side, and has the boards tell theirs.
    pub(super) fn describe(&mut self) {
        let mut lines: Vec<String> = (1..)
            .zip(&self.boards)
            .map(|(id, board)| match &board.lost {
                Some(reason) => format!("board {id} is lost: {reason}"),
                None => format!(
                    "board {id}: {} mappings, {} messages to send",
                    board.mapped.iter().count(),
                    board.staged.len()
                ),
            })
            .collect();
        match &self.share {
            Some(share) => {
                let busy: Vec<Page> = share.directory.busy_pages().collect();
                lines.push(format!("pages with something going on: {}", busy.len()));
                let shown = busy.iter().take(MOST);
                lines.extend(shown.map(|page| share.directory.describe(*page)));
                lines.extend(share.node.table.describe(MOST));
            }
            None => lines.push("nothing is shared".into()),
        }
        self.notify(ToSupervisor::State {
            who: "the pager".into(),
            complaint: String::new(),
            text: lines.join("\n"),
        });
        for board in 1..=self.boards.len() as BoardId {
            self.stage(board, Staged::Other(Describe {}.into()));
        }
    }

    /// Complains, now and then, of a page that has not come for too long.
    pub(super) fn look_for_stuck(&mut self, now: Instant) {
        if !self.patience.is_due(now) || self.frozen {
            return;
        }
        let Some(share) = &self.share else { return };
        let mut still = BTreeMap::new();
        for (page, tag, node) in share.directory.unanswered() {
            let since = self
                .unanswered
                .0
                .get(&tag)
                .map_or(now, |(_, _, since)| *since);
            still.insert(tag, (page, node, since));
        }
        self.unanswered.0 = still;
        let mut unanswered = self.unanswered.0.values();
        let kept = unanswered.find(|(_, _, since)| self.patience.is_over(*since, now));
        let kept = kept.map(|(page, node, _)| match *node {
            NodeId::HOME => format!("this side does not give up page {page:#x}"),
            NodeId(board) => format!("board {board} does not give up page {page:#x}"),
        });
        let wait = share.node.oldest_wait();
        let wait = wait.filter(|(_, since)| self.patience.is_over(*since, now));
        let wait = wait.map(|(page, _)| format!("page {page:#x} does not come home"));
        if let Some(complaint) = kept.or(wait) {
            self.notify(ToSupervisor::State {
                who: "the pager".into(),
                complaint,
                text: String::new(),
            });
        }
    }
}
