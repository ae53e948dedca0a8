//! The bounds lane: a crowd of 256 threads under `shuffle`, while rtx's memory and descriptors are
//! watched. `RTX_BOUNDS_SECONDS` says for how long.

use std::io::Write;
use std::time::Duration;

use rtx_tests::bounds;

/// For how long when nobody says.
const SHORT: u64 = 20;

#[test]
fn memory_and_descriptors_stay_within_bounds() {
    let wanted = std::env::var("RTX_BOUNDS_SECONDS").ok();
    let seconds = wanted.map_or(SHORT, |number| {
        number.parse().expect("RTX_BOUNDS_SECONDS is a number")
    });
    let watched = bounds::watch(256, Duration::from_secs(seconds), 1);
    let watched = watched.unwrap_or_else(|what| panic!("{what}"));
    // Straight to the terminal: the test harness would keep it back.
    let _ = write!(std::io::stderr(), "{watched}");
    let complaints = watched.complaints();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
