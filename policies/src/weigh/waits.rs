//! What others cost a thread: waiting for a core, for pages and for home calls.

use crate::BoardLoad;
use crate::watch::Rates;

/// A round trip to a board that has not told its own, in microseconds.
const ROUND_TRIP_US: u64 = 200;
/// What a page usually takes beyond the round trip, in microseconds.
pub const PAGE_US: u64 = 100;
/// What a home call takes beyond the round trip, in microseconds.
const CALL_US: u64 = 50;

/// The share of a core that each of so many threads gets.
pub(crate) fn fair(threads: f64, cores: u32) -> f64 {
    (f64::from(cores) / threads.max(1.0)).min(1.0)
}

/// Seconds for a page that a thread on a board needs.
pub(crate) fn page_s(board: &BoardLoad) -> f64 {
    let measured = board.fault_us.map(|us| us as f64 / 1e6);
    measured.unwrap_or_else(|| usual_page_s(board))
}

/// The same if whoever sends it gets a core at once.
pub(crate) fn usual_page_s(board: &BoardLoad) -> f64 {
    (board.round_trip_us.unwrap_or(ROUND_TRIP_US) + PAGE_US) as f64 / 1e6
}

/// The share of its time that a thread waits for pages and home calls; `None`: it did nothing.
pub(super) fn talked(rates: &Rates, board: &BoardLoad) -> Option<f64> {
    let waits = rates.faults * page_s(board) + rates.calls * call_s(board);
    (rates.cpu > 0.0 || waits > 0.0).then(|| share_of(waits, rates))
}

/// Seconds for a home call of a thread on a board.
pub(crate) fn call_s(board: &BoardLoad) -> f64 {
    (board.round_trip_us.unwrap_or(ROUND_TRIP_US) + CALL_US) as f64 / 1e6
}

/// What waiting is of waiting and computing. Prices are those of all of a board's threads: none can have waited in
/// the time in which it had a core, or waited for one.
pub(super) fn share_of(waits: f64, rates: &Rates) -> f64 {
    let waits = waits.min((1.0 - rates.cpu - rates.delay).max(0.0));
    match rates.cpu > 0.0 {
        true => waits / (rates.cpu + waits),
        // The board has not told what the thread used.
        false => waits,
    }
}
