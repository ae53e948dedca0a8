//! What others cost a thread: waiting for a core, for pages and for home calls.

use crate::BoardLoad;
use crate::watch::Rates;

/// A round trip to a board that has not told its own, in microseconds.
const ROUND_TRIP_US: u64 = 200;
/// What a page takes beyond the round trip, in microseconds.
const PAGE_US: u64 = 100;
/// What a home call takes beyond the round trip, in microseconds.
const CALL_US: u64 = 50;

/// The share of a core that each of so many threads gets.
pub(crate) fn fair(threads: f64, cores: u32) -> f64 {
    (f64::from(cores) / threads.max(1.0)).min(1.0)
}

/// Seconds for a page that a thread on a board needs.
pub(crate) fn page_s(board: &BoardLoad) -> f64 {
    let round_trip = board.round_trip_us.unwrap_or(ROUND_TRIP_US);
    board.fault_us.unwrap_or(round_trip + PAGE_US) as f64 / 1e6
}

/// The share of its time that a thread waits for pages and home calls; `None`: it did nothing.
pub(super) fn talked(rates: &Rates, board: &BoardLoad) -> Option<f64> {
    let waits = rates.faults * page_s(board) + rates.calls * call_s(board);
    (rates.cpu > 0.0 || waits > 0.0).then(|| share_of(waits, rates.cpu))
}

/// Seconds for a home call of a thread on a board.
pub(crate) fn call_s(board: &BoardLoad) -> f64 {
    (board.round_trip_us.unwrap_or(ROUND_TRIP_US) + CALL_US) as f64 / 1e6
}

/// What waiting is of waiting and computing.
pub(super) fn share_of(waits: f64, cpu: f64) -> f64 {
    let waits = waits.min(1.0);
    match cpu > 0.0 {
        true => waits / (cpu + waits),
        // The board has not told what the thread used.
        false => waits,
    }
}
