//! What a page costs a thread on a board: the mean of how long its faults took of late.

use std::time::Duration;

use rtx_policies::PAGE_US;

/// Of a beat's faults so much still counts at the next one.
const KEPT: f64 = 7.0 / 8.0;
/// As many faults as this that took what is usual are counted in, so that a single odd one says little.
const USUAL: f64 = 8.0;
/// No fault is taken to have been longer: what holds one up for that long (a lost packet, a thread that keeps the page) is
/// no price of pages.
const LONGEST_NS: u64 = 300_000_000;

/// How long faults of one board's threads took since the last beat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    ns: u64,
    count: u64,
}

impl Faults {
    /// One more.
    pub fn add(&mut self, ns: u64) {
        self.ns = self.ns.saturating_add(ns.min(LONGEST_NS));
        self.count += 1;
    }
}

/// The price on one board. It fades to what is usual while nobody faults there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Price {
    ns: f64,
    count: f64,
}

impl Price {
    /// A beat of the board: what its faults took since the last one.
    pub fn beat(&mut self, lately: Faults) {
        self.ns = self.ns * KEPT + lately.ns as f64;
        self.count = self.count * KEPT + lately.count as f64;
    }

    /// What a page costs; `None`: none was ever asked for.
    pub fn of(&self, round_trip: Duration) -> Option<Duration> {
        let usual = round_trip + Duration::from_micros(PAGE_US);
        let ns = self.ns + USUAL * usual.as_nanos() as f64;
        (self.count > 0.0).then(|| Duration::from_nanos((ns / (self.count + USUAL)) as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUND_TRIP: Duration = Duration::from_micros(200);

    fn beat(price: &mut Price, count: u64, ms: u64) -> Duration {
        let mut lately = Faults::default();
        for _ in 0..count {
            lately.add(ms * 1_000_000);
        }
        price.beat(lately);
        price.of(ROUND_TRIP).expect("there was one")
    }

    #[test]
    fn many_faults_tell_the_price_and_one_does_not() {
        let mut price = Price::default();
        assert_eq!(price.of(ROUND_TRIP), None);
        let odd = beat(&mut price, 1, 2_000);
        assert!(odd < Duration::from_millis(40), "{odd:?}");
        let mut price = Price::default();
        beat(&mut price, 200, 10);
        let many = beat(&mut price, 200, 10);
        assert!(many > Duration::from_millis(9), "{many:?}");
    }

    #[test]
    fn it_fades_while_nobody_faults() {
        let mut price = Price::default();
        let dear = beat(&mut price, 200, 20);
        for _ in 0..60 {
            beat(&mut price, 0, 0);
        }
        let now = price.of(ROUND_TRIP).expect("there were some");
        assert!(
            dear > Duration::from_millis(15) && now < Duration::from_millis(1),
            "{now:?}"
        );
    }
}
