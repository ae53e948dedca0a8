//! How long an event loop looks for the next event before it sleeps.
//!
//! To fall asleep and be woken costs more than a page's way through the network, so a loop whose
//! events follow each other closely looks for a moment before it sleeps. As with a hypervisor's
//! halt polling (Documentation/virt/kvm/halt-polling.rst) the moment grows while it pays and shrinks
//! when it does not, so an idle job never looks, and a busy one loses little; and it ends at once
//! where other threads want the processor.

use std::time::{Duration, Instant};

/// The longest look.
const MOST: Duration = Duration::from_micros(150);
/// The shortest; below, the loop sleeps at once.
const LEAST: Duration = Duration::from_micros(8);
/// A look takes some microseconds; after a longer time somebody else had the processor.
const ASIDE: Duration = Duration::from_micros(400);
/// No look for this long after that.
const COURTESY: Duration = Duration::from_millis(20);

/// The state of one loop.
#[derive(Debug)]
pub struct Lookout {
    /// How long to look now.
    span: Duration,
    /// When the last event had been handled.
    since: Instant,
    /// When it last looked.
    looked: Instant,
    not_before: Instant,
}

impl Default for Lookout {
    fn default() -> Self {
        let now = Instant::now();
        Lookout {
            span: Duration::ZERO,
            since: now,
            looked: now,
            not_before: now,
        }
    }
}

impl Lookout {
    /// Whether to look for an event once more, instead of sleeping until one comes.
    pub fn goes_on(&mut self) -> bool {
        self.goes_on_at(Instant::now())
    }

    fn goes_on_at(&mut self, now: Instant) -> bool {
        if now - self.looked > ASIDE && self.looked > self.since {
            self.not_before = now + COURTESY;
        }
        self.looked = now;
        now >= self.not_before && now - self.since < self.span
    }

    /// An event has come.
    pub fn found(&mut self) {
        self.found_at(Instant::now());
    }

    fn found_at(&mut self, now: Instant) {
        self.span = match now - self.since {
            gap if gap < MOST => (self.span * 4).clamp(LEAST, MOST),
            _ if self.span < LEAST * 4 => Duration::ZERO,
            _ => self.span / 4,
        };
    }

    /// The event is handled: from now on the next one is awaited.
    pub fn handled(&mut self) {
        self.since = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: Duration = Duration::from_micros(1);

    fn after(gaps: &[u32]) -> Lookout {
        let mut lookout = Lookout::default();
        for gap in gaps {
            let now = lookout.since + US * *gap;
            lookout.found_at(now);
            lookout.since = now;
        }
        lookout
    }

    #[test]
    fn an_idle_loop_never_looks() {
        let mut lookout = after(&[100_000, 190, 100_000]);
        assert!(!lookout.goes_on_at(lookout.since));
    }

    #[test]
    fn events_in_quick_succession_are_looked_for_up_to_a_bound() {
        let mut lookout = after(&[20, 20, 20, 20, 20]);
        assert!(lookout.goes_on_at(lookout.since + MOST - US));
        assert!(!lookout.goes_on_at(lookout.since + MOST));
    }

    #[test]
    fn looking_in_vain_stops_it_soon() {
        let mut lookout = after(&[20, 20, 20, 20, 20, 500, 500, 500]);
        assert!(!lookout.goes_on_at(lookout.since));
    }

    #[test]
    fn it_sleeps_while_others_want_the_processor() {
        let mut lookout = after(&[20, 20, 20]);
        assert!(lookout.goes_on_at(lookout.since + US));
        assert!(!lookout.goes_on_at(lookout.since + US + 2 * ASIDE));
        lookout.since += 2 * ASIDE;
        assert!(!lookout.goes_on_at(lookout.since + US));
        lookout.since += COURTESY;
        lookout.looked = lookout.since;
        assert!(lookout.goes_on_at(lookout.since + US));
    }
}
