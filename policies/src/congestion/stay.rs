//! Why threads stay at home, for who asks: kept as figures until then.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use super::Congestion;
use crate::{BoardLoad, Place, Snapshot, ThreadState, ThreadView};

/// Why a thread was left at home at the last look: a clause.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stay {
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
    Poor {
        here: f64,
        there: f64,
        board: String,
    },
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
    pub(super) fn poor(here: f64, there: f64, board: &BoardLoad) -> Self {
        let board = board.name.clone();
        Stay::Poor { here, there, board }
    }
}

impl Congestion {
    /// What keeps threads at home before anything is weighed; `count`: how many are too many there.
    pub(super) fn note_stays(&mut self, snapshot: &Snapshot, count: u32) {
        let now = snapshot.time_ms;
        let at_home = snapshot.threads.iter().filter(|t| t.place == Place::Home);
        let stay = |thread: &ThreadView| {
            if thread.is_main {
                Stay::First
            } else if self.hold.lasts(now) {
                Stay::Held {
                    ms: self.hold.left_ms(now),
                }
            } else if count == 0 {
                Stay::Calm {
                    runnable: snapshot.home.runnable,
                    cores: snapshot.home.cores,
                }
            } else if !thread.may_leave() {
                Stay::Bound
            } else if thread.state == ThreadState::Blocked {
                Stay::Waits
            } else if !self.weigh.is_busy(thread.tid) {
                Stay::Unshown
            } else if !self.weigh.is_settled(thread.tid, now) {
                Stay::Unsettled
            } else {
                Stay::Later
            }
        };
        let stays: BTreeMap<i32, Stay> = at_home.map(|t| (t.tid, stay(t))).collect();
        self.stays = stays;
    }
}
