//! Durations as bars; each bucket is twice as wide as the one before.

use rtx_runtime::report::Buckets;

use super::seconds;
use super::svg::{Drawing, colour};

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 150.0;
const BOTTOM: f64 = 30.0;
const TOP: f64 = 16.0;

/// The drawing; empty buckets between others are there too.
pub(super) fn histogram(buckets: &Buckets) -> String {
    // Buckets end at powers of two of a microsecond, less a nanosecond.
    let power = |longest: f64| longest.max(1.0).log2().round() as i32;
    let powers: Vec<(i32, u64)> = buckets.iter().map(|(l, n)| (power(*l), *n)).collect();
    let first = powers.first().map_or(0, |(power, _)| *power);
    let last = powers.last().map_or(0, |(power, _)| *power);
    let most = powers.iter().map(|(_, n)| *n).max().unwrap_or(1) as f64;
    let step = WIDTH / f64::from(last - first + 1).max(8.0);
    let mut drawing = Drawing::new(WIDTH, HEIGHT);
    for (power, count) in powers {
        let height = count as f64 / most * (HEIGHT - BOTTOM - TOP);
        let (x, y) = (f64::from(power - first) * step, HEIGHT - BOTTOM - height);
        let to = seconds(2f64.powi(power) * 1e-6);
        let title = format!("{count} of up to {to}");
        drawing.rect((x + 1.0, y), (step - 2.0, height), colour(1), &title);
        drawing.text((x + step / 2.0, y - 3.0), "middle", count);
        drawing.text((x + step / 2.0, HEIGHT - BOTTOM + 14.0), "middle", to);
    }
    drawing.finish()
}
