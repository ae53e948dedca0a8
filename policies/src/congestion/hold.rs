//! How long nobody leaves, after it did not help.

/// The longest is so many times doubled.
const MOST_DOUBLINGS: u32 = 6;

/// A hold, longer each time that soon follows another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hold {
    backoff_ms: u64,
    until_ms: u64,
    failures: u32,
}

impl Hold {
    /// None yet; the first lasts so long.
    pub fn new(backoff_ms: u64) -> Self {
        Self {
            backoff_ms,
            until_ms: 0,
            failures: 0,
        }
    }

    /// Whether nobody leaves.
    pub fn lasts(&self, now_ms: u64) -> bool {
        now_ms < self.until_ms
    }

    /// For how long yet.
    pub fn left_ms(&self, now_ms: u64) -> u64 {
        self.until_ms.saturating_sub(now_ms)
    }

    /// It did not help; `dearly`: it cost so many times what a thread of its own costs. Who comes home while it lasts
    /// had left before, and is no further failure.
    pub fn fail(&mut self, now_ms: u64, dearly: u64) {
        let lasts = self.lasts(now_ms);
        let calm = now_ms.saturating_sub(self.until_ms);
        if calm > self.next_ms(dearly) {
            self.failures /= 2;
        }
        self.until_ms = self.until_ms.max(now_ms + self.next_ms(dearly));
        if !lasts {
            self.failures += 1;
        }
    }

    /// It helps now.
    pub fn helps(&mut self) {
        self.failures = self.failures.saturating_sub(1);
    }

    fn next_ms(&self, dearly: u64) -> u64 {
        (self.backoff_ms * dearly) << self.failures.min(MOST_DOUBLINGS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_longer_each_time_and_shorter_after_a_long_calm() {
        let mut hold = Hold::new(2_000);
        let mut now = 100_000;
        let mut lengths = Vec::new();
        for calm in [0, 0, 0, 600_000, 600_000] {
            now += calm;
            hold.fail(now, 1);
            lengths.push(hold.until_ms - now);
            now = hold.until_ms;
        }
        assert_eq!(lengths, [2_000, 4_000, 8_000, 4_000, 4_000]);
    }

    #[test]
    fn those_who_come_home_one_after_the_other_are_one_failure() {
        let mut hold = Hold::new(2_000);
        for now in (100_000..101_000).step_by(100) {
            hold.fail(now, 1);
        }
        assert!(hold.lasts(102_000) && !hold.lasts(105_000));
        hold.helps();
        assert_eq!(hold.failures, 0);
    }
}
