//! When something that waits has waited too long: the watch for deadlocks, of each side. Pure: the
//! caller knows the time.

use std::time::{Duration, Instant};

/// How many times the limit passes before the next complaint.
const QUIET: u32 = 10;

/// Looks now and then whether anything has waited for longer than a limit.
#[derive(Clone, Debug)]
pub struct Patience {
    /// `None`: endless.
    limit: Option<Duration>,
    /// Waiting counts from here on at the earliest.
    counts_from: Instant,
    next_look: Instant,
    quiet_until: Instant,
}

impl Patience {
    /// With this limit; zero: endless.
    pub fn new(limit: Duration, now: Instant) -> Self {
        Patience {
            limit: Some(limit).filter(|l| !l.is_zero()),
            counts_from: now,
            next_look: now + limit / 4,
            quiet_until: now,
        }
    }

    /// The limit in milliseconds; 0: endless.
    pub fn limit_ms(&self) -> u64 {
        self.limit.map_or(0, |limit| limit.as_millis() as u64)
    }

    /// What was stopped on purpose goes on.
    pub fn resumed(&mut self, now: Instant) {
        self.counts_from = now;
    }

    /// When to look next.
    pub fn next_look(&self) -> Option<Instant> {
        self.limit.map(|_| self.next_look)
    }

    /// Whether it is time to look; then the next look is later.
    pub fn is_due(&mut self, now: Instant) -> bool {
        let Some(limit) = self.limit.filter(|_| now >= self.next_look) else {
            return false;
        };
        self.next_look = now + limit / 4;
        true
    }

    /// Whether what has waited since then has waited too long.
    pub fn is_over(&self, since: Instant, now: Instant) -> bool {
        let waited = now.saturating_duration_since(since.max(self.counts_from));
        self.limit.is_some_and(|limit| waited >= limit)
    }

    /// Whether to complain, which is not done all the time.
    pub fn complain(&mut self, now: Instant) -> bool {
        if now < self.quiet_until {
            return false;
        }
        self.quiet_until = now + self.limit.unwrap_or_default() * QUIET;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(4);

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn what_waits_is_looked_at_four_times_before_it_is_too_long() {
        let start = Instant::now();
        let mut patience = Patience::new(LIMIT, start);
        assert!(!patience.is_due(start));
        assert!(patience.is_due(after(start, 1)) && !patience.is_due(after(start, 1)));
        assert_eq!(patience.next_look(), Some(after(start, 2)));
        assert!(!patience.is_over(start, after(start, 3)));
        assert!(patience.is_over(start, after(start, 4)));
    }

    #[test]
    fn a_time_of_being_stopped_does_not_count() {
        let start = Instant::now();
        let mut patience = Patience::new(LIMIT, start);
        patience.resumed(after(start, 100));
        assert!(!patience.is_over(start, after(start, 103)));
        assert!(patience.is_over(start, after(start, 104)));
    }

    #[test]
    fn complaints_are_rare() {
        let start = Instant::now();
        let mut patience = Patience::new(LIMIT, start);
        assert!(patience.complain(start));
        assert!(!patience.complain(after(start, 39)));
        assert!(patience.complain(after(start, 40)));
    }

    #[test]
    fn endless_patience_never_looks() {
        let start = Instant::now();
        let mut patience = Patience::new(Duration::ZERO, start);
        assert_eq!(patience.next_look(), None);
        assert!(!patience.is_due(after(start, 9)) && !patience.is_over(start, after(start, 9)));
    }
}
