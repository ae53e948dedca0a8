//! Durations as bars; each bucket is twice as wide as the one before.

use rtx_runtime::report::Buckets;

use super::svg::{Drawing, colour};

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 150.0;
const BOTTOM: f64 = 30.0;
const TOP: f64 = 16.0;
/// Room for labels that are wider than their bar.
const SIDE: f64 = 16.0;
/// Bounds that have room beside each other; of more, every second one is written, or every third, and so on.
const MOST_BOUNDS: i32 = 9;
/// What a digit takes, generously.
const DIGIT: f64 = 7.0;

/// The drawing; empty buckets between others are there too.
pub(super) fn histogram(buckets: &Buckets) -> String {
    // Buckets end at powers of two of a microsecond, less a nanosecond.
    let power = |longest: f64| longest.max(1.0).log2().round() as i32;
    let powers: Vec<(i32, u64)> = buckets.iter().map(|(l, n)| (power(*l), *n)).collect();
    let first = powers.first().map_or(0, |(power, _)| *power);
    let last = powers.last().map_or(0, |(power, _)| *power);
    let most = powers.iter().map(|(_, n)| *n).max().unwrap_or(1) as f64;
    let bars = last - first + 1;
    let step = (WIDTH - 2.0 * SIDE) / f64::from(bars).max(8.0);
    let every = (bars + MOST_BOUNDS - 1) / MOST_BOUNDS;
    let mut drawing = Drawing::new(WIDTH, HEIGHT);
    for (power, count) in powers {
        let height = count as f64 / most * (HEIGHT - BOTTOM - TOP);
        let (x, y) = (
            SIDE + f64::from(power - first) * step,
            HEIGHT - BOTTOM - height,
        );
        let to = bound(power);
        let title = format!("{count} of up to {to}");
        drawing.rect((x + 1.0, y), (step - 2.0, height), colour(1), &title);
        let middle = x + step / 2.0;
        // Others are told where the pointer rests.
        if count.to_string().len() as f64 * DIGIT <= step {
            drawing.text((middle, y - 3.0), "middle", count);
        }
        if (power - first) % every == 0 {
            drawing.text((middle, HEIGHT - BOTTOM + 14.0), "middle", to);
        }
    }
    drawing.finish()
}

/// This power of two of a microsecond, in few letters.
fn bound(power: i32) -> String {
    let us = 2f64.powi(power);
    let (value, unit) = match us {
        us if us < 1e3 => return format!("{us:.0} us"),
        us if us < 1e6 => (us / 1e3, "ms"),
        us => (us / 1e6, "s"),
    };
    match value < 10.0 {
        true => format!("{value:.1} {unit}"),
        false => format!("{value:.0} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_short() {
        let bounds = [0, 9, 10, 13, 14, 19, 20, 24].map(bound);
        let expected = [
            "1 us", "512 us", "1.0 ms", "8.2 ms", "16 ms", "524 ms", "1.0 s", "17 s",
        ];
        assert_eq!(bounds, expected);
    }

    #[test]
    fn many_bars_have_fewer_words() {
        let buckets = |count: i32| (0..count).map(|power| (2f64.powi(power), 10_000)).collect();
        let words = |count| histogram(&buckets(count)).matches("<text").count();
        assert_eq!(words(8), 16);
        assert_eq!(words(12), 12 + 6, "every second bound");
        assert_eq!(words(24), 8, "every third bound, and counts have no room");
    }
}
