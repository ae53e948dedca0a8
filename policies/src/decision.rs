//! What a policy answers.

use serde::{Deserialize, Serialize};

/// One move, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The thread to move.
    pub tid: i32,
    /// Where it is to go.
    pub action: Action,
    /// Why, in words for the user who asks what happened.
    pub reason: String,
}

/// Where a thread is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// From home to the board with this id.
    Offload {
        /// The board's [id](crate::BoardLoad::id).
        board: u8,
    },
    /// From its board to home.
    Recall,
}
