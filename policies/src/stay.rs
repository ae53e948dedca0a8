//! Why threads stay at home, for who asks: kept as figures until then.

use std::fmt::{self, Display};

use crate::weigh::Weigh;
use crate::{BoardLoad, ThreadView};

/// Why a thread was left at home at the last look: a clause.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stay {
    First,
    Bound,
    Calm {
        runnable: u32,
        cores: u32,
    },
    Held {
        ms: u64,
    },
    Waits,
    Unshown,
    Unsettled,
    Full,
    Later,
    /// It is to leave if that is still so at the next look.
    Soon,
    Poor {
        here: f64,
        there: f64,
        board: String,
    },
    /// What a policy says in its own words.
    Said(String),
}

impl Display for Stay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |ms: u64| ms as f64 / 1000.0;
        match self {
            Stay::First => write!(f, "it is the program's first thread"),
            Stay::Bound => write!(f, "it had just been home for a call, or was on its way"),
            Stay::Calm { runnable, cores } => {
                write!(
                    f,
                    "home was not crowded for long enough ({runnable} runnable on {cores})"
                )
            }
            Stay::Held { ms } => {
                let s = seconds(*ms);
                write!(
                    f,
                    "threads got on worse on boards, so that nobody was to leave for {s:.1} s more"
                )
            }
            Stay::Waits => write!(f, "it waited for something else than a core"),
            Stay::Unshown => write!(f, "it had hardly had a core, or hardly wanted one"),
            Stay::Unsettled => {
                write!(f, "it had moved a moment before, or fared badly on a board")
            }
            Stay::Full => write!(f, "no board had room"),
            Stay::Later => write!(f, "others were to leave first"),
            Stay::Soon => write!(
                f,
                "it is to leave, if that is still so at the next look, and others are not to leave first"
            ),
            Stay::Said(why) => write!(f, "{why}"),
            Stay::Poor { here, there, board } => {
                let (here, there) = (here * 100.0, there * 100.0);
                write!(
                    f,
                    "it got {here:.0} % of a core at home, and {there:.0} % expected on {board} would not have paid for the move"
                )
            }
        }
    }
}

impl Stay {
    /// A thread that would not gain enough.
    pub(crate) fn poor(here: f64, there: f64, board: &BoardLoad) -> Self {
        let board = board.name.clone();
        Stay::Poor { here, there, board }
    }
}

impl Weigh {
    /// What keeps a thread at home without that anything is weighed.
    pub(crate) fn stays_anyway(&self, thread: &ThreadView, now_ms: u64) -> Option<Stay> {
        if thread.is_main {
            Some(Stay::First)
        } else if !thread.may_leave() {
            Some(Stay::Bound)
        } else if !self.is_busy(thread.tid) {
            Some(Stay::Unshown)
        } else if !self.is_settled(thread.tid, now_ms) {
            Some(Stay::Unsettled)
        } else {
            None
        }
    }
}
