//! A board joins a running job: the pager reaches it, the supervisor takes it or sends it away.

use std::sync::mpsc::Sender;

use super::Reply;
use super::orders::answer;
use crate::guest::low;
use crate::home::job::BoardFacts;
use crate::home::journal::Decision;
use crate::home::messages::ToPager;
use crate::home::supervisor::Supervisor;

impl Supervisor {
    /// Has a board reached.
    pub(super) fn join(&mut self, address: String, reply: Sender<Reply>) {
        let why_not = if !self.policy.can_offload() {
            Some(format!("policy {} offloads nothing", self.policy.name()))
        } else if self.closed || self.stays {
            Some("the program stays at home for good".to_owned())
        } else {
            None
        };
        if let Some(why) = why_not {
            return answer(&reply, Reply::Refused(why));
        }
        let token = self.orders.join(reply);
        self.tell(ToPager::Reach { token, address });
    }

    /// A board has been reached, or not. It has the next number.
    pub(in crate::home) fn on_reached(&mut self, token: u64, reached: Result<BoardFacts, String>) {
        let reply = match reached {
            Ok(facts) => {
                let name = facts.name.clone();
                self.boards.push(facts);
                match self.why_not(self.boards.len() as u8) {
                    None => {
                        self.decided(
                            self.pid,
                            Decision::Other("join"),
                            &format!("board {name} has joined"),
                        );
                        Reply::Done(format!("board {name} has joined"))
                    }
                    Some(why) => {
                        // It has a number, but is not used.
                        let board = self.boards.len() as u8;
                        self.facts_mut(board).draining = true;
                        self.tell(ToPager::Release { board });
                        Reply::Refused(why)
                    }
                }
            }
            Err(why) => Reply::Refused(why),
        };
        self.orders.joined(token, reply);
    }

    /// Why a board that has been reached cannot have threads.
    fn why_not(&self, board: u8) -> Option<String> {
        let facts = self.facts(board);
        if !facts.is_of_other_isa() {
            return None;
        }
        match low::is_low(self.pid) {
            Ok(true) => None,
            Ok(false) => Some(format!(
                "board {} is {}, and the program has memory where {} has none",
                facts.name, facts.isa, facts.isa
            )),
            Err(e) => Some(format!("cannot read the program's mappings: {e}")),
        }
    }
}
