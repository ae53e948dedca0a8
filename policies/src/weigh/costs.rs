//! What a move costs a thread, and what it has ahead of it to pay for that.

use super::waits::{fair, page_s, usual_page_s};
use super::{LONGEST_WARMING_MS, MOST_DOUBLINGS, Weigh};
use crate::{BoardLoad, Snapshot, ThreadView};

/// What a thread may lose lastingly before it returns, in moves.
const MOVES_LOST: f64 = 10.0;
/// No thread is expected to fetch for longer than this, in seconds: who has that much memory works on some of it.
const LONGEST_FETCH_S: f64 = 5.0;
/// Bytes of a page.
pub(super) const PAGE: f64 = 4096.0;
/// Processor time that it takes home to send one of many pages to a board, in seconds: to look where it is, protect,
/// copy and send it (docs/performance.md).
const SEND_S: f64 = 8e-6;

/// What a thread may have to fetch when it comes to a board, in seconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Fetches {
    pub part_s: f64,
    /// Until it has that, if all others fetch theirs too.
    pub all_s: f64,
}

impl Weigh {
    /// Time over which a move of a thread that gets on so fast has to pay, in seconds.
    pub(crate) fn horizon_s(&self, thread: &ThreadView, speed: f64, now_ms: u64) -> f64 {
        self.horizon_s.min(self.ahead_s(thread, speed, now_ms))
    }

    /// How long a thread that gets on so fast is expected to go on, in seconds: until it has done what threads of this
    /// program do, or as long again as it has lived if that is longer.
    pub(crate) fn ahead_s(&self, thread: &ThreadView, speed: f64, now_ms: u64) -> f64 {
        let work = self.watch.work.unwrap_or(self.young_s);
        let left = (work - thread.cpu_ns as f64 / 1e9).max(0.0);
        let lived = age_s(thread, now_ms).max(thread.cpu_ns as f64 / 1e9);
        (left / speed.max(1e-3)).max(lived)
    }

    /// What a thread may lose on a board before it returns, in seconds: no less than it was sent there for.
    pub(crate) fn regret_s(&self, tid: i32, board: &BoardLoad) -> f64 {
        let known = self.threads.get(&tid);
        let most = LONGEST_WARMING_MS as f64 / 1000.0;
        let expected = known.map_or(0.0, |known| known.fetches.all_s.min(most));
        expected.max((self.move_s + self.regret * page_s(board)).min(most))
    }

    /// What a thread may lose on a board by what will not become less, in seconds.
    pub(crate) fn lasting_s(&self) -> f64 {
        self.move_s * MOVES_LOST
    }

    /// What a child thread may have to fetch on a board: its part of the program's memory, as other threads.
    pub(crate) fn fetches(&self, snapshot: &Snapshot) -> Fetches {
        let threads = snapshot.threads.iter().filter(|t| !t.is_main).count();
        let all = snapshot.memory as f64 / PAGE;
        let sends_s = |pages: f64| {
            // Home sends them as fast as it gets cores for that.
            let sends = pages * SEND_S / fair(self.watch.runnable, snapshot.home.cores);
            self.move_s + sends.min(LONGEST_FETCH_S)
        };
        Fetches {
            part_s: sends_s(all / threads.max(1) as f64),
            all_s: sends_s(all),
        }
    }

    /// How many times more it is taken to be, as threads had to be recalled that still fetched theirs.
    pub(crate) fn more(&self) -> f64 {
        let too_early = self.threads.values().map(|k| k.too_early).max();
        f64::from(1u32 << too_early.unwrap_or(0).min(MOST_DOUBLINGS))
    }

    /// What coming home costs a thread, in seconds: what pages cost it where it is it then saves.
    pub(crate) fn cost_home_s(&self, board: &BoardLoad) -> f64 {
        self.move_s + self.warm * usual_page_s(board)
    }

    /// What a move from home to a board costs a thread, in seconds.
    pub(crate) fn cost_s(&self, board: &BoardLoad) -> f64 {
        self.move_s + self.warm * page_s(board)
    }
}

/// How old a thread is, in seconds.
fn age_s(thread: &ThreadView, now_ms: u64) -> f64 {
    now_ms.saturating_sub(thread.born_ms) as f64 / 1000.0
}
