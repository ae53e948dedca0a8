//! Boards that join while the job runs: one that listens, or one more on this machine, which is started first.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::oneshot;

use super::Staged;
use super::link::{self, Reached};
use super::run::{Board, BoardAddress, Pager, Streams};
use crate::coherence::NodeId;
use crate::home::messages::{BoardId, ToSupervisor};
use crate::report::chain;
use crate::wire::message::Freeze;

/// In place of an address: one more board on this machine.
pub const LOCAL: &str = "local";

/// Starts agents while a job runs.
pub trait Starter: Send + Sync {
    /// Has one more agent started on this machine, and does not wait for it. The answer says where it listens, or
    /// why it does not, in words; if the answer is dropped, the job ends.
    fn start_here(&self, answer: Box<dyn FnOnce(Result<BoardAddress, String>) + Send>);
}

/// Where boards are, and who starts more.
pub struct Roster {
    /// Those with which the job began, as the user has named them.
    pub addresses: Vec<BoardAddress>,
    pub starter: Arc<dyn Starter>,
}

/// A board that has been reached, or why not, in words.
pub(super) type Joined = Result<Reached, String>;

/// Boards that are being reached, by what the supervisor knows them by.
pub(super) type Joining = FuturesUnordered<BoxFuture<'static, (u64, Joined)>>;

impl Pager {
    /// Has a board reached.
    pub(super) fn reach(&mut self, token: u64, address: String) {
        let started = (address == LOCAL).then(|| {
            let (answer, started) = oneshot::channel();
            // Nobody waits any more if the job has ended.
            let told = |board| drop(answer.send(board));
            self.roster.starter.start_here(Box::new(told));
            started
        });
        let known = self.known(address);
        let (pair, settings) = (self.pair.clone(), self.settings);
        let reached = async move {
            let board = match started {
                Some(started) => match started.await {
                    Ok(board) => board?,
                    Err(_) => return Err("the job ends".to_owned()),
                },
                None => known,
            };
            let reached = link::reach_one(board, pair, settings).await;
            reached.map_err(|e| chain(&e))
        };
        self.joining.push(reached.map(move |r| (token, r)).boxed());
    }

    /// A board has been reached, or not: it has the next number.
    pub(super) fn joined(&mut self, token: u64, joined: Joined, streams: &mut Streams) {
        let id = self.boards.len() + 1;
        let board = match joined {
            Err(why) => Err(why),
            Ok(_) if id >= usize::from(NodeId::LIMIT) => {
                let most = NodeId::LIMIT - 1;
                Err(format!(
                    "a job has at most {most} boards, those that have left included"
                ))
            }
            Ok((link, stream, facts)) => {
                let id = id as BoardId;
                streams.push(stream.map(move |message| (id, message)).boxed());
                self.boards.push(Board::new(link, facts.clone()));
                if self.frozen {
                    self.stage(id, Staged::Other(Freeze {}.into()));
                }
                Ok(facts)
            }
        };
        self.notify(ToSupervisor::Reached { token, board });
    }

    /// What is known of the board at an address: it may have left, and join again.
    fn known(&self, address: String) -> BoardAddress {
        let known = self.roster.addresses.iter().find(|b| b.address == address);
        known.cloned().unwrap_or_else(|| BoardAddress {
            address,
            ..BoardAddress::default()
        })
    }
}
