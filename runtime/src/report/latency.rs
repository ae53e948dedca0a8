//! Recording durations: nanoseconds in, percentiles in microseconds out.

use hdrhistogram::Histogram;

use super::schema::{Buckets, Percentiles};

/// The longest duration told apart, in nanoseconds; longer ones count as this one.
pub const LONGEST_NS: u64 = 600_000_000_000;

/// Significant decimal digits that are kept.
const DIGITS: u8 = 3;

/// Durations of one kind. Takes constant memory (some 250 KiB) and constant time per record.
#[derive(Debug, Clone)]
pub struct Latency {
    histogram: Histogram<u64>,
}

impl Latency {
    /// No durations yet.
    pub fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST_NS, DIGITS)
            .expect("the bounds and the number of digits are valid constants");
        Self { histogram }
    }

    /// Takes note of one duration, in nanoseconds.
    pub fn record_ns(&mut self, duration_ns: u64) {
        self.histogram
            .saturating_record(duration_ns.min(LONGEST_NS));
    }

    /// Takes note of everything that `other` has recorded.
    pub fn merge(&mut self, other: &Latency) {
        self.histogram
            .add(&other.histogram)
            .expect("all recorders have the same bounds");
    }

    /// What was recorded so far, in buckets of which each is twice as wide as the one before, from 1 us on.
    pub fn buckets(&self) -> Buckets {
        let counted = self.histogram.iter_log(1000, 2.0);
        counted
            .filter(|step| step.count_since_last_iteration() > 0)
            .map(|step| {
                let longest = step.value_iterated_to();
                (microseconds(longest), step.count_since_last_iteration())
            })
            .collect()
    }

    /// What was recorded so far, in microseconds.
    pub fn percentiles(&self) -> Percentiles {
        if self.histogram.is_empty() {
            return Percentiles::default();
        }
        let max = self.histogram.max().min(LONGEST_NS);
        let at = |quantile| microseconds(self.histogram.value_at_quantile(quantile).min(max));
        Percentiles {
            p50: at(0.50),
            p90: at(0.90),
            p99: at(0.99),
            max: microseconds(max),
            count: self.histogram.len(),
        }
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}

fn microseconds(ns: u64) -> f64 {
    ns as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether two values agree to the digits that are kept.
    fn close(actual: f64, expected: f64) -> bool {
        (actual - expected).abs() <= expected / 500.0
    }

    #[test]
    fn nothing_recorded_is_all_zero() {
        assert_eq!(Latency::new().percentiles(), Percentiles::default());
    }

    #[test]
    fn percentiles_are_those_of_the_durations() {
        let mut latency = Latency::new();
        (1..=1000).for_each(|n| latency.record_ns(n * 1000));
        let seen = latency.percentiles();
        assert_eq!(seen.count, 1000);
        assert!(close(seen.p50, 500.0), "{seen:?}");
        assert!(close(seen.p90, 900.0), "{seen:?}");
        assert!(close(seen.p99, 990.0), "{seen:?}");
        assert!(close(seen.max, 1000.0), "{seen:?}");
    }

    #[test]
    fn extremes_are_kept_within_bounds_and_in_order() {
        let mut latency = Latency::new();
        [0, 1, u64::MAX]
            .into_iter()
            .for_each(|ns| latency.record_ns(ns));
        let seen = latency.percentiles();
        assert_eq!(seen.count, 3);
        assert!(close(seen.max, 600e6), "{seen:?}");
        assert!(seen.p50 <= seen.p90 && seen.p90 <= seen.p99 && seen.p99 <= seen.max);
    }

    #[test]
    fn buckets_hold_everything() {
        let mut latency = Latency::new();
        (1..=1000).for_each(|n| latency.record_ns(n * 1000));
        let buckets = latency.buckets();
        assert_eq!(buckets.iter().map(|(_, count)| count).sum::<u64>(), 1000);
        assert!(buckets.is_sorted_by_key(|(longest, _)| *longest));
        assert!(buckets.len() <= 12, "{buckets:?}");
        assert!(Latency::new().buckets().is_empty());
    }

    #[test]
    fn merging_adds_up() {
        let (mut one, mut two) = (Latency::new(), Latency::new());
        one.record_ns(1000);
        two.record_ns(9000);
        one.merge(&two);
        let seen = one.percentiles();
        assert_eq!(seen.count, 2);
        assert!(close(seen.max, 9.0), "{seen:?}");
    }
}
