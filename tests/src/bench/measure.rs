//! Small statistics.

use std::time::Duration;

/// Long enough for a gigabyte on a slow machine.
pub const TIMEOUT: Duration = Duration::from_secs(300);

/// The median; the mean of the two in the middle where there is none.
pub fn median(mut values: Vec<f64>) -> f64 {
    assert!(!values.is_empty(), "a median of nothing");
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// The smallest.
pub fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

/// Measures two things in turn; their medians.
pub fn in_turn(
    runs: u32,
    mut one: impl FnMut() -> f64,
    mut two: impl FnMut() -> f64,
) -> (f64, f64) {
    let pairs = (0..runs).map(|_| (one(), two()));
    let (ones, twos) = pairs.unzip();
    (median(ones), median(twos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
