//! What a policy answers.

use serde::{Deserialize, Serialize};

use crate::{Snapshot, ThreadView};

/// What is to become of one thread, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The thread.
    pub tid: i32,
    /// What is to become of it.
    pub action: Action,
    /// Why, in words for the user who asks what happened.
    pub reason: String,
}

/// What is to become of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It goes from home to the board with this id.
    Offload {
        /// The board's [id](crate::BoardLoad::id).
        board: u8,
    },
    /// It comes from its board to home.
    Recall,
    /// It stays where it is; from now on this happens when it makes a synchronisation call on a board.
    AtSync(AtSync),
}

/// Where a thread goes on that home's kernel has completed a synchronisation call for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AtSync {
    /// On its board, at once.
    #[default]
    Immediate,
    /// At home, for so many milliseconds at least.
    StickyMs(u32),
    /// At home for good.
    Stay,
}

impl Decision {
    pub(crate) fn offload(tid: i32, board: u8, reason: String) -> Self {
        let action = Action::Offload { board };
        Self {
            tid,
            action,
            reason,
        }
    }

    pub(crate) fn recall(tid: i32, reason: String) -> Self {
        let action = Action::Recall;
        Self {
            tid,
            action,
            reason,
        }
    }
}

/// Recalls from boards that are to be emptied: what every policy does that moves threads at all.
pub(crate) fn evacuate(snapshot: &Snapshot) -> Vec<Decision> {
    let leaves = |thread: &ThreadView| {
        let board = snapshot.board(thread.may_return()?)?;
        board.draining.then(|| {
            let reason = format!("{} is to be emptied", board.name);
            Decision::recall(thread.tid, reason)
        })
    };
    snapshot.threads.iter().filter_map(leaves).collect()
}
